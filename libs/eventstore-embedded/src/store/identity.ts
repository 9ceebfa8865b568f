import { randomUUID } from 'node:crypto';
import { StoreError } from '../errors.ts';
import { parseUuid } from '../wire/uuid.ts';
import type { Store } from './store.ts';

const EMPTY = Buffer.alloc(0);

/**
 * Writes the first event of a new log: who it is. A real server's log begins with events of its own too, and a
 * log that is known by an id cannot be taken for another one's backup. Does nothing to a log that has events.
 * Refuses with `STORE_UNUSABLE`.
 */
export async function identifyLog(store: Store): Promise<void> {
  if (store.index.count > 0) return;
  const data = Buffer.from(JSON.stringify({ log_id: randomUUID(), format_version: 1, created_ms: Date.now() }));
  const event = { id: parseUuid(Buffer.from(randomUUID())), type: Buffer.from('$log-created'), json: true, data, metadata: EMPTY };
  await new Promise<void>((resolve, reject) => {
    store.submit({
      kind: 'append', name: Buffer.from('$log'), expected: { kind: 'no_stream' }, events: [event], bytes: data.length, queuedAtMs: performance.now(),
      done: (outcome) => {
        if (outcome.kind === 'ok') return resolve();
        const why = 'detail' in outcome ? outcome.detail : outcome.kind;
        reject(new StoreError('STORE_UNUSABLE', `the first event of the log was not written: ${why}`, 'Make room on the disk or make it writable.'));
      },
    });
  });
}
