import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CampaignCase } from '../../case.ts';
import { endOfLog, flipBit, lastSegment, MARK_FILE, recordsOf, sidecarsOf, SLOT_AT, SLOT_BYTES } from '../disk.ts';
import { HEAVY, Load } from '../load.ts';
import type { SentAppend } from '../ledger.ts';
import { Trial, type World } from '../trial.ts';

const BASE_APPENDS = 200;
/** The stream that a record belongs to, and the whole log both ways. */
const REFUSALS_MAX = 3;

interface Stopped {
  readonly world: World;
  readonly appends: readonly SentAppend[];
}

/** A log at rest: stopped by SIGTERM it has sidecars, killed it has none. */
const stopped = async (trial: Trial, signal: 'SIGTERM' | 'SIGKILL', appends = BASE_APPENDS): Promise<Stopped> => {
  const world = await trial.world();
  const server = world.server();
  const load = new Load({ port: await server.port(), ledger: world.ledger, random: trial.context.random.fork(`load-${signal}`), plan: HEAVY, prefix: 'flip' });
  await load.more(appends);
  await load.finish();
  await server.end(signal);
  trial.sumUp(load);
  return { world, appends: world.ledger.snapshot() };
};

const bitsOf = (path: string): number => statSync(path).size * 8;

export const flipLogCase = (flips: number): CampaignCase => ({
  name: 'flip-log', title: `${flips} times one bit of the log at rest`,
  run: async (context) => {
    const trial = new Trial(context);
    const logs = [await stopped(trial, 'SIGKILL'), await stopped(trial, 'SIGTERM')];
    for (let i = 0; i < flips; i += 1) {
      const { world, appends } = logs[i % 2] as Stopped;
      const copy = world.copy('flip');
      const path = lastSegment(copy);
      const bit = context.random.whole(0, endOfLog(copy) * 8 - 1);
      flipBit(path, bit);
      trial.injected(i % 2 === 0 ? 'bit of the log, without sidecar' : 'bit of the log, with sidecar');
      trial.add(`of them ${await trial.judgeEither(world, copy, `bit ${bit} of ${basename(path)}`, appends)}`, 1);
    }
    // Nothing in a log is without meaning, and all of it was synced.
    trial.claim('every one of them was noticed', trial.figures['of them served'] === undefined ? undefined : `${trial.figures['of them served']} were served in spite of it`);
    return trial.outcome();
  },
});

export const flipMarkCase = (flips: number): CampaignCase => ({
  name: 'flip-mark', title: `${flips} times one bit of a copy of the high-water mark, and of both copies`,
  run: async (context) => {
    const { random } = context;
    const trial = new Trial(context);
    const { world, appends } = await stopped(trial, 'SIGKILL');
    for (let i = 0; i < flips; i += 1) {
      const copy = world.copy('flip');
      const both = i % 3 === 2;
      // Only the first 36 bytes of a copy mean something: two numbers, a hash, and their checksum.
      for (const at of both ? SLOT_AT : [random.pick([SLOT_AT[0], SLOT_AT[1]])]) flipBit(join(copy, MARK_FILE), (at + random.whole(0, SLOT_BYTES - 13)) * 8 + random.whole(0, 7));
      trial.injected(both ? 'bit of both copies of the mark' : 'bit of one copy of the mark');
      if (both) await trial.judgeRefusal(world, copy, 'both copies of the mark');
      else await trial.judgeCopy(world, copy, 'one copy of the mark', appends);
    }
    return trial.outcome();
  },
});

export const flipSidecarCase = (flips: number): CampaignCase => ({
  name: 'flip-sidecar', title: `${flips} times one bit of an index file, which is built again`,
  run: async (context) => {
    const trial = new Trial(context);
    const { world, appends } = await stopped(trial, 'SIGTERM');
    if (sidecarsOf(world.dataDir).length === 0) throw new Error(`a stop left no index file: ${readdirSync(world.dataDir).join(', ')}`);
    for (let i = 0; i < flips; i += 1) {
      const copy = world.copy('flip');
      const [path = ''] = sidecarsOf(copy);
      const bit = context.random.whole(0, bitsOf(path) - 1);
      flipBit(path, bit);
      trial.injected('bit of an index file');
      await trial.judgeCopy(world, copy, `bit ${bit} of ${basename(path)}`, appends);
    }
    return trial.outcome();
  },
});

/** Beside a running server: what it reads from the disk it has to look at again, whatever it saw when it started. */
export const flipRunningCase = (flips: number): CampaignCase => ({
  name: 'flip-running', title: `${flips} times one bit of the log beside a running server`,
  run: async (context) => {
    const { random } = context;
    const trial = new Trial(context);
    const { world, appends } = await stopped(trial, 'SIGKILL');
    const path = lastSegment(world.dataDir);
    const records = recordsOf(readFileSync(path));
    for (let i = 0; i < flips; i += 1) {
      // A fresh server has read the log once and keeps none of it: its caches are empty.
      const server = world.server();
      const port = await server.port();
      const record = records[random.whole(0, records.length - 1)] ?? { at: 0, length: 1 };
      const bit = record.at * 8 + random.whole(0, record.length * 8 - 1);
      flipBit(path, bit);
      trial.injected('bit of the log beside a running server');
      const refused = await trial.judgeContent(port, `bit ${bit}`, world.ledger);
      trial.add(refused.length > 0 ? 'of them refused to whoever read it' : 'of them not read', 1);
      const alive = server.exit === undefined;
      trial.claim('the server goes on serving the rest', alive && refused.length <= REFUSALS_MAX ? undefined : `bit ${bit}: ${alive ? `${refused.length} reads were refused` : 'it ended'}`);
      await server.end('SIGKILL');
      trial.add('of them refused by the next start', (await trial.judgeEither(world, world.copy('restart'), `bit ${bit}`, appends)) === 'refused' ? 1 : 0);
      flipBit(path, bit);
    }
    await trial.judgeCopy(world, world.copy(), 'every bit flipped back', appends);
    return trial.outcome();
  },
});
