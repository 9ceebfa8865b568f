import { setTimeout as delay } from 'node:timers/promises';
import type { CampaignCase } from '../../case.ts';
import type { Random } from '../../random.ts';
import { MARK_FILE } from '../disk.ts';
import { beforeStart } from '../power.ts';
import type { StoreServer } from '../server.ts';
import { diedAt } from '../trace.ts';
import { inWorlds, judgeRemains, tracedCase, tracedRound } from './traced.ts';

/** Groups of appends after which the kill comes: near enough to be reached at once, and many enough to differ. */
const GROUPS_MAX = 60;
/** Long beside everything else that an append needs. */
const SYNC_MS = 30;
const SLOW_APPENDS_MAX = 120;

interface Site {
  readonly name: string;
  readonly title: string;
  readonly call: string;
  /** At which of the calls, counted from the start of the server. */
  readonly draw: (random: Random) => number;
  /** What was to happen at the call, by the file it was for. */
  readonly kindOf: (file: string) => string;
}

const SITES: readonly Site[] = [
  {
    name: 'sync-kill', title: 'SIGKILL at the Nth sync: before it, what was written being unsynced', call: 'fdatasync',
    // The first is the start's own.
    draw: (random) => random.whole(2, GROUPS_MAX),
    kindOf: (file) => (file === MARK_FILE ? 'at a sync of the mark' : 'at a sync of the log'),
  },
  {
    name: 'write-kill', title: 'SIGKILL at the Nth write: before a write of the log, or behind its sync and before the mark', call: 'pwrite64',
    // A start writes the mark once; from then on log and mark take turns.
    draw: (random) => random.whole(2, 2 * GROUPS_MAX),
    kindOf: (file) => (file === MARK_FILE ? 'between the sync of the log and the write of the mark' : 'before a write of the log'),
  },
  {
    name: 'answer-kill', title: 'SIGKILL at the Nth answer: all is durable, and nobody is told', call: 'writev',
    draw: (random) => random.whole(4, 2 * GROUPS_MAX),
    kindOf: () => 'before an answer',
  },
];

const killAt = ({ name, title, call, draw, kindOf }: Site, kills: number): CampaignCase =>
  tracedCase(name, `${title}, ${kills} times`, (trial, strace) =>
    inWorlds(trial, kills, async ({ world, load }, kill) => {
      const nth = draw(trial.context.random);
      const before = beforeStart(world.dataDir);
      const { trace, exit, byItself } = await tracedRound(strace, world, load, { inject: [`${call}:signal=SIGKILL:when=${nth}`], what: `${call} ${nth}` });
      const died = diedAt(trace, call);
      if (byItself && exit.signal === 'SIGKILL' && died) trial.injected(kindOf(died.file));
      else trial.notReached(`${call} ${nth}`);
      await judgeRemains(trial, world, `kill ${kill} at ${call} ${nth}`, { before, trace });
    }));

/**
 * Every sync takes its time, so that what is done before it ends has the time to show: an answer, or an event given to a subscriber, that
 * did not wait for it.
 */
const slowSync = (kills: number): CampaignCase =>
  tracedCase('slow-sync', `kill -9 under load while every sync takes ${SYNC_MS} ms, ${kills} times`, (trial, strace) =>
    inWorlds(trial, kills, async ({ world, load }, kill) => {
      const { random } = trial.context;
      const before = beforeStart(world.dataDir);
      const during = async (server: StoreServer): Promise<void> => {
        await load.more(random.whole(10, SLOW_APPENDS_MAX), server.exited);
        await delay(random.next() * SYNC_MS);
      };
      const { trace } = await tracedRound(strace, world, load, { inject: [`fdatasync:delay_enter=${SYNC_MS * 1_000}`], what: 'slow syncs', during });
      const syncs = trace.calls.filter(({ name }) => name === 'fdatasync');
      if (syncs.length === 0) trial.notReached(`kill ${kill}: nothing was synced`);
      else trial.injected(diedAt(trace, 'fdatasync') ? 'killed while a sync was under way' : 'killed between slow syncs');
      await judgeRemains(trial, world, `kill ${kill} with slow syncs`, { before, trace });
    }));

export const tracedKillCases = (kills: number): readonly CampaignCase[] => [...SITES.map((site) => killAt(site, kills)), slowSync(kills)];
