import type { EventStore, StoreFailure } from '@tallystick/ports';
import { load, type Folding, type Loaded, type LoadFailure } from './load.ts';
import type { LogTail } from './log-tail.ts';
import type { RecentStreams } from './recent-streams.ts';
import { chain, type DomainEvent, type Fact, type RecordContext } from './record.ts';

export interface Handled<S, E> {
  readonly ok: true;
  readonly state: S;
  /** What this call recorded; empty when everything was there already. */
  readonly recorded: readonly E[];
  readonly revision: number | 'no_stream';
  readonly position?: bigint;
  /** The stream as it is after this call: what the next one may decide on. */
  readonly loaded: Loaded<S>;
}

export type OutcomeUnknown = { readonly ok: false; readonly code: 'APPEND_OUTCOME_UNKNOWN'; readonly detail: string };
/** Another writer appended first; nothing of ours was recorded. */
export type LostRace = { readonly ok: false; readonly code: 'WRONG_EXPECTED_REVISION'; readonly detail: string };

export type HandleFailure =
  | LoadFailure
  | OutcomeUnknown
  /** Others kept writing to the stream first; nothing of ours was recorded. */
  | { readonly ok: false; readonly code: 'STREAM_CONTENDED'; readonly detail: string };

/** Four services write to one order at the most; ten lost races in a row mean that something loops. */
const CONFLICTS_MAX = 10;

const newFacts = <S, E extends DomainEvent>(loaded: Loaded<S>, decide: (loaded: Loaded<S>) => readonly Fact<E>[]): readonly Fact<E>[] =>
  decide(loaded).filter((fact) => !loaded.ids.has(fact.id));

const nothingNew = <S, E extends DomainEvent>(loaded: Loaded<S>): Handled<S, E> =>
  ({ ok: true, state: loaded.state, recorded: [], revision: loaded.end.revision, loaded, ...(loaded.position === undefined ? {} : { position: loaded.position }) });

/**
 * Read, fold, decide, append at the revision that was read. On a conflict all of it again, on what is there now. `decide` must be
 * pure; facts whose ids the stream already holds are dropped, so a repeat records nothing and still returns the state.
 */
export const handle = async <S, E extends DomainEvent>(
  store: EventStore,
  folding: Folding<S, E>,
  stream: string,
  context: RecordContext,
  decide: (loaded: Loaded<S>) => readonly Fact<E>[],
): Promise<Handled<S, E> | HandleFailure> => {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const read = await load(store, folding, stream);
    if (!read.ok) return read;
    const { loaded } = read;
    const facts = newFacts(loaded, decide);
    if (facts.length === 0) return nothingNew(loaded);
    const outcome = await appendAfter(store, folding, stream, context, loaded, facts);
    if (outcome.ok || outcome.code !== 'WRONG_EXPECTED_REVISION') return outcome;
  }
  return { ok: false, code: 'STREAM_CONTENDED', detail: `${stream} changed ${CONFLICTS_MAX} times while it was being decided on` };
};

/** What a process knows of streams without asking the store. */
export interface Known<S> {
  /** Streams as this process left them. */
  readonly recent: RecentStreams<S>;
  /** Streams as the log handed them over. */
  readonly tail: LogTail;
}

/**
 * The same, looking first at the stream as it is known here: what adds nothing to an old state has been recorded before, and costs no read.
 * What is new is decided on the stream as the log handed it over, and appended at the revision it had then: had it moved on, the append is
 * refused, and all is done again on what is read. Where to append is never taken from `recent`. Two processes that record the same fact with
 * the same id both hear success, so what this process believes the stream ends with may not be what it ends with, and the next event must
 * carry the hash of what is there. For facts only, where being late is the same as having come earlier; whoever needs the newest state uses `handle`.
 */
export const handleKnown = async <S, E extends DomainEvent>(
  store: EventStore,
  folding: Folding<S, E>,
  stream: string,
  context: RecordContext,
  decide: (loaded: Loaded<S>) => readonly Fact<E>[],
  { recent, tail }: Known<S>,
): Promise<Handled<S, E> | HandleFailure> => {
  const left = recent.take(stream);
  const handled = left && newFacts(left, decide).length === 0
    ? nothingNew<S, E>(left)
    : (await handleOnTail(store, folding, stream, context, decide, left, tail)) ?? await handle(store, folding, stream, context, decide);
  if (handled.ok && handled.revision !== 'no_stream') recent.keep(stream, handled.loaded);
  return handled;
};

/** `undefined` when the tail does not have the stream, or not as far as this process left it, or no longer as it is. */
const handleOnTail = async <S, E extends DomainEvent>(
  store: EventStore,
  folding: Folding<S, E>,
  stream: string,
  context: RecordContext,
  decide: (loaded: Loaded<S>) => readonly Fact<E>[],
  left: Loaded<S> | undefined,
  tail: LogTail,
): Promise<Handled<S, E> | HandleFailure | undefined> => {
  const loaded = tail.loaded(folding, stream);
  if (!loaded || (left?.position ?? -1n) > (loaded.position ?? -1n)) return undefined;
  const facts = newFacts(loaded, decide);
  if (facts.length === 0) return nothingNew(loaded);
  const outcome = await appendAfter(store, folding, stream, context, loaded, facts);
  return !outcome.ok && outcome.code === 'WRONG_EXPECTED_REVISION' ? undefined : outcome;
};

/** One append at the loaded revision, without a retry on conflict: for claims, where losing the race is the answer. */
export const appendAfter = async <S, E extends DomainEvent>(
  store: EventStore,
  folding: Folding<S, E>,
  stream: string,
  context: RecordContext,
  loaded: Loaded<S>,
  facts: readonly Fact<E>[],
): Promise<Handled<S, E> | StoreFailure | OutcomeUnknown | LostRace> => {
  const { events, end } = chain(stream, loaded.end, facts, context);
  const outcome = await store.append(stream, loaded.end.revision, events);
  if (!outcome.ok) return 'detail' in outcome ? outcome : { ...outcome, detail: `${stream} is at ${outcome.actual}` };
  let { state } = loaded;
  let revision = loaded.end.revision === 'no_stream' ? 0 : loaded.end.revision + 1;
  for (const { event } of facts) {
    state = folding.evolve(state, event, revision);
    revision += 1;
  }
  const after: Loaded<S> = { state, end, ids: new Set([...loaded.ids, ...facts.map(({ id }) => id)]), position: outcome.position };
  return { ok: true, state, recorded: facts.map(({ event }) => event), revision: outcome.revision, position: outcome.position, loaded: after };
};
