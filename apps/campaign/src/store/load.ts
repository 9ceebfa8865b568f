import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connectEventStore } from '@tallystick/eventstore';
import { silentLog, systemPorts } from '@tallystick/platform';
import type { EventStore, ExpectedRevision, NewEvent, Subscription } from '@tallystick/ports';
import type { Random } from '../random.ts';
import { markedBytes, readMark } from './disk.ts';
import { loadData, type Ledger } from './ledger.ts';
import { storeUrl } from './served.ts';

export interface LoadPlan {
  /** Writers with a stream of their own. */
  readonly own: number;
  /** Streams that several write to, at the revision each saw last. */
  readonly shared: number;
  readonly writersEach: number;
}

export const HEAVY: LoadPlan = { own: 32, shared: 3, writersEach: 4 };
export const LIGHT: LoadPlan = { own: 8, shared: 2, writersEach: 2 };

/** Before the adapter gives an append up as unknown and the writer repeats it: short, so that kills follow each other quickly. */
const APPEND_MS_MAX = 1_000;
/** As services do: not all through one connection, and the end of one is not the end of another. */
const CONNECTIONS = 2;
const WAIT_MS_MAX = 60_000;
/** Some 800 KB an event: below what the store takes at once. */
const LARGE_TEXTS = 30;
const TEXT = Array.from({ length: 4_096 }, (_, i) => ((i * 2_654_435_761) % 2 ** 32).toString(36)).join('');

/** Mostly small, now and then many pages. */
const textOf = (random: Random): string => {
  const bytes = random.chance(0.8) ? random.whole(0, 400) : random.chance(0.8) ? random.whole(400, 4_000) : random.whole(4_000, TEXT.length);
  const from = random.whole(0, TEXT.length - bytes);
  return TEXT.slice(from, from + bytes);
};

const after = (revision: number): ExpectedRevision => (revision < 0 ? 'no_stream' : revision);

/** Large appends one after the other to a stream of its own, until so many bytes of the log were synced. */
export const fillLog = async ({ port, ledger, dataDir, bytes }: { readonly port: number; readonly ledger: Ledger; readonly dataDir: string; readonly bytes: number }): Promise<void> => {
  const store = connectEventStore({ url: storeUrl(port), ports: systemPorts(), log: silentLog, connectionName: 'faults-fill', appendDeadlineMs: WAIT_MS_MAX });
  try {
    for (let n = 0; markedBytes(readMark(dataDir)) < bytes; n += 1) {
      const events = [{ id: randomUUID(), type: 'load', data: loadData('filler', n, TEXT.repeat(LARGE_TEXTS)), metadata: {} }];
      const entry = ledger.begin('filler', n, events);
      const outcome = await store.append('filler', after(n - 1), events);
      if (!outcome.ok) throw new Error(`the log cannot be filled: ${outcome.code}`);
      entry.acknowledged(outcome.revision, outcome.position);
    }
  } finally {
    await store.close();
  }
};

export interface LoadOptions {
  readonly port: number;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly plan: LoadPlan;
  /** In front of the names of its streams. */
  readonly prefix: string;
}

/** Reads along over every ending of the server: what it is given has to be durable, and comes once, in order. */
class Subscriber {
  /** What no right store gives. */
  readonly wrong: string[] = [];
  private readonly seen = new Set<string>();
  private readonly subscription: Subscription;
  private position = -1n;

  constructor(store: EventStore, ledger: Ledger, prefix: string) {
    this.subscription = store.subscribeAll({
      name: 'faults-reader', after: 'start', streamPrefixes: [prefix],
      onEvent: ({ id, stream, revision, position }) => {
        ledger.shown(id);
        if (this.seen.has(id) || position <= this.position) this.wrong.push(`a subscriber was given ${stream}@${revision} again, or after a later one`);
        this.seen.add(id);
        this.position = position;
      },
      onFailed: (error) => this.wrong.push(`a subscription ended: ${String(error)}`),
    });
  }

  /** Waits for all of these, and stops. */
  async caughtUp(ids: ReadonlySet<string>): Promise<void> {
    const untilMs = performance.now() + WAIT_MS_MAX;
    const missing = (): number => [...ids].filter((id) => !this.seen.has(id)).length;
    while (missing() > 0 && this.wrong.length === 0 && performance.now() < untilMs) await delay(10);
    if (missing() > 0) this.wrong.push(`a subscriber was never given ${missing()} of ${ids.size} acknowledged events`);
    await this.stop();
  }

  stop(): Promise<void> {
    return this.subscription.stop();
  }
}

/**
 * Writers that append as fast as they are answered, each append until its outcome is known, with the same ids. They go on over
 * every ending of the server, through the adapter's own reconnecting.
 */
