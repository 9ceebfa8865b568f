import { basename, join } from 'node:path';
import type { CampaignCase } from '../../case.ts';
import { segmentsOf } from '../disk.ts';
import { fillLog, LIGHT, Load } from '../load.ts';
import { beforeStart, losePower } from '../power.ts';
import type { Trial, World } from '../trial.ts';
import { diedAt } from '../trace.ts';
import { tracedCase, tracedRound } from './traced.ts';

/** Where the server begins the next file of its log. */
const SEGMENT_BYTES_MAX = 64 * 1_024 * 1_024;
const APPENDS_AFTER = 40;

interface Step {
  readonly what: string;
  readonly call: string;
  readonly nth: number;
  /** The file whose calls are counted; absent: all. */
  readonly file?: string;
  /** What goes wrong: the process dies before the call, or the call fails. */
  readonly how: 'signal=SIGKILL' | 'error=EIO' | 'error=ENOSPC';
}

const FULL = '00000001.log';
const NEXT = '00000002.log';

/** What comes up: the end of the full file cut and synced, header of the next, its sync, the directory's, index file, mark, the first write. */
const STEPS: readonly Step[] = [
  { what: 'killed before the sync of the new file', call: 'fsync', nth: 1, how: 'signal=SIGKILL' },
  { what: 'killed before the header of the new file', call: 'pwrite64', nth: 1, file: NEXT, how: 'signal=SIGKILL' },
  { what: 'sync of the new file fails', call: 'fsync', nth: 1, how: 'error=EIO' },
  { what: 'killed before the sync of the directory', call: 'fsync', nth: 2, how: 'signal=SIGKILL' },
  { what: 'killed before the index file has its name', call: 'rename', nth: 1, how: 'signal=SIGKILL' },
  { what: 'killed before the first write to the new file', call: 'pwrite64', nth: 2, file: NEXT, how: 'signal=SIGKILL' },
  { what: 'killed before the first sync of the new file', call: 'fdatasync', nth: 1, file: NEXT, how: 'signal=SIGKILL' },
  { what: 'sync of the directory fails', call: 'fsync', nth: 2, how: 'error=EIO' },
  { what: 'no room for the header of the new file', call: 'pwrite64', nth: 1, file: NEXT, how: 'error=ENOSPC' },
  { what: 'killed before the sync of the full file', call: 'fdatasync', nth: 2, file: FULL, how: 'signal=SIGKILL' },
  { what: 'sync of the full file fails', call: 'fdatasync', nth: 2, file: FULL, how: 'error=EIO' },
  { what: 'index file cannot be named', call: 'rename', nth: 1, how: 'error=EIO' },
];

/** A log whose first file is full: the next group of appends begins another. */
const fullSegment = async (trial: Trial): Promise<World> => {
  const world = await trial.world();
  const server = world.server();
  const port = await server.port();
  await fillLog({ port, ledger: world.ledger, dataDir: world.dataDir, bytes: SEGMENT_BYTES_MAX });
  await server.end('SIGKILL');
  if (segmentsOf(world.dataDir).length !== 1) throw new Error('the log went on in another file before it was meant to');
  return world;
};

const rollOnce = async (trial: Trial, strace: string, base: World, { what, call, nth, file, how }: Step): Promise<void> => {
  const world = await trial.fork(base.dataDir, base.ledger.snapshot());
  const load = new Load({ port: world.port, ledger: world.ledger, random: trial.context.random.fork(what), plan: LIGHT, prefix: 'roll' });
  const before = beforeStart(world.dataDir);
  const only = file === undefined ? {} : { only: [join(world.dataDir, file)] };
  const { trace, exit } = await tracedRound(strace, world, load, { inject: [`${call}:${how}:when=${nth}`], what, ...only, during: (server) => load.more(APPENDS_AFTER, server.exited) });
  const happened = how === 'signal=SIGKILL' ? exit.signal === 'SIGKILL' && diedAt(trace, call) !== undefined : trace.calls.some(({ injected }) => injected);
  if (happened) trial.injected(what);
  else trial.notReached(what);
  if (file === undefined && happened) {
    const copy = world.copy('power');
    losePower(copy, trace, before, { directory: basename(world.dataDir), random: trial.context.random });
    await trial.judgeCopy(world, copy, `${what}, and the power lost`);
  }
  const server = world.server();
  const started = await server.started();
  trial.claim('the next start serves, and appends go on', started.ok ? undefined : `${what}: ${started.said}`);
  if (started.ok) {
    await load.more(APPENDS_AFTER);
    await load.finish();
    await server.end('SIGKILL');
  } else await load.abandon();
  trial.sumUp(load);
  trial.claim('the log went on in another file', segmentsOf(world.dataDir).length === 2 ? undefined : `${what}: ${segmentsOf(world.dataDir).length} files`);
  await trial.judgeCopy(world, world.dataDir, what);
};

/** The step from a full file of the log to the next. */
export const rollCase = (steps: number): CampaignCase =>
  tracedCase('roll', `the log's first file being full, what begins the next is cut off or fails, at ${Math.min(steps, STEPS.length)} steps`, async (trial, strace) => {
    const base = await fullSegment(trial);
    for (let i = 0; i < steps; i += 1) await rollOnce(trial, strace, base, STEPS[i % STEPS.length] as Step);
  });
