import { randomUUID } from 'node:crypto';
import type { AppendOutcome, EventStore, ExpectedRevision, NewEvent, ReadOptions, RecordedEvent } from '@tallystick/ports';
import { expect } from '@jest/globals';
import type { EventStoreOptions } from '../connect.ts';
import { connectEventStore } from '../connect.ts';
import { recordingLog, systemPorts } from '../testing/world.ts';

// Longer than any fault here lasts, also where a server takes ten seconds to start; shorter than the longest test.
const GIVE_UP_MS = 150_000;

/** Adapters and stream names of one test file; a shared store is left with streams that nobody else reads. */
export class ContractWorld {
  readonly prefix = `contract_${randomUUID().slice(0, 8)}`;
  readonly log = recordingLog();
  private readonly opened: EventStore[] = [];
  private streams = 0;

  open(url: string, options: Partial<EventStoreOptions> = {}): EventStore {
    const store = connectEventStore({ url, ports: systemPorts(), log: this.log, connectionName: 'contract', ...options });
    this.opened.push(store);
    return store;
  }

  stream(name = 'order'): string {
    this.streams += 1;
    return `${this.prefix}_${name}-${this.streams}`;
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.map((store) => store.close()));
  }
}

export async function mustAppend(store: EventStore, stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Extract<AppendOutcome, { ok: true }>> {
  const outcome = await store.append(stream, expected, events);
  if (!outcome.ok) throw new Error(`append to ${stream}: ${JSON.stringify(outcome)}`);
  return outcome;
}

export async function mustRead(store: EventStore, stream: string, options?: ReadOptions): Promise<readonly RecordedEvent[]> {
  const read = await store.read(stream, options);
  if (!read.ok) throw new Error(`read of ${stream}: ${JSON.stringify(read)}`);
  return read.events;
}

export const codeOf = (outcome: AppendOutcome): string => (outcome.ok ? 'ok' : outcome.code);

/**
 * Appends `count` numbered events to a stream one after the other, as a handler does: the same event is asked for again until
 * the store gives a definite answer. Returns how often it was asked again.
 */
export async function writeAll(store: EventStore, stream: string, count: number): Promise<number> {
  let repeats = 0;
  const startedMs = performance.now();
  for (let n = 0; n < count; n += 1) {
    const event: NewEvent = { id: randomUUID(), type: 'Numbered', data: { n }, metadata: {} };
    for (;;) {
      const outcome = await store.append(stream, n === 0 ? 'no_stream' : n - 1, [event]);
      if (outcome.ok) {
        expect(outcome.revision).toBe(n);
        break;
      }
      // A wrong revision would mean that something was doubled or lost.
      expect(['APPEND_OUTCOME_UNKNOWN', 'STORE_UNAVAILABLE']).toContain(outcome.code);
      repeats += 1;
      if (performance.now() - startedMs > GIVE_UP_MS) throw new Error(`${stream} is not written after ${GIVE_UP_MS} ms: ${outcome.code}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  return repeats;
}

export async function expectNumbered(store: EventStore, stream: string, count: number): Promise<void> {
  const events = await mustRead(store, stream);
  expect(events.map(({ data }) => data['n'])).toEqual(Array.from({ length: count }, (_, n) => n));
  expect(events.map(({ revision }) => revision)).toEqual(Array.from({ length: count }, (_, n) => n));
}
