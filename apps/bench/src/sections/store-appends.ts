import { closedLoop, type ClosedLoop } from '../load/closed-loop.ts';
import { cpuBetween, sampleCpu } from '../machine/machine.ts';
import { measureSyncs, type SyncFloor } from '../machine/sync-floor.ts';
import { APPEND_REQUEST_BYTES, EVENT_BYTES, UNARY_BYTES, mustAppend, orderEvent, type StoreRig } from './store-rig.ts';

export type AppendWay = 'batch' | 'unary';

export interface AppendRound {
  readonly store: ClosedLoop & { readonly server_us: number; readonly per_sync: number };
  /** Bare gRPC: the same number of callers and the same bytes, nothing kept. */
  readonly echo: ClosedLoop & { readonly server_us: number };
  /** The bytes of an append of every writer in one write with one sync: the best that sharing a sync can do. */
  readonly sync: SyncFloor;
  readonly others: number;
}

export interface AppendResult {
  readonly way: AppendWay;
  readonly writers: number;
  readonly rounds: readonly AppendRound[];
}

const WRITERS = [1, 16, 64, 256];
const WAYS: readonly AppendWay[] = ['batch', 'unary'];
/** Header, name and hashes of a record beside its event. */
const RECORD_BYTES = EVENT_BYTES + 140;
const WARM_UP_MS = 400;
const SYNC_MS = 300;

let loads = 0;

const appendLoad = (rig: StoreRig, way: AppendWay): ((writer: number, n: number) => Promise<void>) => {
  loads += 1;
  const load = loads;
  const store = way === 'batch' ? rig.batch : rig.unary;
  return (writer, n) => mustAppend(store, `load-${load}-${writer}`, n - 1, [orderEvent(n)]);
};

const echoLoad = (rig: StoreRig, way: AppendWay): (() => Promise<void>) => {
  const message = Buffer.alloc(APPEND_REQUEST_BYTES, 1);
  if (way === 'batch') return () => rig.echo.overStream(message);
  const messages = [Buffer.alloc(UNARY_BYTES.target, 1), Buffer.alloc(UNARY_BYTES.event, 1)];
  return () => rig.echo.byCall(messages, UNARY_BYTES.answer);
};

const round = async (rig: StoreRig, way: AppendWay, writers: number, forMs: number): Promise<AppendRound> => {
  const processes = [{ name: 'store', pid: rig.store.child.pid }, { name: 'echo', pid: rig.echoChild.pid }, { name: 'bench', pid: process.pid }];
  const before = await rig.store.counts();
  const start = sampleCpu(processes);
  const store = await closedLoop(writers, forMs, appendLoad(rig, way));
  const between = sampleCpu(processes);
  const after = await rig.store.counts();
  const echoFrom = sampleCpu(processes);
  const echo = await closedLoop(writers, forMs, echoLoad(rig, way));
  const end = sampleCpu(processes);
  const sync = await measureSyncs(rig.dir, RECORD_BYTES * writers, SYNC_MS);
  const storeUse = cpuBetween(start, between);
  const echoUse = cpuBetween(echoFrom, end);
  const grown = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
  return {
    store: { ...store, server_us: (storeUse.us['store'] ?? 0) / store.count, per_sync: grown('tally_store_group_appends_sum') / grown('tally_store_group_appends_count') },
    echo: { ...echo, server_us: (echoUse.us['echo'] ?? 0) / echo.count },
    sync, others: Math.max(storeUse.others, echoUse.others),
  };
};

/** Durable appends of one event by writers that each own a stream, by turns with the two floors. */
export const measureStoreAppends = async (rig: StoreRig, rounds: number, forMs: number, note: (text: string) => void): Promise<readonly AppendResult[]> => {
  const results: { readonly way: AppendWay; readonly writers: number; readonly rounds: AppendRound[] }[] = WRITERS.flatMap((writers) => WAYS.map((way) => ({ way, writers, rounds: [] })));
  for (const { way, writers } of results) await closedLoop(writers, WARM_UP_MS, appendLoad(rig, way));
  for (const way of WAYS) await closedLoop(WRITERS.at(-1) ?? 1, WARM_UP_MS, echoLoad(rig, way));
  for (let n = 1; n <= rounds; n += 1) {
    note(`store: appends, round ${n} of ${rounds}`);
    for (const result of results) result.rounds.push(await round(rig, result.way, result.writers, forMs));
  }
  return results;
};
