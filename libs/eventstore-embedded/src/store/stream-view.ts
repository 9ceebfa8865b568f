import { isTombstoned } from './append-plan.ts';
import { shownRange } from './metadata.ts';
import type { ShownRange } from './metadata.ts';
import type { Store } from './store.ts';

/** What of a stream is shown now. */
export type StreamView =
  | { readonly kind: 'missing' }
  | { readonly kind: 'tombstoned' }
  | ({
      readonly kind: 'present';
      /** Log number and revision of its newest event. */
      readonly lastEvent: number;
      readonly lastRevision: number;
    } & ShownRange);

export function viewStream(store: Store, name: Buffer): StreamView {
  const { index } = store;
  const stream = index.streams.find(name);
  if (stream === undefined) return { kind: 'missing' };
  if (isTombstoned(name, stream, index, index.visible)) return { kind: 'tombstoned' };
  const lastEvent = index.lastBelow(stream, index.visible);
  if (lastEvent === undefined) return { kind: 'missing' };
  const metadata = store.metadata.of(stream, index.visible);
  if (metadata.softDeleted) return { kind: 'missing' };
  const lastRevision = index.revision(lastEvent);
  return { kind: 'present', lastEvent, lastRevision, ...shownRange(metadata, lastRevision, Date.now()) };
}
