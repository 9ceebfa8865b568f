import type { EventStore, RecordedEvent, StoreFailure } from '@tallystick/ports';
import { hashOfRecorded, NO_STREAM, type ChainEnd } from './record.ts';

/** What was wrong, and where: `detail` names stream@revision. */
export type Decoded<E> = { readonly ok: true; readonly event: E } | { readonly ok: false; readonly code: 'EVENT_UNREADABLE'; readonly detail: string };
export type Decode<E> = (recorded: RecordedEvent) => Decoded<E>;

/** How the events of a stream become a state. */
export interface Folding<S, E> {
  readonly initial: () => S;
  readonly evolve: (state: S, event: E, revision: number) => S;
  readonly decode: Decode<E>;
}

export interface Loaded<S> {
  readonly state: S;
  readonly end: ChainEnd;
  /** Ids in the stream: a fact that is among them has been recorded before. */
  readonly ids: ReadonlySet<string>;
  /** Position of its newest event. */
  readonly position?: bigint;
  readonly last?: RecordedEvent;
}

export type StreamUnreadable = { readonly ok: false; readonly code: 'STREAM_UNREADABLE'; readonly detail: string };
export type LoadFailure = StoreFailure | StreamUnreadable;

export const nothingLoaded = <S, E>(folding: Folding<S, E>): Loaded<S> => ({ state: folding.initial(), end: NO_STREAM, ids: new Set() });

/** On from `before`, whose state and ids it may change in place. */
export const foldOn = <S, E>(
  folding: Folding<S, E>, stream: string, events: readonly RecordedEvent[], before: Loaded<S>,
): { readonly ok: true; readonly loaded: Loaded<S> } | StreamUnreadable => {
  let { state } = before;
  let { hash } = before.end;
  // Taken over, not copied for every page: nobody else has seen it yet.
  const ids = before.ids as Set<string>;
  for (const recorded of events) {
    if (recorded.metadata['prevhash'] !== hash) {
      return { ok: false, code: 'STREAM_UNREADABLE', detail: `${stream}@${recorded.revision} does not carry the hash of the event before it` };
    }
    const decoded = folding.decode(recorded);
    if (!decoded.ok) return { ok: false, code: 'STREAM_UNREADABLE', detail: decoded.detail };
    state = folding.evolve(state, decoded.event, recorded.revision);
    ids.add(recorded.id);
    hash = hashOfRecorded(recorded);
  }
  const last = events.at(-1);
  if (!last) return { ok: true, loaded: before };
  return { ok: true, loaded: { state, end: { revision: last.revision, hash }, ids, position: last.position, last } };
};

/** Folds what was read. An event that cannot be read, or a broken chain, fails the whole: a state made of the rest would be a guess. */
export const fold = <S, E>(folding: Folding<S, E>, stream: string, events: readonly RecordedEvent[]): { readonly ok: true; readonly loaded: Loaded<S> } | StreamUnreadable =>
  foldOn(folding, stream, events, nothingLoaded(folding));

/**
 * A read has a deadline and is held in memory: a day of a busy risk group is hundreds of thousands of events, which neither would
 * stand. A page is some megabytes, and read within a second on a machine that is busy with other things.
 */
const PAGE_EVENTS = 2_048;

/** Reads and folds a whole stream, however long; one that does not exist gives the initial state. */
export const load = async <S, E>(store: EventStore, folding: Folding<S, E>, stream: string): Promise<{ readonly ok: true; readonly loaded: Loaded<S> } | LoadFailure> => {
  let loaded = nothingLoaded(folding);
  for (;;) {
    const { revision } = loaded.end;
    const read = await store.read(stream, { maxCount: PAGE_EVENTS, ...(revision === 'no_stream' ? {} : { from: revision + 1 }) });
    if (!read.ok) return read;
    const folded = foldOn(folding, stream, read.events, loaded);
    if (!folded.ok || read.events.length < PAGE_EVENTS) return folded;
    ({ loaded } = folded);
  }
};
