import type { JsonValue } from '@tallystick/ports';
import type { BenchSystem } from './system.ts';
import type { OrderKind, Target } from './target.ts';

/** How many orders, and how they come. */
export type Load =
  /** One every so often whatever happens to those before; the clock of each starts when it was due. */
  | { readonly kind: 'open_loop'; readonly orders: number; readonly perSecond: number }
  /** The next one goes when one of so many is through. */
  | { readonly kind: 'closed_loop'; readonly orders: number; readonly outstanding: number };

export interface LoadResult {
  readonly orders: number;
  /** From the first intent to the last order that is through. */
  readonly tookMs: number;
  /** From when an intent was due to the arrival of its order at the venue. */
  readonly toVenueMs: readonly number[];
  /** From when an intent was due to its answer, which follows its append. */
  readonly toAnswerMs: readonly number[];
}

const ANSWER_MS_MAX = 30_000;
/** Nothing moved for so long: something is lost, and the run says so instead of waiting. */
const STALL_MS_MAX = 20_000;
/** Timers are a millisecond coarse; what is left of a wait is polled. */
const SPIN_MS = 1.5;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts the parts of orders that are done and tells when an order is through. */
class Completions {
  private readonly seen = new Map<string, number>();
  private readonly waiting = new Map<string, () => void>();
  private lastAtMs = performance.now();

  constructor(private readonly target: Target) {}

  mark(id: string): void {
    this.lastAtMs = performance.now();
    const marks = (this.seen.get(id) ?? 0) + 1;
    this.seen.set(id, marks);
    if (marks !== this.target.marks) return;
    this.waiting.get(id)?.();
    this.waiting.delete(id);
  }

  of(id: string): Promise<void> {
    if ((this.seen.get(id) ?? 0) >= this.target.marks) return Promise.resolve();
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  stalled(): string | undefined {
    if (this.waiting.size === 0 || performance.now() - this.lastAtMs < STALL_MS_MAX) return undefined;
    return `${this.waiting.size} orders of ${this.target.name} are not through and nothing moves, ${[...this.waiting.keys()][0] ?? ''} among them`;
  }
}

interface Sent {
  readonly orderId: string;
  readonly dueNs: bigint;
  readonly answerMs: number;
}

const sendOne = async (system: BenchSystem, target: Target, n: number, kind: OrderKind, dueNs: bigint): Promise<Sent> => {
  const answer: JsonValue | undefined = await system.bus.request(target.subject, target.request(n, kind), ANSWER_MS_MAX);
  return { orderId: target.orderIdOf(answer), dueNs, answerMs: Number(process.hrtime.bigint() - dueNs) / 1e6 };
};

const sendPaced = async (load: Extract<Load, { kind: 'open_loop' }>, send: (n: number, dueNs: bigint) => void): Promise<void> => {
  const everyNs = 1e9 / load.perSecond;
  const startNs = process.hrtime.bigint();
  for (let n = 0; n < load.orders; n += 1) {
    const dueNs = startNs + BigInt(Math.round(n * everyNs));
    const leftMs = Number(dueNs - process.hrtime.bigint()) / 1e6;
    if (leftMs > SPIN_MS) await new Promise((resolve) => setTimeout(resolve, leftMs - SPIN_MS));
    while (process.hrtime.bigint() < dueNs) await turn();
    send(n, dueNs);
  }
};

/** Runs a load to its end: every order is through. Rejects when one was refused or lost. `first` numbers the orders: no number twice in a run. */
export const runLoad = async (system: BenchSystem, target: Target, load: Load, first: number, kind: OrderKind = 'filled'): Promise<LoadResult> => {
  await system.venue.ask('arrivals');
  const completions = new Completions(target);
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => undefined);
  const stopFollowing = await target.follow(system, kind, (orderId) => completions.mark(orderId), fail);
  const stopWatch = system.ports.timers.every(1_000, 'stall', () => {
    const stalled = completions.stalled();
    if (stalled !== undefined) fail(new Error(stalled));
    return Promise.resolve();
  });
  try {
    const sent: Sent[] = [];
    const startedMs = performance.now();
    const through = async (n: number, dueNs: bigint): Promise<void> => {
      const one = await sendOne(system, target, first + n, kind, dueNs);
      sent.push(one);
      await completions.of(one.orderId);
    };
    await Promise.race([failed, drive(load, through)]);
    const tookMs = performance.now() - startedMs;
    return { orders: load.orders, tookMs, toAnswerMs: sent.map(({ answerMs }) => answerMs), toVenueMs: await latencies(system, sent) };
  } finally {
    stopWatch();
    await stopFollowing();
  }
};

const drive = async (load: Load, through: (n: number, dueNs: bigint) => Promise<void>): Promise<void> => {
  if (load.kind === 'open_loop') {
    const all: Promise<void>[] = [];
    await sendPaced(load, (n, dueNs) => all.push(through(n, dueNs)));
    await Promise.all(all);
    return;
  }
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next; n < load.orders; n = next) {
      next += 1;
      await through(n, process.hrtime.bigint());
    }
  };
  await Promise.all(Array.from({ length: load.outstanding }, worker));
};

const latencies = async (system: BenchSystem, sent: readonly Sent[]): Promise<readonly number[]> => {
  const arrivals = new Map(await system.venue.ask<readonly (readonly [string, string])[]>('arrivals'));
  if (arrivals.size !== sent.length) throw new Error(`${sent.length} orders were sent, ${arrivals.size} arrived at the venue`);
  return sent.map(({ orderId, dueNs }) => {
    const arrived = arrivals.get(orderId);
    if (arrived === undefined) throw new Error(`order ${orderId} never arrived at the venue`);
    return Number(BigInt(arrived) - dueNs) / 1e6;
  });
};
