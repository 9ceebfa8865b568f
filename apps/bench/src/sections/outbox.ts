import { listen, connectBus } from '@tallystick/messaging';
import { silentLog, silentMetrics } from '@tallystick/platform';
import { fileURLToPath } from 'node:url';
import { readdirSync, readFileSync } from 'node:fs';
import { runLoad } from '../load/run-load.ts';
import type { BenchSystem } from '../load/system.ts';
import type { Target } from '../load/target.ts';
import { startChild } from '../machine/children.ts';
import { cpuBetween, sampleCpu } from '../machine/machine.ts';
import { percentile } from '../machine/numbers.ts';
import { OUTBOX_DONE, OUTBOX_SUBJECT } from '../postgres/schema.ts';
import { startPostgres } from '../postgres/server.ts';

export interface OutboxRound {
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly orders_per_s: number;
  readonly cpu_us_total: number;
  readonly others: number;
}

export type OutboxResult = { readonly kind: 'measured'; readonly version: string; readonly rounds: readonly OutboxRound[] } | { readonly kind: 'skipped'; readonly reason: string };

/** Bytes of an event by stage: about what the product writes. */
const EVENT_BYTES = [900, 3_500, 1_000, 1_000, 800];
const WARM_UP = 300;
const LOW_PER_SECOND = 100;
const OUTSTANDING = 256;

const outboxTarget = (natsUrl: string): Target => ({
  name: 'outbox', subject: OUTBOX_SUBJECT, marks: 1,
  request: (n) => ({ order_id: `outbox${n}` }),
  orderIdOf: (answer) => {
    const { order_id } = (answer ?? {}) as { readonly order_id?: string };
    if (order_id === undefined) throw new Error(`the outbox did not answer: ${JSON.stringify(answer)?.slice(0, 200)}`);
    return order_id;
  },
  follow: async ({ ports }, _kind, onMark) => {
    const connection = await connectBus({ servers: natsUrl, name: 'bench-outbox', log: silentLog, metrics: silentMetrics, ports });
    listen(connection, { subject: OUTBOX_DONE, onMessage: ({ body }) => onMark(String((body as { readonly order_id?: unknown }).order_id)) });
    await connection.roundTripMs(1_000);
    return () => connection.close();
  },
});

/** The server and its sessions: every process whose parent it is. */
const postgresPids = (parent: number): readonly { readonly name: string; readonly pid: number }[] => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return pid === parent || Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    } catch {
      // Ended between the listing and the look.
      return false;
    }
  });
  return pids.map((pid) => ({ name: 'postgres', pid }));
};

/** Measures the outbox with the same venue, load generator and request path. Skipped, and said so, where there is no PostgreSQL. */
export const measureOutbox = async (system: BenchSystem, rounds: number, quick: boolean, note: (text: string) => void): Promise<OutboxResult> => {
  const started = await startPostgres(system.dir);
  if (!started.ok) return { kind: 'skipped', reason: started.reason };
  const { server } = started;
  const { child } = await startChild({
    name: 'outbox', entry: fileURLToPath(new URL('../processes/outbox.js', import.meta.url)), dir: system.dir,
    env: { ...system.env, BENCH_POSTGRES: JSON.stringify(server.connection), BENCH_OUTBOX_BYTES: JSON.stringify(EVENT_BYTES) },
  });
  const target = outboxTarget(system.env['TALLY_NATS_URL'] ?? '');
  let next = 0;
  const load = (orders: number, perSecond?: number) => {
    const first = next;
    next += orders;
    return runLoad(system, target, perSecond === undefined ? { kind: 'closed_loop', orders, outstanding: OUTSTANDING } : { kind: 'open_loop', orders, perSecond }, first);
  };
  await load(WARM_UP);
  const measured: OutboxRound[] = [];
  for (let n = 1; n <= rounds; n += 1) {
    note(`outbox: round ${n} of ${rounds}`);
    const processes = [...postgresPids(server.pid), child, system.nats, system.venue, { name: 'generator', pid: process.pid }].map(({ name, pid }) => ({ name, pid }));
    const low = await load((quick ? 3 : 10) * LOW_PER_SECOND, LOW_PER_SECOND);
    const before = sampleCpu(processes);
    const full = await load(quick ? 600 : 2_000);
    const use = cpuBetween(before, sampleCpu(processes));
    measured.push({
      p50_ms: percentile(low.toVenueMs, 0.5), p99_ms: percentile(low.toVenueMs, 0.99), orders_per_s: (full.orders * 1_000) / full.tookMs,
      cpu_us_total: Object.values(use.us).reduce((sum, us) => sum + us, 0) / full.orders, others: use.others,
    });
  }
  await child.stop();
  await server.stop();
  return { kind: 'measured', version: server.version, rounds: measured };
};
