import type { EventStore, Position } from '@tallystick/ports';
import { cpuBetween, sampleCpu } from '../machine/machine.ts';
import { percentile } from '../machine/numbers.ts';
import { READ_EVENT_BYTES, mustAppend, orderEvent, type StoreRig } from './store-rig.ts';

export interface ReadRate {
  readonly per_s: number;
  readonly client_us: number;
  readonly server_us: number;
}

export interface ReadRound {
  readonly stream: ReadRate;
  readonly all: ReadRate;
  /** Bare gRPC: as many messages of the same size, nothing decoded. */
  readonly echo: ReadRate;
  readonly others: number;
}

export interface Delivery {
  readonly subscribers: number;
  readonly rounds: readonly DeliveryRound[];
}

export interface DeliveryRound {
  /** From the append to the handler of each subscriber. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** One bare message there and back, at the same rate. */
  readonly echo_p50_ms: number;
  readonly deliveries: number;
}

const FILL_EVENTS = 100;
const SUBSCRIBERS = [1, 20];
const PER_SECOND = 200;

const fill = async (store: EventStore, stream: string, events: number): Promise<void> => {
  for (let n = 0; n < events; n += FILL_EVENTS) await mustAppend(store, stream, n - 1, Array.from({ length: FILL_EVENTS }, (_, i) => orderEvent(n + i)));
};

const timed = async (rig: StoreRig, serverPid: number, work: () => Promise<number>): Promise<{ readonly rate: ReadRate; readonly others: number }> => {
  const processes = [{ name: 'server', pid: serverPid }, { name: 'bench', pid: process.pid }];
  const before = sampleCpu(processes);
  const own = process.cpuUsage();
  const count = await work();
  const { user, system } = process.cpuUsage(own);
  const after = sampleCpu(processes);
  const use = cpuBetween(before, after);
  return { rate: { per_s: (count * 1_000) / (after.atMs - before.atMs), client_us: (user + system) / count, server_us: (use.us['server'] ?? 0) / count }, others: use.others };
};

const readOne = async (store: EventStore, stream: string): Promise<number> => {
  const read = await store.read(stream);
  if (!read.ok) throw new Error(`read: ${read.code}`);
  return read.events.length;
};

/** From a place to the head, as a projection that is built anew. */
const readLog = (store: EventStore, prefix: string, after: Position): Promise<number> => new Promise((resolve, reject) => {
  let events = 0;
  const subscription = store.subscribeAll({
    name: 'bench-read', after, streamPrefixes: [prefix], onFailed: reject,
    onEvent: () => {
      events += 1;
    },
    onCaughtUp: () => void subscription.stop().then(() => resolve(events)),
  });
});

/** So many events as one stream and as the log of all, by turns with bare messages. */
export const measureStoreReads = async (rig: StoreRig, events: number, rounds: number, note: (text: string) => void): Promise<readonly ReadRound[]> => {
  note(`store: ${events} events to read`);
  // What lies before is of other measurements, and not to be counted with these.
  const head = await rig.batch.head();
  if (!head.ok || head.position === undefined) throw new Error('the log has no head');
  const before = head.position;
  await fill(rig.batch, 'read-all', events);
  const results: ReadRound[] = [];
  // One more than asked for: the first pays for the compiler.
  for (let n = 0; n <= rounds; n += 1) {
    note(`store: reads, round ${n} of ${rounds}`);
    const stream = await timed(rig, rig.store.child.pid, () => readOne(rig.batch, 'read-all'));
    const all = await timed(rig, rig.store.child.pid, () => readLog(rig.batch, 'read-', before));
    const echo = await timed(rig, rig.echoChild.pid, () => rig.echo.readMany(events, READ_EVENT_BYTES));
    if (n > 0) results.push({ stream: stream.rate, all: all.rate, echo: echo.rate, others: Math.max(stream.others, all.others, echo.others) });
  }
  return results;
};

/** Sends at a steady pace, whatever takes how long; resolves when all is done. */
const paced = async (count: number, send: (n: number) => Promise<void>): Promise<void> => {
  const startMs = performance.now();
  const all: Promise<void>[] = [];
  for (let n = 0; n < count; n += 1) {
    const leftMs = startMs + (n * 1_000) / PER_SECOND - performance.now();
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    const one = send(n);
    // A failure is thrown when all are awaited, not as one that nobody handles.
    one.catch(() => undefined);
    all.push(one);
  }
  await Promise.all(all);
};

const deliver = async (rig: StoreRig, subscribers: number, nth: number, appends: number): Promise<DeliveryRound> => {
  const stream = `deliver-${subscribers}-${nth}`;
  const sentMs: number[] = [];
  const times: number[] = [];
  let done: () => void = () => undefined;
  const delivered = new Promise<void>((resolve) => (done = resolve));
  const subscriptions = await Promise.all(Array.from({ length: subscribers }, () => new Promise<ReturnType<EventStore['subscribeAll']>>((resolve, reject) => {
    const subscription: ReturnType<EventStore['subscribeAll']> = rig.batch.subscribeAll({
      name: 'bench-deliver', after: 'end', streamPrefixes: [stream], onFailed: reject, onCaughtUp: () => resolve(subscription),
      onEvent: ({ revision }) => {
        times.push(performance.now() - (sentMs[revision] ?? Number.NaN));
        if (times.length === appends * subscribers) done();
      },
    });
  })));
  let last: Promise<void> = Promise.resolve();
  await paced(appends, (n) => {
    // One after another: each expects the one before. What waits counts.
    sentMs[n] = performance.now();
    last = last.then(() => mustAppend(rig.batch, stream, n - 1, [orderEvent(n)]));
    return last;
  });
  await delivered;
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  const echoed: number[] = [];
  const message = Buffer.alloc(READ_EVENT_BYTES, 1);
  await paced(appends, () => {
    const fromMs = performance.now();
    return rig.echo.overStream(message).then(() => void echoed.push(performance.now() - fromMs));
  });
  return { p50_ms: percentile(times, 0.5), p99_ms: percentile(times, 0.99), echo_p50_ms: percentile(echoed, 0.5), deliveries: times.length };
};

/** Appends at a steady pace, and how long until each subscriber has handled them. */
export const measureStoreDelivery = async (rig: StoreRig, appends: number, rounds: number, note: (text: string) => void): Promise<readonly Delivery[]> => {
  const results = SUBSCRIBERS.map((subscribers) => ({ subscribers, rounds: [] as DeliveryRound[] }));
  for (let n = 0; n <= rounds; n += 1) {
    note(`store: delivery, round ${n} of ${rounds}`);
    for (const { subscribers, rounds: done } of results) {
      const round = await deliver(rig, subscribers, n, appends);
      if (n > 0) done.push(round);
    }
  }
  return results;
};
