import type { RecordedEvent } from '@tallystick/ports';
import { runLoad, type Load, type LoadResult } from '../load/run-load.ts';
import { productTarget } from '../load/product.ts';
import { measureRelayBytes, relayTarget, type RelayBytes } from '../load/relay-shape.ts';
import type { BenchSystem } from '../load/system.ts';
import type { Target } from '../load/target.ts';
import type { Child } from '../machine/children.ts';
import { cpuBetween, residentOf, sampleCpu } from '../machine/machine.ts';
import { percentile } from '../machine/numbers.ts';
import type { BenchOptions, Topology } from '../options.ts';

/** One round of one variant. */
export interface Round {
  readonly p50_ms: number;
  readonly p90_ms: number;
  readonly p99_ms: number;
  readonly answer_p50_ms: number;
  readonly orders_per_s: number;
  /** Under full load, by process. */
  readonly cpu_us: Readonly<Record<string, number>>;
  readonly cpu_us_total: number;
  /** At 100 orders a second. The generator's is mostly its waiting. */
  readonly cpu_us_low: Readonly<Record<string, number>>;
  readonly cpu_us_low_total: number;
  readonly appends: number;
  readonly events: number;
  readonly reads: number;
  readonly appends_per_sync: number;
  readonly redeliveries: number;
  readonly resident_mib: Readonly<Record<string, number>>;
  /** Share of the CPU that others used in the worse of the two loads. */
  readonly others: number;
  readonly disturbed: boolean;
}

export interface Variant {
  readonly name: string;
  readonly rounds: readonly Round[];
}

export interface PipelineResult {
  readonly topology: Topology;
  readonly variants: readonly Variant[];
}

interface Running {
  readonly target: Target;
  readonly children: readonly Child[];
}

interface Sizes {
  readonly warmUp: number;
  readonly lowSeconds: number;
  readonly sustained: number;
}

/** Long enough that the compiler has done its work: after 1,500 orders it has not. */
const FULL: Sizes = { warmUp: 6_000, lowSeconds: 10, sustained: 4_000 };
const QUICK: Sizes = { warmUp: 4_000, lowSeconds: 5, sustained: 2_000 };
const LOW_PER_SECOND = 100;
/** Enough to keep every stage busy; more only waits. */
const OUTSTANDING = 256;
/** Above this share of the CPU used by others a round is made once more. */
const DISTURBED_SHARE = 0.1;

const sum = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((total, value) => total + value, 0);

const clientCounts = async (children: readonly Child[]): Promise<Readonly<Record<string, number>>> => {
  const total: Record<string, number> = {};
  for (const counts of await Promise.all(children.map((child) => child.ask<Readonly<Record<string, number>>>('counts')))) {
    for (const [name, value] of Object.entries(counts)) total[name] = (total[name] ?? 0) + value;
  }
  return total;
};

class Rig {
  private next = 0;

  constructor(private readonly system: BenchSystem, private readonly sizes: Sizes) {}

  private processes(children: readonly Child[]): readonly { readonly name: string; readonly pid: number }[] {
    const { nats, eventStore, venue } = this.system;
    return [...children, nats, eventStore, venue, { name: 'generator', pid: process.pid }].map(({ name, pid }) => ({ name, pid }));
  }

  async load(running: Running, load: Load): Promise<LoadResult> {
    const first = this.next;
    this.next += load.orders;
    return runLoad(this.system, running.target, load, first);
  }

  warmUp(running: Running): Promise<LoadResult> {
    return this.load(running, { kind: 'closed_loop', orders: this.sizes.warmUp, outstanding: OUTSTANDING });
  }

