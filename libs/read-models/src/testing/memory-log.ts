import { GENESIS_HASH } from '@tallystick/contracts';
import { chain, type ChainEnd, type DomainEvent } from '@tallystick/event-sourcing';
import type { AppendOutcome, EventStore, ExpectedRevision, NewEvent, ReadOptions, ReadOutcome, RecordedEvent, SubscribeAllOptions, Subscription } from '@tallystick/ports';

/** Positions are not consecutive in a real log either. */
const POSITION_STEP = 7n;

/** A log in memory with the store port's semantics, as far as a reader can tell. For specs. */
export class MemoryLog implements EventStore {
  readonly events: RecordedEvent[] = [];
  private readonly streams = new Map<string, RecordedEvent[]>();
  private readonly followers = new Set<() => void>();
  nowMs = 1_381_239_000_000;
  available = true;

  /** Records events as a service would: chained, at the stream's own end. */
  record(stream: string, ...events: readonly DomainEvent[]): readonly RecordedEvent[] {
    const before = this.streams.get(stream) ?? [];
    const last = before.at(-1);
    const end: ChainEnd = last ? { revision: last.revision, hash: this.hashes.get(stream) ?? GENESIS_HASH } : { revision: 'no_stream', hash: GENESIS_HASH };
    const facts = events.map((event, n) => ({ id: `00000000-0000-8000-8000-${String(this.events.length + n).padStart(12, '0')}`, event }));
    const chained = chain(stream, end, facts, {
      source: '/services/test', actor: 'service:test', build: 'test', policyHash: '', correlationId: stream, causationId: 'test', time: '2013-10-08T13:30:00.000Z',
    });
    this.hashes.set(stream, chained.end.hash);
    return this.write(stream, chained.events);
  }

  private readonly hashes = new Map<string, string>();

  /** Records events as they are, chained or not. */
  write(stream: string, events: readonly NewEvent[]): readonly RecordedEvent[] {
    const known = this.streams.get(stream) ?? [];
    this.streams.set(stream, known);
    const recorded = events.map(({ id, type, data, metadata }, n) => ({
      id, type, data, metadata, stream, revision: known.length + n, position: BigInt(this.events.length + n) * POSITION_STEP, recordedAtMs: this.nowMs,
    }));
    known.push(...recorded);
    this.events.push(...recorded);
    for (const follower of this.followers) follower();
    return recorded;
  }

  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendOutcome> {
    const actual = (this.streams.get(stream)?.length ?? 0) - 1;
    if ((expected === 'no_stream' ? -1 : expected) !== actual) return Promise.resolve({ ok: false, code: 'WRONG_EXPECTED_REVISION', actual: actual < 0 ? 'no_stream' : actual });
    const last = this.write(stream, events).at(-1);
    return Promise.resolve({ ok: true, revision: last?.revision ?? actual, position: last?.position ?? 0n });
  }

  read(stream: string, options: ReadOptions = {}): Promise<ReadOutcome> {
    if (!this.available) return Promise.resolve({ ok: false, code: 'STORE_UNAVAILABLE', detail: 'switched off' });
    const events = this.streams.get(stream) ?? [];
    return Promise.resolve({ ok: true, exists: events.length > 0, events: events.slice(0, options.maxCount ?? events.length) });
  }

  head(): ReturnType<EventStore['head']> {
    if (!this.available) return Promise.resolve({ ok: false, code: 'STORE_UNAVAILABLE', detail: 'switched off' });
    return Promise.resolve({ ok: true, position: this.events.at(-1)?.position });
  }

  subscribeAll(options: SubscribeAllOptions): Subscription {
    let next = options.after === 'start' ? 0 : options.after === 'end' ? this.events.length : this.events.findIndex(({ position }) => position > BigInt(options.after));
    if (next < 0) next = this.events.length;
    let stopped = false;
    let live = false;
    let handled: bigint | undefined;
    let wake: () => void = () => undefined;
    const follower = (): void => wake();
    this.followers.add(follower);
    const run = async (): Promise<void> => {
      while (!stopped) {
        const event = this.events[next];
        if (!event) {
          if (!live) options.onCaughtUp?.();
          live = true;
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        next += 1;
        if (options.streamPrefixes.some((prefix) => event.stream.startsWith(prefix))) await options.onEvent(event);
        else await options.onCheckpoint?.(event.position);
        handled = event.position;
      }
    };
    const running = run().catch((error: unknown) => {
      stopped = true;
      options.onFailed(error);
    });
    return {
      position: () => handled,
      isLive: () => live && !stopped,
      stop: async () => {
        stopped = true;
        this.followers.delete(follower);
        wake();
        await running;
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
