import { measureStoreAppends, type AppendResult } from './store-appends.ts';
import { measureStoreDelivery, measureStoreReads, type Delivery, type ReadRound } from './store-reads.ts';
import { openRig } from './store-rig.ts';
import { measureStoreStart, type StartResult } from './store-start.ts';

export interface StoreResult {
  readonly appends: readonly AppendResult[];
  readonly read_events: number;
  readonly reads: readonly ReadRound[];
  readonly delivery: readonly Delivery[];
  readonly start: StartResult;
}

interface Sizes {
  readonly appendMs: number;
  readonly readEvents: number;
  readonly deliveries: number;
  readonly startEvents: number;
}

const FULL: Sizes = { appendMs: 3_000, readEvents: 100_000, deliveries: 1_000, startEvents: 1_000_000 };
const QUICK: Sizes = { appendMs: 700, readEvents: 100_000, deliveries: 200, startEvents: 100_000 };

/** The event store alone, as a process, against what this machine's disk and bare gRPC allow. */
export const measureStore = async (dir: string, rounds: number, quick: boolean, note: (text: string) => void): Promise<StoreResult> => {
  const sizes = quick ? QUICK : FULL;
  const rig = await openRig(dir);
  const appends = await measureStoreAppends(rig, rounds, sizes.appendMs, note);
  const reads = await measureStoreReads(rig, sizes.readEvents, rounds, note);
  const delivery = await measureStoreDelivery(rig, sizes.deliveries, rounds, note);
  await rig.stop();
  const start = await measureStoreStart(dir, sizes.startEvents, rounds, note);
  return { appends, read_events: sizes.readEvents, reads, delivery, start };
};
