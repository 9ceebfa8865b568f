import type { LogIndex } from '../index/log-index.ts';
import { isMetastreamName } from '../index/stream-table.ts';
import { isTombstoned } from './append-plan.ts';
import { shownRange } from './metadata.ts';
import type { ShownRange } from './metadata.ts';
import type { Store } from './store.ts';

/** What of a stream is shown now. */
export type StreamView =
  | { readonly kind: 'missing' }
  | { readonly kind: 'tombstoned' }
  | ({ readonly kind: 'present' } & StreamRange);

export interface StreamRange extends ShownRange {
  /** Log number and revision of its newest event. */
  readonly lastEvent: number;
  readonly lastRevision: number;
}

export function viewStream(store: Store, name: Buffer): StreamView {
  const { index } = store;
  const stream = index.streams.find(name);
  if (stream === undefined) return isMetastreamOfTombstoned(name, index) ? { kind: 'tombstoned' } : { kind: 'missing' };
  if (isTombstoned(name, stream, index, index.visible)) return { kind: 'tombstoned' };
  const lastEvent = index.lastBelow(stream, index.visible);
  if (lastEvent === undefined) return { kind: 'missing' };
  const metadata = store.metadata.of(stream, index.visible);
  if (metadata.softDeleted) return { kind: 'missing' };
  const lastRevision = index.revision(lastEvent);
  return { kind: 'present', lastEvent, lastRevision, ...shownRange(metadata, lastRevision, Date.now()) };
}

/** A tombstone takes the metadata stream with it, also one that was never written. */
function isMetastreamOfTombstoned(name: Buffer, index: LogIndex): boolean {
  const base = isMetastreamName(name) ? index.streams.find(name.subarray(2)) : undefined;
  return base !== undefined && index.isTombstoned(base, index.visible);
}

/** Undefined when nothing is shown: the stream is missing or deleted. */
export function shownStream(store: Store, name: Buffer): StreamRange | undefined {
  const view = viewStream(store, name);
  return view.kind === 'present' ? view : undefined;
}

/** All that was ever written to a stream, whatever its metadata hides; without a tombstone. Undefined when there is nothing. */
export function wholeStream({ index }: Store, name: Buffer): StreamRange | undefined {
  const stream = index.streams.find(name);
  const lastEvent = stream === undefined ? undefined : index.lastBelow(stream, index.visible);
  return lastEvent === undefined ? undefined : { lastEvent, lastRevision: index.revision(lastEvent), firstRevision: 0, createdFromMs: 0 };
}

/** Log number of the stream's tombstone. */
export function tombstoneOf({ index }: Store, name: Buffer): number | undefined {
  const stream = index.streams.find(name);
  const event = stream === undefined ? undefined : index.streams.tombstones.get(stream);
  return event !== undefined && event < index.visible ? event : undefined;
}
