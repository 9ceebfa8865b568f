import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CampaignCase } from '../../case.ts';
import { lastSegment, MARK_FILE } from '../disk.ts';
import type { Load } from '../load.ts';
import { beforeStart } from '../power.ts';
import { readWhatIsServed } from '../served.ts';
import type { StoreServer } from '../server.ts';
import type { Call, Trace } from '../trace.ts';
import type { Trial } from '../trial.ts';
import { waitForRefusal } from './refusals.ts';
import { inWorlds, judgeRemains, tracedCase, tracedRound } from './traced.ts';

const GROUPS_MAX = 40;
/** By sysexits.h: input/output error. What the server promises to end with. */
const EXIT_IO_ERROR = 74;
const EXIT_CANNOT_START = 2;
/** How often in a row a write fails before the disk is well again: the adapter repeats less often in the time of one append. */
const FAILURES_MAX = 6;
const ERRORS = ['EIO', 'ENOSPC', 'EROFS', 'EDQUOT'] as const;
const APPENDS_AFTER = 60;
/** The mark is synced once a second; a busy machine may take its time. */
const MARK_MS_MAX = 60_000;
const LOOK_MS = 20;
/** How the store says that its mark could not be kept up. */
const MARK_TROUBLE = ['store_mark_sync_failed', 'store_mark_not_written'];

const injectedCall = ({ calls }: Trace, name: string): Call | undefined => calls.find((call) => call.name === name && call.injected);

/** A failed sync is the end of the process: nothing is acknowledged behind it, for the kernel may call the next one a success. */
export const syncErrorCase = (errors: number): CampaignCase =>
  tracedCase('sync-error', `the Nth sync fails with EIO, ${errors} times`, (trial, strace) =>
    inWorlds(trial, errors, async ({ world, load }, i) => {
      // The first sync is the start's own, made to fail once in this case: a start that cannot sync must not serve.
      const nth = i === 1 ? 1 : trial.context.random.whole(2, GROUPS_MAX);
      const before = beforeStart(world.dataDir);
      const what = `EIO at sync ${nth}`;
      const { trace, exit, byItself, served } = await tracedRound(strace, world, load, { inject: [`fdatasync:error=EIO:when=${nth}`], what });
      const failed = injectedCall(trace, 'fdatasync');
      if (failed?.file === MARK_FILE) trial.notReached(`${what}: it was the mark's`);
      else if (failed) {
        trial.injected(served ? 'at a sync of the log' : 'at the sync of a start');
        const wanted = served ? EXIT_IO_ERROR : EXIT_CANNOT_START;
        trial.claim(`the process ends with code ${EXIT_IO_ERROR}, or does not start`, byItself && exit.code === wanted ? undefined : `${what}: ${byItself ? `code ${exit.code ?? exit.signal}` : 'it went on'}`);
      } else trial.notReached(what);
      await judgeRemains(trial, world, what, { before, trace });
    }));

/**
 * The mark is no promise but a lower bound of one: when it cannot be kept up, the store may end or go on, but it has to say so.
 */
export const markErrorCase = (errors: number): CampaignCase =>
  tracedCase('mark-error', `a sync or a write of the high-water mark fails, ${errors} times`, (trial, strace) =>
    inWorlds(trial, errors, async ({ world, load }, i) => {
      const call = i % 2 === 0 ? 'pwrite64' : 'fdatasync';
      // A write of the mark follows every group, a sync once a second.
      const nth = call === 'pwrite64' ? trial.context.random.whole(2, GROUPS_MAX) : 1;
      const what = `EIO at ${call} ${nth} of the mark`;
      const only = [join(world.dataDir, MARK_FILE)];
      const { trace, server, exit, byItself } = await tracedRound(strace, world, load, { inject: [`${call}:error=EIO:when=${nth}`], what, only, during: (running) => untilMarkFails(running, load) });
      if (injectedCall(trace, call)) {
        trial.injected(call === 'pwrite64' ? 'at a write of the mark' : 'at a sync of the mark');
        const right = byItself ? exit.code === EXIT_IO_ERROR : saidSo(server);
        trial.claim(`the process ends with code ${EXIT_IO_ERROR}, or goes on and says that the mark lags`, right ? undefined : `${what}: ${byItself ? `code ${exit.code ?? exit.signal}` : 'it went on without a word'}`);
      } else trial.notReached(what);
      await trial.judgeCopy(world, world.copy(), what);
    }));

const saidSo = (server: StoreServer): boolean => MARK_TROUBLE.some((event) => server.said(event).length > 0);

const untilMarkFails = async (server: StoreServer, load: Load): Promise<void> => {
  const untilMs = performance.now() + MARK_MS_MAX;
  while (!saidSo(server) && server.exit === undefined && performance.now() < untilMs) await load.more(1, delay(LOOK_MS));
  // And on for a while.
  await load.more(APPENDS_AFTER, server.exited);
};

/** While every write fails: nothing is acknowledged, reads go on, and writes are taken again by themselves afterwards. */
const during = (trial: Trial, load: Load, what: string, lasting: boolean) => async (server: StoreServer, port: number): Promise<void> => {
  if (lasting) {
    if (!(await waitForRefusal(server, load))) return;
    const { refused } = await readWhatIsServed(port, load.streams);
    trial.claim('reads go on while writes fail', refused.length === 0 ? undefined : `${what}: ${refused[0]}`);
    return;
  }
  await load.more(APPENDS_AFTER + GROUPS_MAX * load.streams.length, server.exited);
  trial.claim('writes are taken again when the disk takes them', server.exit === undefined ? undefined : `${what}: the server ended with ${server.exit.code ?? server.exit.signal}: ${server.complaint().slice(0, 300)}`);
};

export const writeErrors = (trial: Trial, strace: string, count: number, errors: readonly string[]): Promise<void> =>
  inWorlds(trial, count, async ({ world, load }, i) => {
    const { random } = trial.context;
    const error = errors[(i - 1) % errors.length] ?? 'EIO';
    const lasting = i % 3 === 0;
    const nth = random.whole(1, GROUPS_MAX);
    const when = lasting ? `${nth}+` : `${nth}..${nth + random.whole(0, FAILURES_MAX - 1)}`;
    const what = `${error} at writes ${when} of the log`;
    const round = await tracedRound(strace, world, load, { inject: [`pwrite64:error=${error}:when=${when}`], what, only: [lastSegment(world.dataDir)], during: during(trial, load, what, lasting) });
    if (injectedCall(round.trace, 'pwrite64')) trial.injected(`${error} ${lasting ? 'for good' : 'for a while'}`);
    else trial.notReached(what);
    await trial.judgeCopy(world, world.copy(), what);
  });

export const writeErrorCase = (count: number): CampaignCase =>
  tracedCase('write-error', `writes of the log fail with ${ERRORS.join(', ')}, some for a while and some for good, ${count} times`, (trial, strace) => writeErrors(trial, strace, count, ERRORS));
