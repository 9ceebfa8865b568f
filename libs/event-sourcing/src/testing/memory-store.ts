import type {
  AppendOutcome, EventStore, ExpectedRevision, JsonObject, NewEvent, Position, ReadOptions, ReadOutcome, RecordedEvent, StoreFailure, SubscribeAllOptions,
  Subscription,
} from '@tallystick/ports';
import { MemorySubscription } from './memory-subscription.ts';

/** How one call goes wrong. */
export type StoreFault =
  /** Nothing was written; asking again is safe. */
  | 'unavailable'
  /** Nothing was written and nothing will be. */
  | 'refused'
  /** Appends only: the answer was lost, the write was not. */
  | 'unknown_written'
  /** Appends only: the answer and the write were lost. */
  | 'unknown_not_written'
  /** Appends only: the answer was lost and the write is on its way; it is judged when `land` is called. */
  | 'unknown_in_flight';

export interface StoreCall {
  readonly on: 'append' | 'read' | 'head';
  /** Empty for `head`. */
  readonly stream: string;
}

export interface MemoryStoreOptions {
  /** Process time, UTC, for `recordedAtMs`; default 0 for ever. */
  readonly nowMs?: () => number;
  /** Asked at every call; what it returns happens. */
  readonly fault?: (call: StoreCall) => StoreFault | undefined;
}

/** The store refuses larger appends. */
const APPEND_BYTES_MAX = 1024 * 1024;
/** Positions are places, not counters: with gaps between them arithmetic on a position shows. */
const POSITION_STEP = 64n;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * An event store in memory with the semantics of the real one where a use case can tell: appends at explicit revisions, the
 * answer to a repeat of the same ids, one log over all streams, subscriptions that await their handler. No clock, no timer and no
 * randomness of its own, so that a simulation can run on it.
 */
