import { isMetastreamName } from '../index/stream-table.ts';
import { isTombstoned } from './append-plan.ts';
import type { Store } from './store.ts';

/** What of a stream is shown now. */
export type StreamView =
  | { readonly kind: 'missing' }
  | { readonly kind: 'tombstoned' }
  | {
      readonly kind: 'present';
      /** Log number and revision of its newest event. */
      readonly lastEvent: number;
      readonly lastRevision: number;
      /** First revision shown; may lie above the last, and then nothing is. */
      readonly firstRevision: number;
      /** Events created before this moment are not shown. */
      readonly createdFromMs: number;
    };

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
  const maxCount = metadata.maxCount ?? (isMetastreamName(name) ? 1 : undefined);
  return {
    kind: 'present',
    lastEvent,
    lastRevision,
    firstRevision: Math.max(0, metadata.truncateBefore ?? 0, maxCount === undefined ? 0 : lastRevision - maxCount + 1),
    createdFromMs: metadata.maxAgeSeconds === undefined ? 0 : Date.now() - metadata.maxAgeSeconds * 1000,
  };
}
