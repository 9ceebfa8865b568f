import { truncateSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CampaignCase } from '../../case.ts';
import type { Random } from '../../random.ts';
import { lastSegment } from '../disk.ts';
import { HEAVY, LIGHT, Load } from '../load.ts';
import { readTrace, traced } from '../strace.ts';
import { diedAt } from '../trace.ts';
import { Trial, type World } from '../trial.ts';
import { tracedCase } from './traced.ts';
import { unsyncedWrite } from './torn-tail.ts';

/** Longer than a start takes on a quiet machine: some are killed before they serve, some when they have just begun to. */
const KILL_MS_MAX = 500;
const APPENDS_MAX = 200;
const JUDGED_EVERY = 4;

const loadOn = (world: World, port: number, random: Random, plan = LIGHT): Load => new Load({ port, ledger: world.ledger, random, plan, prefix: 'start' });

/** One start, and its end at a drawn moment. */
const startAndEnd = async (trial: Trial, world: World, load: Load, nth: number): Promise<void> => {
  const { random } = trial.context;
  const server = world.server();
  const how = random.pick(['killed while it starts', 'killed when it serves', 'stopped when it serves'] as const);
  if (how === 'killed while it starts') {
    await delay(random.next() * KILL_MS_MAX);
    const served = server.lines.some((line) => line['event'] === 'ready');
    await server.end('SIGKILL');
    trial.injected(served ? 'killed when it serves' : how);
    return;
  }
  const started = await server.started();
  trial.claim('every start serves', started.ok ? undefined : `start ${nth}: ${started.said}`);
  await load.more(random.whole(1, APPENDS_MAX), server.exited);
  const exit = await server.end(how === 'killed when it serves' ? 'SIGKILL' : 'SIGTERM');
  trial.injected(how);
  if (how === 'stopped when it serves') trial.claim('a stop under load ends with code 0', exit.code === 0 ? undefined : `start ${nth}: ${exit.code ?? exit.signal} ${server.complaint()}`);
};

export const restartStormCase = (starts: number): CampaignCase => ({
  name: 'restart-storm', title: `${starts} starts in a row, each killed or stopped at a drawn moment, under load`,
  run: async (context) => {
    const trial = new Trial(context);
    const world = await trial.world();
    const first = world.server();
    const load = loadOn(world, await first.port(), context.random.fork('load'), HEAVY);
    await load.more(APPENDS_MAX);
    await first.end('SIGKILL');
    for (let i = 1; i <= starts; i += 1) {
      await startAndEnd(trial, world, load, i);
      if (i % JUDGED_EVERY === 0) await trial.judgeCopy(world, world.copy(), `after start ${i}`);
    }
    const last = world.server();
    await last.port();
    await load.finish();
    await last.end('SIGKILL');
    await trial.judgeCopy(world, world.copy(), 'in the end');
    trial.sumUp(load);
    return trial.outcome();
  },
});

export const twoServersCase = (tries: number): CampaignCase => ({
  name: 'two-servers', title: `${tries} times a second server on one directory, and three at once`,
  run: async (context) => {
    const trial = new Trial(context);
    const world = await trial.world();
    let server = world.server();
    const load = loadOn(world, await server.port(), context.random.fork('load'));
    for (let i = 1; i <= tries; i += 1) {
      await load.more(50);
      const second = await world.server({ port: 0 }).started();
      trial.injected('second server on a directory in use');
      trial.claim('the second is refused with STORE_LOCKED and exit code 2', !second.ok && second.code === 'STORE_LOCKED' && second.exit.code === 2 ? undefined : second.ok ? 'it serves' : second.said);
      await load.more(50);
      await server.end('SIGKILL');
      const three = [world.server(), world.server(), world.server()];
      const started = await Promise.all(three.map((one) => one.started()));
      trial.injected('three servers at once on a free directory');
      const serving = three.filter((_, n) => started[n]?.ok);
      const others = started.flatMap((one) => (one.ok ? [] : [one.code]));
      trial.claim('of three at once one serves, and the others say STORE_LOCKED', serving.length === 1 && others.every((code) => code === 'STORE_LOCKED') ? undefined : `${serving.length} serve, the others say ${others.join(' and ')}`);
      server = serving[0] ?? world.server();
      await server.port();
    }
    await load.finish();
    await server.end('SIGKILL');
    await trial.judgeCopy(world, world.copy(), 'in the end');
    trial.sumUp(load);
    return trial.outcome();
  },
});

interface Place {
  readonly call: string;
  readonly nth: number;
}

const killedStart = async (strace: string, world: World, { call, nth }: Place): Promise<boolean> => {
  const output = world.beside('trace');
  const server = world.server(traced(strace, { inject: [`${call}:signal=SIGKILL:when=${nth}`], output }));
  await server.started();
  const byItself = server.exit !== undefined;
  if (!byItself) await server.end('SIGKILL');
  return byItself && diedAt(await readTrace(output, server.pid), call) !== undefined;
};

/** What the very first start does, call by call: directories, mark, header, the first event of the log. Calls that it does not make are not reached. */
const BIRTH: readonly Place[] = [
  ...[1, 2, 3, 4, 5].flatMap((nth) => [{ call: 'pwrite64', nth }, { call: 'fsync', nth }]), { call: 'rename', nth: 1 }, { call: 'fdatasync', nth: 1 },
];

/** Killed at each step of the first start of all: nothing was promised yet, so the next one has to serve. */
export const birthKillCase = (rounds: number): CampaignCase =>
  tracedCase('birth-kill', `SIGKILL at each write, sync and renaming of the first start of all, ${rounds} times`, async (trial, strace) => {
    for (let round = 1; round <= rounds; round += 1) {
      for (const place of BIRTH) {
        const world = await trial.world();
        const what = `first start killed at ${place.call} ${place.nth}`;
        if (await killedStart(strace, world, place)) trial.injected(`killed at ${place.call} ${place.nth}`);
        else trial.notReached(what);
        const server = world.server();
        const started = await server.started();
        trial.claim('the next start serves', started.ok ? undefined : `${what}: ${started.said}`);
        if (!started.ok) continue;
        const load = loadOn(world, started.port, trial.context.random.fork(what));
        await load.more(10);
        await load.finish();
        await server.end('SIGKILL');
        await trial.judgeCopy(world, world.copy(), what);
        trial.sumUp(load);
      }
    }
  });

/** A start that has a torn tail to cut: cutting, two syncs, and the mark. */
const RECOVERY: readonly Place[] = [{ call: 'ftruncate', nth: 1 }, { call: 'fdatasync', nth: 1 }, { call: 'fdatasync', nth: 2 }, { call: 'pwrite64', nth: 1 }, { call: 'pwrite64', nth: 2 }];

export const startKillCase = (rounds: number): CampaignCase =>
  tracedCase('start-kill', `SIGKILL at each step of a start that cuts a torn tail, ${rounds} times`, async (trial, strace) => {
    const unsynced = await unsyncedWrite(trial);
    for (let round = 1; round <= rounds; round += 1) {
      for (const place of RECOVERY) {
        const fork = await trial.fork(unsynced.dir, unsynced.appends);
        const path = lastSegment(fork.dataDir);
        truncateSync(path, trial.context.random.whole(unsynced.from + 1, unsynced.to - 1));
        const what = `start killed at ${place.call} ${place.nth}`;
        if (await killedStart(strace, fork, place)) trial.injected(`killed at ${place.call} ${place.nth}`);
        else trial.notReached(what);
        await trial.judgeCopy(fork, fork.copy(), what);
      }
    }
  });