export class MemoryStore implements EventStore {
  private readonly log: RecordedEvent[] = [];
  private readonly streams = new Map<string, RecordedEvent[]>();
  private readonly subscriptions = new Set<MemorySubscription>();
  private readonly planned: { readonly on: StoreCall['on']; readonly fault: StoreFault }[] = [];
  private readonly inFlight: (() => void)[] = [];
  private gate: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: MemoryStoreOptions = {}) {}

  async append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendOutcome> {
    const wrong = this.malformed(stream, events);
    if (wrong !== undefined) return { ok: false, code: 'STORE_REFUSED', detail: wrong };
    // Taken now: what the caller does to its objects afterwards is not written.
    const taken = events.map(({ id, type, data, metadata }): NewEvent => ({ id, type, data: asJson(data), metadata: asJson(metadata) }));
    await this.gate;
    const fault = this.faultOf({ on: 'append', stream });
    await Promise.resolve();
    const unknown = { ok: false, code: 'APPEND_OUTCOME_UNKNOWN', detail: `no answer to an append to ${stream}` } as const;
    switch (fault) {
      case undefined:
        return this.write(stream, expected, taken);
      case 'unknown_written':
        this.write(stream, expected, taken);
        return unknown;
      case 'unknown_in_flight':
        this.inFlight.push(() => void this.write(stream, expected, taken));
        return unknown;
      case 'unknown_not_written':
        return unknown;
      case 'unavailable':
      case 'refused':
        return failure(fault);
    }
  }

  async read(stream: string, { from, direction = 'forwards', maxCount = Infinity }: ReadOptions = {}): Promise<ReadOutcome> {
    await Promise.resolve();
    const fault = this.faultOf({ on: 'read', stream });
    if (fault !== undefined) return failure(fault);
    const events = this.streams.get(stream);
    if (!events) return { ok: true, exists: false, events: [] };
    const last = events.length - 1;
    if (direction === 'forwards') {
      const first = from === undefined || from === 'start' ? 0 : from === 'end' ? last + 1 : from;
      return { ok: true, exists: true, events: events.slice(first, first + maxCount) };
    }
    const first = from === undefined || from === 'end' ? last : from === 'start' ? 0 : Math.min(from, last);
    return { ok: true, exists: true, events: events.slice(Math.max(first - maxCount + 1, 0), first + 1).reverse() };
  }

  subscribeAll(options: SubscribeAllOptions): Subscription {
    const subscription = new MemorySubscription(this.log, options, () => this.subscriptions.delete(subscription));
    this.subscriptions.add(subscription);
    return subscription;
  }

  async head(): Promise<{ readonly ok: true; readonly position: Position | undefined } | StoreFailure> {
    await Promise.resolve();
    const fault = this.faultOf({ on: 'head', stream: '' });
    return fault === undefined ? { ok: true, position: this.log.at(-1)?.position } : failure(fault);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.subscriptions].map((subscription) => subscription.stop()));
  }

  /** The next `times` calls of this kind go wrong like this, after those planned before. */
  failNext(on: StoreCall['on'], fault: StoreFault, times = 1): void {
    for (let i = 0; i < times; i += 1) this.planned.push({ on, fault });
  }

  /** Appends from now on wait, unwritten and unanswered, until the returned function is called. */
  hold(): () => void {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = () => {
        if (this.gate === gate) this.gate = undefined;
        resolve();
      };
    });
    this.gate = gate;
    return release;
  }

  /** Lets the appends that were `unknown_in_flight` arrive, in order, each judged by what is there now. */
  land(): void {
    for (const arrive of this.inFlight.splice(0)) arrive();
  }

  /** The whole log. */
  all(): readonly RecordedEvent[] {
    return this.log;
  }

  /** Resolves when every subscription has handled what is in the log and rests. */
  async settled(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.rest()));
  }

  private faultOf(call: StoreCall): StoreFault | undefined {
    if (this.closed) return 'unavailable';
    const index = this.planned.findIndex(({ on }) => on === call.on);
    if (index >= 0) return this.planned.splice(index, 1)[0]?.fault;
    return this.options.fault?.(call);
  }

  private malformed(stream: string, events: readonly NewEvent[]): string | undefined {
    if (stream === '') return 'the stream name is empty';
    if (events.length === 0) return 'there is nothing to append';
    const noId = events.find(({ id }) => !UUID.test(id));
    if (noId) return `${noId.id} is no UUID`;
    const bytes = events.reduce((sum, { data, metadata }) => sum + JSON.stringify(data).length + JSON.stringify(metadata).length, 0);
    return bytes > APPEND_BYTES_MAX ? `${bytes} bytes are more than one append may have (${APPEND_BYTES_MAX})` : undefined;
  }

  /** The real store's table for explicit revisions: at the head it writes, ids known or not; behind it, only the same ids again succeed. */
  private write(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): AppendOutcome {
    const stored = this.streams.get(stream) ?? [];
    const seen = expected === 'no_stream' ? -1 : expected;
    const last = stored.length - 1;
    if (seen < last && events.every(({ id }, i) => stored[seen + 1 + i]?.id === id)) return given(stored[seen + events.length]);
    if (seen !== last) return { ok: false, code: 'WRONG_EXPECTED_REVISION', actual: last < 0 ? 'no_stream' : last };
    this.streams.set(stream, stored);
    for (const event of events) {
      const recorded: RecordedEvent = {
        ...event, stream, revision: stored.length, position: BigInt(this.log.length + 1) * POSITION_STEP, recordedAtMs: this.options.nowMs?.() ?? 0,
      };
      stored.push(recorded);
      this.log.push(recorded);
    }
    for (const subscription of this.subscriptions) subscription.wake();
    return given(stored.at(-1));
  }
}

/** What is read back is JSON, whatever was given. */
const asJson = (value: JsonObject): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

const given = (last: RecordedEvent | undefined): AppendOutcome =>
  last ? { ok: true, revision: last.revision, position: last.position } : { ok: false, code: 'STORE_REFUSED', detail: 'there is nothing to append' };

const failure = (fault: StoreFault): StoreFailure =>
  fault === 'refused' ? { ok: false, code: 'STORE_REFUSED', detail: 'injected: refused' } : { ok: false, code: 'STORE_UNAVAILABLE', detail: 'injected: unavailable' };