  async round(running: Running): Promise<Round> {
    const { children } = running;
    const processes = this.processes(children);
    const start = sampleCpu(processes);
    const low = await this.load(running, { kind: 'open_loop', orders: this.sizes.lowSeconds * LOW_PER_SECOND, perSecond: LOW_PER_SECOND });
    const lowUse = cpuBetween(start, sampleCpu(processes));
    const storeBefore = await this.system.storeCounts();
    const clientBefore = await clientCounts(children);
    const before = sampleCpu(processes);
    const full = await this.load(running, { kind: 'closed_loop', orders: this.sizes.sustained, outstanding: OUTSTANDING });
    const use = cpuBetween(before, sampleCpu(processes));
    const storeAfter = await this.system.storeCounts();
    const clientAfter = await clientCounts(children);
    const perOrder = (after: Readonly<Record<string, number>>, from: Readonly<Record<string, number>>, name: string): number => ((after[name] ?? 0) - (from[name] ?? 0)) / full.orders;
    const syncs = perOrder(storeAfter, storeBefore, 'tally_store_group_appends_count');
    const appends = perOrder(storeAfter, storeBefore, 'tally_store_group_appends_sum');
    const others = Math.max(lowUse.others, use.others);
    const cpu = Object.fromEntries(Object.entries(use.us).map(([name, us]) => [name, us / full.orders]));
    const cpuLow = Object.fromEntries(Object.entries(lowUse.us).map(([name, us]) => [name, us / low.orders]));
    return {
      p50_ms: percentile(low.toVenueMs, 0.5), p90_ms: percentile(low.toVenueMs, 0.9), p99_ms: percentile(low.toVenueMs, 0.99),
      answer_p50_ms: percentile(low.toAnswerMs, 0.5), orders_per_s: (full.orders * 1_000) / full.tookMs,
      cpu_us: cpu, cpu_us_total: sum(cpu), cpu_us_low: cpuLow, cpu_us_low_total: sum(cpuLow),
      appends, events: perOrder(storeAfter, storeBefore, 'tally_store_events_written_total'), reads: perOrder(clientAfter, clientBefore, 'tally_store_read_ms_count'),
      appends_per_sync: appends / syncs, redeliveries: perOrder(clientAfter, clientBefore, 'tally_commands_redelivered_total') * full.orders,
      resident_mib: Object.fromEntries(processes.map(({ name, pid }) => [name, residentOf(pid) / 2 ** 20])),
      others, disturbed: others > DISTURBED_SHARE,
    };
  }
}

/** Every event of a warmed-up product, for the sizes that the relay copies. */
const eventsSoFar = async (system: BenchSystem): Promise<readonly RecordedEvent[]> => {
  const events: RecordedEvent[] = [];
  await new Promise<void>((resolve, reject) => {
    const subscription = system.store.subscribeAll({
      name: 'bench-sizes', after: 'start', streamPrefixes: ['intent-', 'order-', 'riskGroup-', 'venueReport-'], onFailed: reject,
      onEvent: (event) => void events.push(event), onCaughtUp: () => void subscription.stop().then(resolve),
    });
  });
  return events;
};

const startRelay = async (system: BenchSystem, topology: Topology): Promise<Running> => {
  const bytes: RelayBytes = measureRelayBytes(await eventsSoFar(system));
  const requestBytes = JSON.stringify(productTarget('size').request(0, 'filled')).length;
  return { target: relayTarget('relay', requestBytes), children: await system.startRelay(topology, bytes) };
};

/** Product and relay by turns, round for round, on the same bus and store; a disturbed round is made once more. */
export const measurePipeline = async (system: BenchSystem, topology: Topology, options: BenchOptions, note: (text: string) => void): Promise<PipelineResult> => {
  const rig = new Rig(system, options.quick ? QUICK : FULL);
  const product: Running = { target: productTarget('run'), children: await system.startProduct(topology) };
  note(`${topology}: warming up`);
  await rig.warmUp(product);
  const variants: { readonly running: Running; readonly rounds: Round[] }[] = [{ running: product, rounds: [] }];
  if (options.profileDir === undefined) {
    const relay = await startRelay(system, topology);
    await rig.warmUp(relay);
    variants.push({ running: relay, rounds: [] });
  }
  for (let n = 1; n <= options.rounds; n += 1) {
    for (const { running, rounds } of variants) {
      const { name } = running.target;
      note(`${topology}: round ${n} of ${options.rounds}, ${name}`);
      let round = await rig.round(running);
      if (round.disturbed) {
        note(`${topology}: round ${n} of ${name} was disturbed (others used ${Math.round(round.others * 100)} % of the CPU): once more`);
        const again = await rig.round(running);
        if (again.others < round.others) round = again;
      }
      rounds.push(round);
    }
  }
  for (const { running } of variants) for (const child of running.children) await child.stop();
  return { topology, variants: variants.map(({ running, rounds }) => ({ name: running.target.name, rounds })) };
};
