import { decodeOrder } from '@tallystick/contracts';
import { evolveOrder, NO_ORDER, type OrderState } from '@tallystick/domain';
import { silentLog, silentMetrics } from '@tallystick/platform';
import { ReadModel } from '@tallystick/read-models';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { productTarget } from '../load/product.ts';
import { runLoad, type Load } from '../load/run-load.ts';
import type { BenchSystem } from '../load/system.ts';
import type { Child } from '../machine/children.ts';
import { cpuBetween, residentOf, sampleCpu } from '../machine/machine.ts';
import { percentile } from '../machine/numbers.ts';
import type { MemoryAnswer } from '../processes/channel.ts';

/** The system with so many orders open at the venue and in the log. */
export interface GrowthLevel {
  readonly open_orders: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** While the last of them were put in. */
  readonly orders_per_s: number;
  readonly cpu_us_per_order: number;
  /** Heap of the services' process after full collections, over that of the level before, per order added. */
  readonly heap_bytes_per_order: number;
  readonly services_resident_mib: number;
  readonly store_resident_mib: number;
  readonly nats_resident_mib: number;
  readonly log_bytes_per_order: number;
  readonly replay_events_per_s: number;
  readonly replay_events_per_cpu_s: number;
  readonly projection_events_per_s: number;
  readonly projection_events_per_cpu_s: number;
  readonly others: number;
}

const LEVELS = [1_000, 10_000, 100_000];
const LEVELS_QUICK = [1_000, 10_000];
const LOW_PER_SECOND = 100;
const LOW_SECONDS = 4;
const OUTSTANDING = 256;
const WARM_UP = 500;
const PROJECTION_MS_MAX = 600_000;

interface Rate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

const timed = async (work: () => Promise<number>): Promise<Rate> => {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const events = await work();
  const tookMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (events * 1_000) / tookMs, perCpuSecond: (events * 1e6) / (user + system) };
};

/** Every order's stream read from the store and folded, as a service does when it starts. */
const replay = (system: BenchSystem): Promise<Rate> => timed(() => new Promise((resolve, reject) => {
  const orders = new Map<string, OrderState>();
  let events = 0;
  const subscription = system.store.subscribeAll({
    name: 'bench-replay', after: 'start', streamPrefixes: ['order-'], onFailed: reject,
    onEvent: (recorded) => {
      const decoded = decodeOrder(recorded);
      if (!decoded.ok) throw new Error(decoded.detail);
      orders.set(recorded.stream, evolveOrder(orders.get(recorded.stream) ?? NO_ORDER, decoded.event));
      events += 1;
    },
    onCaughtUp: () => void subscription.stop().then(() => resolve(events)),
  });
}));

/** The read model folded from nothing into a new file. */
const project = async (system: BenchSystem, path: string): Promise<Rate> => {
  const head = await system.store.head();
  if (!head.ok || head.position === undefined) throw new Error('the log has no head');
  const { position } = head;
  let counted = 0;
  const metrics = { ...silentMetrics, count: (name: string, _labels?: Readonly<Record<string, string>>, by = 1): void => void (name === 'tally_projection_events_total' && (counted += by)) };
  const model = new ReadModel({ path, store: system.store, timers: system.ports.timers, log: silentLog, metrics });
  const rate = await timed(async () => {
    model.start();
    if (!(await model.waitFor(position, PROJECTION_MS_MAX))) throw new Error('the projection did not come to the head of the log');
    return counted;
  });
  await model.stop();
  return rate;
};

const bytesIn = (dir: string): number => readdirSync(dir).filter((name) => name.endsWith('.log')).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);

/** Puts in resting orders up to each level and measures there. Nothing is filled: every order stays open. */
export const measureGrowth = async (system: BenchSystem, quick: boolean, note: (text: string) => void): Promise<readonly GrowthLevel[]> => {
  const [services] = await system.startProduct('one');
  if (!services) throw new Error('no services were started');
  const target = productTarget('growth');
  let next = 0;
  const load = (one: Load) => {
    const first = next;
    next += one.orders;
    return runLoad(system, target, one, first, 'open');
  };
  const logAtStart = bytesIn(join(system.dir, 'store'));
  await load({ kind: 'closed_loop', orders: WARM_UP, outstanding: OUTSTANDING });
  // Not of an idle process: compiled code would look like orders.
  let before: Before = { orders: WARM_UP, heap: (await services.ask<MemoryAnswer>('memory')).heap_used };
  const levels: GrowthLevel[] = [];
  for (const level of quick ? LEVELS_QUICK : LEVELS) {
    note(`growth: up to ${level} open orders`);
    const measured = await measureLevel(system, services, level, { load, placed: () => next, before, logAtStart });
    levels.push(measured.level);
    ({ before } = measured);
  }
  await services.stop();
  return levels;
};

interface Before {
  readonly orders: number;
  readonly heap: number;
}

interface SoFar {
  readonly load: (load: Load) => ReturnType<typeof runLoad>;
  readonly placed: () => number;
  readonly before: Before;
  readonly logAtStart: number;
}

const measureLevel = async (system: BenchSystem, services: Child, wanted: number, { load, placed, before, logAtStart }: SoFar): Promise<{ readonly level: GrowthLevel; readonly before: Before }> => {
  const low = LOW_SECONDS * LOW_PER_SECOND;
  const processes = [services, system.nats, system.eventStore, system.venue, { name: 'generator', pid: process.pid }].map(({ name, pid }) => ({ name, pid }));
  const cpuBefore = sampleCpu(processes);
  const fill = Math.max(1, wanted - placed() - low);
  const filled = await load({ kind: 'closed_loop', orders: fill, outstanding: OUTSTANDING });
  const use = cpuBetween(cpuBefore, sampleCpu(processes));
  const paced = await load({ kind: 'open_loop', orders: low, perSecond: LOW_PER_SECOND });
  const { heap_used } = await services.ask<MemoryAnswer>('memory');
  const replayed = await replay(system);
  const projected = await project(system, join(system.dir, `projection-${wanted}.sqlite`));
  const orders = placed();
  const level: GrowthLevel = {
    open_orders: orders, p50_ms: percentile(paced.toVenueMs, 0.5), p99_ms: percentile(paced.toVenueMs, 0.99),
    orders_per_s: (filled.orders * 1_000) / filled.tookMs, cpu_us_per_order: Object.values(use.us).reduce((sum, us) => sum + us, 0) / filled.orders,
    heap_bytes_per_order: (heap_used - before.heap) / (orders - before.orders),
    services_resident_mib: residentOf(services.pid) / 2 ** 20, store_resident_mib: residentOf(system.eventStore.pid) / 2 ** 20, nats_resident_mib: residentOf(system.nats.pid) / 2 ** 20,
    log_bytes_per_order: (bytesIn(join(system.dir, 'store')) - logAtStart) / orders,
    replay_events_per_s: replayed.perSecond, replay_events_per_cpu_s: replayed.perCpuSecond,
    projection_events_per_s: projected.perSecond, projection_events_per_cpu_s: projected.perCpuSecond, others: use.others,
  };
  return { level, before: { orders, heap: heap_used } };
};
