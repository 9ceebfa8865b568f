import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CampaignCase, CaseContext } from '../../case.ts';
import { appendLarge } from '../served.ts';
import { HEAVY, Load } from '../load.ts';
import { straceTool } from '../strace.ts';
import { runTool } from '../tools.ts';
import { Trial, type World } from '../trial.ts';
import { waitForRefusal } from './refusals.ts';
import { writeErrors } from './traced-errors.ts';

const DISK_MIB = 32;
/** What is left when the load begins: a few groups. */
const ROOM_BYTES_MAX = 150_000;
/** More than that, and less than the server takes. */
const LARGE_BYTES = 700_000;
const BASE_APPENDS = 200;
const APPENDS_AFTER = 100;
/** The log grows from round to round; with these the disk is large enough. */
const ROUNDS_A_DISK = 6;

/** A small file system in memory; what cannot be mounted says why. It goes with this process, however that ends. */
const mountDisk = async (at: string): Promise<string | undefined> => {
  mkdirSync(at, { recursive: true });
  const { code, stderr } = await runTool('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', at]);
  return code === 0 ? undefined : `no file system can be mounted here: ${stderr.trim().split('\n')[0]}`;
};

const unmount = (at: string): void => void spawnSync('umount', ['-l', at]);

const withDisk = async <T>(context: CaseContext, number: number, work: (disk: string) => Promise<T>): Promise<{ readonly done: T } | { readonly reason: string }> => {
  const disk = join(context.dir, `disk-${number}`);
  const reason = await mountDisk(disk);
  if (reason !== undefined) return { reason };
  const leave = (): void => unmount(disk);
  process.once('exit', leave);
  try {
    return { done: await work(disk) };
  } finally {
    leave();
    process.off('exit', leave);
  }
};

/** Takes all of a disk's room but so many bytes; less when writers were quicker. */
const fill = (disk: string, leave: number): void => {
  const fd = openSync(join(disk, 'filler'), 'w');
  try {
    const { bavail, bsize } = statfsSync(disk);
    const block = Buffer.alloc(64 * 1_024);
    for (let rest = bavail * bsize - leave; rest > 0; rest -= block.length) writeSync(fd, block, 0, Math.min(block.length, rest));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(fd);
  }
};

const fullOnce = async (trial: Trial, world: World, disk: string, load: Load, what: string): Promise<void> => {
  const { random } = trial.context;
  let server = world.server();
  let port = await server.port();
  await load.more(20);
  fill(disk, random.whole(0, ROOM_BYTES_MAX));
  if (await waitForRefusal(server, load)) trial.injected('disk full under load');
  else trial.notReached(`${what}: no write was refused`);
  const answer = await appendLarge(port, LARGE_BYTES);
  trial.claim('an append that does not fit is answered with an error, and the server lives', answer !== 'written' && server.exit === undefined ? undefined : `${what}: ${answer}, ${JSON.stringify(server.exit ?? {})}`);
  trial.figures['answer to an append that does not fit'] = answer;
  trial.claim('reads go on', (await trial.judgeContent(port, what, world.ledger)).length === 0 ? undefined : what);
  if (random.chance(0.5)) {
    await server.end('SIGKILL');
    server = world.server();
    const started = await server.started();
    trial.injected('started on a full disk');
    trial.claim('a start on a full disk serves', started.ok ? undefined : `${what}: ${started.said}`);
    if (started.ok) {
      port = started.port;
      trial.claim('reads go on', (await trial.judgeContent(port, `${what}, started again`, world.ledger)).length === 0 ? undefined : `${what}, started again`);
    }
  }
  rmSync(join(disk, 'filler'));
  await load.more(APPENDS_AFTER, server.exited);
  trial.claim('writes are taken again by themselves when there is room', server.exit === undefined ? undefined : `${what}: the server ended: ${server.complaint().slice(0, 300)}`);
  await server.end('SIGKILL');
  await trial.judgeCopy(world, world.copy(), what);
};

const fullDisk = (trial: Trial, number: number, rounds: number): Promise<{ readonly done: void } | { readonly reason: string }> =>
  withDisk(trial.context, number, async (disk) => {
    const world = await trial.world(disk);
    const first = world.server();
    const load = new Load({ port: await first.port(), ledger: world.ledger, random: trial.context.random.fork(`load-${number}`), plan: HEAVY, prefix: 'full' });
    await load.more(BASE_APPENDS);
    await first.end('SIGKILL');
    for (let i = 1; i <= rounds; i += 1) await fullOnce(trial, world, disk, load, `disk ${number}, round ${i}`);
    const last = world.server();
    await last.port();
    await load.finish();
    await last.end('SIGKILL');
    await trial.judgeCopy(world, world.copy(), `disk ${number}, in the end`);
    trial.sumUp(load);
  });

/** A disk that fills up and is emptied again. Where nothing can be mounted, writes are made to fail as on a full one. */
export const diskFullCase = (rounds: number): CampaignCase => ({
  name: 'disk-full', title: `a disk fills up under load and is emptied again, ${rounds} times`,
  run: async (context) => {
    const trial = new Trial(context);
    for (let done = 0, number = 1; done < rounds; done += ROUNDS_A_DISK, number += 1) {
      const disk = await fullDisk(trial, number, Math.min(ROUNDS_A_DISK, rounds - done));
      if ('done' in disk) continue;
      const tool = await straceTool(context.root);
      if (!tool.ok) return { kind: 'skipped', reason: `${disk.reason}; ${tool.reason}` };
      trial.figures['how'] = `by strace, as ${disk.reason}`;
      await writeErrors(trial, tool.path, rounds, ['ENOSPC']);
      break;
    }
    return trial.outcome();
  },
});