export class Load {
  acknowledged = 0;
  /** Appends that had to be repeated because it was not known what became of them. */
  repeated = 0;
  /** Lost races on shared streams. */
  races = 0;
  /** Answers that no right store gives. */
  readonly wrong: string[] = [];
  /** Ids of the events that were acknowledged. */
  private readonly answered = new Set<string>();
  readonly streams: readonly string[];
  private readonly options: LoadOptions;
  private readonly stores: readonly EventStore[];
  private readonly running: Promise<void>[];
  private readonly subscriber: Subscriber;
  private ending: 'not' | 'resolved' | 'now' = 'not';
  private counter = 0;

  constructor(options: LoadOptions) {
    this.options = options;
    const { plan: { own, shared, writersEach }, prefix, port } = options;
    this.stores = Array.from({ length: CONNECTIONS }, (_, n) => connectEventStore({
      url: storeUrl(port), ports: systemPorts(), log: silentLog, connectionName: `faults-${prefix}-${n}`, appendDeadlineMs: APPEND_MS_MAX,
    }));
    this.subscriber = new Subscriber(this.stores[0] as EventStore, options.ledger, `${prefix}-`);
    const owned = Array.from({ length: own }, (_, n) => `${prefix}-own-${n}`);
    const common = Array.from({ length: shared }, (_, n) => `${prefix}-shared-${n}`);
    this.streams = [...owned, ...common];
    this.running = [
      ...owned.map((stream) => this.write(stream, false)),
      ...common.flatMap((stream) => Array.from({ length: writersEach }, () => this.write(stream, true))),
    ];
  }

  /** Until so many more appends are acknowledged, or `or` is over first. */
  async more(appends: number, or?: Promise<unknown>): Promise<void> {
    const until = this.acknowledged + appends;
    let over = false;
    const ended = (): void => {
      over = true;
    };
    void or?.then(ended, ended);
    const givenUpMs = performance.now() + WAIT_MS_MAX;
    while (this.acknowledged < until && !over) {
      if (performance.now() > givenUpMs) throw new Error(`${this.acknowledged} of ${until} appends were acknowledged within ${WAIT_MS_MAX / 1_000} s`);
      await delay(2);
    }
  }

  /** What the subscriber got that no right store gives. */
  get misled(): readonly string[] {
    return this.subscriber.wrong;
  }

  /** Ends when every append has its answer: a server has to be there. */
  async finish(): Promise<void> {
    this.ending = 'resolved';
    const timer = delay(WAIT_MS_MAX, 'late' as const, { ref: false });
    if ((await Promise.race([Promise.all(this.running), timer])) === 'late') throw new Error(`appends were not answered within ${WAIT_MS_MAX / 1_000} s of the server's being back`);
    await this.subscriber.caughtUp(this.answered);
    await this.close();
  }

  /** Ends with what is open left open. */
  async abandon(): Promise<void> {
    this.ending = 'now';
    await this.subscriber.stop();
    await this.close();
    await Promise.all(this.running);
  }

  private async close(): Promise<void> {
    await Promise.all(this.stores.map((store) => store.close()));
  }

  private events(stream: string): readonly NewEvent[] {
    const { random } = this.options;
    return Array.from({ length: random.chance(0.8) ? 1 : random.whole(2, 4) }, () => ({
      id: randomUUID(), type: 'load', data: loadData(stream, this.counter++, textOf(random)), metadata: { writer: random.chance(0.5) ? stream : null },
    }));
  }

  private async write(stream: string, isShared: boolean): Promise<void> {
    const store = this.stores[this.counter++ % CONNECTIONS];
    let head = -1;
    while (store && this.ending === 'not') head = await this.append(store, { stream, head, isShared });
  }

  /** One append, repeated until it is known what became of it; gives the revision to go on from. */
  private async append(store: EventStore, { stream, head, isShared }: { stream: string; head: number; isShared: boolean }): Promise<number> {
    const events = this.events(stream);
    const entry = this.options.ledger.begin(stream, head + 1, events);
    for (;;) {
      const outcome = await store.append(stream, after(head), events);
      if (outcome.ok) {
        entry.acknowledged(outcome.revision, outcome.position);
        this.acknowledged += 1;
        for (const { id } of events) this.answered.add(id);
        if (outcome.revision !== head + events.length) this.wrong.push(`${stream}: ${events.length} events after ${head} were acknowledged as ${outcome.revision}`);
        return outcome.revision;
      }
      if (outcome.code === 'WRONG_EXPECTED_REVISION') {
        entry.refused();
        const actual = outcome.actual === 'no_stream' ? -1 : outcome.actual;
        if (!isShared || actual === head) this.wrong.push(`${stream}: refused at ${head}, the head being ${actual}`);
        this.races += 1;
        return actual;
      }
      if (outcome.code === 'STORE_REFUSED') {
        // Nothing that is sent here is refusable.
        this.wrong.push(`${stream}: ${outcome.detail}`);
        await delay(100);
      }
      if (this.ending === 'now') return head;
      this.repeated += 1;
    }
  }
}
