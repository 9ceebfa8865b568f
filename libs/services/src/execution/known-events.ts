import type { KnownEvent } from '@tallystick/domain';
import { hashOfRecorded, type Loaded } from '@tallystick/event-sourcing';
import type { EventStore, RecordedEvent, StoreFailure } from '@tallystick/ports';

export const knownOf = (recorded: RecordedEvent): KnownEvent =>
  ({ stream: recorded.stream, revision: recorded.revision, event_id: recorded.id, hash: hashOfRecorded(recorded), position: recorded.position.toString() });

/** The event that a stream ends with, by the id that it was appended under. */
export const knownEnd = (stream: string, eventId: string | undefined, { end: { revision, hash }, position }: Loaded<unknown>): KnownEvent | undefined =>
  (eventId === undefined || revision === 'no_stream' || position === undefined ? undefined : { stream, revision, event_id: eventId, hash, position: position.toString() });

/** The one that lies furthest in the log. */
export const newestOf = (...events: readonly (KnownEvent | undefined)[]): KnownEvent | undefined =>
  events.reduce((newest, event) => (event && (!newest || BigInt(event.position) > BigInt(newest.position)) ? event : newest), undefined);

export type Looked =
  | { readonly ok: true; readonly there: true }
  /** `found`: what the log has at that revision, or last in that stream. */
  | { readonly ok: true; readonly there: false; readonly found?: KnownEvent; readonly detail: string }
  | StoreFailure;

/** Is the event in the log, at its revision, with its id and its hash? The hash covers all of its stream before it. */
export const lookFor = async (store: EventStore, known: KnownEvent): Promise<Looked> => {
  const { stream, revision } = known;
  const at = await store.read(stream, { from: revision, maxCount: 1 });
  if (!at.ok) return at;
  const [there] = at.events;
  const found = there && knownOf(there);
  if (found?.revision === revision && found.event_id === known.event_id && found.hash === known.hash) return { ok: true, there: true };
  if (found?.revision === revision) return { ok: true, there: false, found, detail: `event ${revision} of ${stream} is another one than was known` };
  const end = await store.read(stream, { from: 'end', direction: 'backwards', maxCount: 1 });
  if (!end.ok) return end;
  const [last] = end.events;
  if (!last) return { ok: true, there: false, detail: `there is no ${stream} in the log, and event ${revision} of it was known` };
  return { ok: true, there: false, found: knownOf(last), detail: `${stream} ends with event ${last.revision} in the log, and event ${revision} of it was known` };
};
