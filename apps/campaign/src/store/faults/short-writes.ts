import { setTimeout as delay } from 'node:timers/promises';
import type { CampaignCase } from '../../case.ts';
import { endOfLog, MARK_FILE } from '../disk.ts';
import type { Load } from '../load.ts';
import { readWhatIsServed } from '../served.ts';
import type { StoreServer } from '../server.ts';
import type { Tool } from '../strace.ts';
import { runTool } from '../tools.ts';
import { Trial, type World } from '../trial.ts';
import { waitForRefusal } from './refusals.ts';
import { inWorlds, settled, tracedCase, tracedRound, type Settled } from './traced.ts';

/** Room that is left in the file: some groups fit, then one does only in part. */
const ROOM_BYTES_MAX = 20_000;
const DEATH_MS_MAX = 45_000;
const APPENDS_AFTER = 40;
const GROUPS_MAX = 40;

/** Limits the files of a running process: a write that would cross the limit is cut short, the next one fails with EFBIG. */
const limitFiles = async (pid: number, bytes: number | 'unlimited'): Promise<string | undefined> => {
  const { code, stderr } = await runTool('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
  return code === 0 ? undefined : `prlimit cannot limit a process here: ${stderr.trim()}`;
};

/** That the limit bites is seen by each fault; that it may be set is tried on this process, which writes no large files. */
const prlimitTool = async (): Promise<Tool> => {
  const reason = await limitFiles(process.pid, 'unlimited');
  return reason === undefined ? { ok: true, path: 'prlimit' } : { ok: false, reason };
};

const shortOnce = async (trial: Trial, world: World, load: Load, what: string): Promise<void> => {
  const { random } = trial.context;
  const server = world.server();
  const port = await server.port();
  await limitFiles(server.pid, endOfLog(world.dataDir) + random.whole(100, ROOM_BYTES_MAX));
  if (await waitForRefusal(server, load)) trial.injected('write cut short, and then refused');
  else trial.notReached(what);
  const { refused } = await readWhatIsServed(port, load.streams);
  trial.claim('reads go on while writes fail', refused.length === 0 ? undefined : `${what}: ${refused[0]}`);
  if (random.chance(0.5)) {
    await limitFiles(server.pid, 'unlimited');
    await load.more(APPENDS_AFTER, server.exited);
    trial.claim('writes are taken again when the disk takes them', server.exit === undefined ? undefined : `${what}: the server ended: ${server.complaint().slice(0, 300)}`);
  }
  await server.end('SIGKILL');
  await trial.judgeCopy(world, world.copy(), what);
};

/** A write that is cut short for real, by a limit on the size of files: with a disk that is full it is the same. */
export const shortWriteCase = (writes: number): CampaignCase => ({
  name: 'short-write', title: `a write ends before its end, and what is left of it is taken back, ${writes} times`,
  run: async (context) => {
    const tool = await prlimitTool();
    if (!tool.ok) return { kind: 'skipped', reason: tool.reason };
    const trial = new Trial(context);
    await inWorlds(trial, writes, ({ world, load }, i) => shortOnce(trial, world, load, `short write ${i}`));
    return trial.outcome();
  },
});

/** Leaves a torn record on the disk: the process dies before it has taken back what was written of it, or the taking back fails. */
const tornOnce = async (trial: Trial, strace: string, { world, load }: Settled, i: number): Promise<void> => {
  const { random } = trial.context;
  const how = i % 2 === 1 ? 'signal=SIGKILL' : 'error=EIO';
  const what = `torn write ${i}, ftruncate with ${how}`;
  const bytes = endOfLog(world.dataDir);
  const during = async (server: StoreServer): Promise<void> => {
    await limitFiles(server.pid, bytes + random.whole(100, ROOM_BYTES_MAX));
    if (how === 'signal=SIGKILL') await load.more(Infinity, Promise.race([server.exited, delay(DEATH_MS_MAX)]));
    else if (await waitForRefusal(server, load)) {
      await limitFiles(server.pid, 'unlimited');
      // What is written next goes over the torn bytes, and may be shorter than they are.
      await load.more(random.whole(1, 3), server.exited);
    }
  };
  const { trace } = await tracedRound(strace, world, load, { inject: [`ftruncate:${how}:when=1`], what, during });
  const cut = trace.calls.find(({ name, injected, result }) => name === 'ftruncate' && (injected || result === undefined));
  if (cut) trial.injected(how === 'signal=SIGKILL' ? 'killed before a torn write was taken back' : 'taking back a torn write failed');
  else trial.notReached(what);
  await trial.judgeCopy(world, world.copy(), what);
};

export const tornWriteCase = (writes: number): CampaignCase => {
  const { run, ...named } = tracedCase('torn-write', `a write ends before its end, and taking it back is cut off or fails, ${writes} times`, (trial, strace) =>
    inWorlds(trial, writes, (settled, i) => tornOnce(trial, strace, settled, i)));
  return {
    ...named,
    run: async (context) => {
      const tool = await prlimitTool();
      return tool.ok ? run(context) : { kind: 'skipped', reason: tool.reason };
    },
  };
};

/** A disk that says it has written and has not: nothing can bring that back, but it must be seen. */
export const lostWriteCase = (writes: number): CampaignCase =>
  tracedCase('lost-write', `the disk claims a write that it did not make, ${writes} times`, async (trial, strace) => {
    const { random } = trial.context;
    for (let i = 1; i <= writes; i += 1) {
      const { world, load } = await settled(trial);
      const ofMark = i % 4 === 0;
      const nth = random.whole(2, GROUPS_MAX);
      // More than any group has: all of it claimed. Few: its beginning.
      const claimed = ofMark ? 48 : random.pick([16, 512, 100_000_000]);
      const what = `${claimed === 100_000_000 ? 'all' : claimed} bytes of write ${nth} of the ${ofMark ? 'mark' : 'log'} claimed`;
      const { trace } = await tracedRound(strace, world, load, {
        inject: [`pwrite64:retval=${claimed}:when=${nth}`], what, only: [`${world.dataDir}/${ofMark ? MARK_FILE : '00000001.log'}`],
        during: async (server, port) => {
          await load.more(GROUPS_MAX * load.streams.length, server.exited);
          await load.abandon();
          if (server.exit === undefined) await trial.judgeContent(port, what, world.ledger);
        },
      });
      const lost = trace.calls.find((call) => call.injected);
      const injected = lost !== undefined;
      // Zeros that were to lie ahead of the log are no loss: the next write makes the file longer itself.
      const ofZeros = injected && lost.data.every((byte) => byte === 0);
      if (injected) trial.injected(ofMark ? 'write of the mark lost' : ofZeros ? 'zeros ahead of the log lost' : 'write of the log lost');
      else trial.notReached(what);
      trial.sumUp(load);
      if (injected && !ofMark && !ofZeros) await trial.judgeRefusal(world, world.copy(), what);
      else await trial.judgeCopy(world, world.copy(), what);
    }
  });
