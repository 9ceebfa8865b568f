import { appendFileSync, copyFileSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CampaignCase } from '../../case.ts';
import type { Random } from '../../random.ts';
import { endOfRecords, lastSegment, MARK_FILE, markedBytes, readMark, recordsOf, segmentsOf, type RecordPlace } from '../disk.ts';
import { HEAVY, Load } from '../load.ts';
import type { SentAppend } from '../ledger.ts';
import { Trial, type World } from '../trial.ts';

const BASE_APPENDS = 150;
const GARBAGE_BYTES_MAX = 20_000;

/** A log whose last write is there, but is not promised: as a kill between write and sync leaves it. */
export interface Unsynced {
  readonly world: World;
  /** The directory with all of that write, and a mark that does not speak of it. */
  readonly dir: string;
  readonly records: readonly RecordPlace[];
  /** Where the write begins and ends in the file. */
  readonly from: number;
  readonly to: number;
  /** With what lies in that write as without an answer. */
  readonly appends: readonly SentAppend[];
}

const idBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

/**
 * Appends under load, and keeps the mark as it was before the last write. What was acknowledged of that write counts as unanswered: on this
 * disk it was never synced.
 */
export const unsyncedWrite = async (trial: Trial): Promise<Unsynced> => {
  const world = await trial.world();
  const server = world.server();
  const load = new Load({ port: await server.port(), ledger: world.ledger, random: trial.context.random.fork('load'), plan: HEAVY, prefix: 'torn' });
  await load.more(BASE_APPENDS);
  await server.end('SIGKILL');
  await load.abandon();
  trial.sumUp(load);
  const bytes = readFileSync(lastSegment(world.dataDir));
  const records = recordsOf(bytes);
  const from = records.at(-1)?.group ?? bytes.length;
  const last = bytes.subarray(from);
  const unanswered = (append: SentAppend): boolean => append.events.some(({ id }) => last.includes(idBytes(id)));
  const appends = world.ledger.snapshot().map((append): SentAppend => (unanswered(append) ? { ...append, outcome: 'unknown', events: append.events.map(({ id, digest }) => ({ id, digest })) } : append));
  const dir = world.copy('unsynced');
  // Both copies of the mark speak of writes before this one: the older of them does, and the newer is made to.
  const mark = readMark(dir);
  const older = Buffer.from(mark);
  for (const [at, other] of [[0, 4_096], [4_096, 0]] as const) if (Number(mark.readBigUInt64LE(at)) > from) mark.copy(older, at, other, other + 48);
  writeFileSync(join(dir, MARK_FILE), older);
  if (markedBytes(older) > from) throw new Error('neither copy of the mark is older than the last write');
  return { world, dir, records, from, to: endOfRecords(bytes), appends };
};

/**
 * Torn inside of the last write: what is whole before that may stay, the rest goes, and the log says so. What follows is nothing, or the
 * zeros that were there before.
 */
const tornInside = async (trial: Trial, { world, dir, records, from, appends }: Unsynced, at: number): Promise<void> => {
  const copy = world.copy('torn', dir);
  const path = lastSegment(copy);
  const bytes = readFileSync(path);
  const zeros = trial.context.random.chance(0.5);
  if (zeros) writeFileSync(path, bytes.fill(0, at));
  else truncateSync(path, at);
  const end = records.reduce((best, record) => (record.at + record.length <= at ? record.at + record.length : best), from);
  const server = await trial.judgeCopy(world, copy, `torn at byte ${at}, the last write beginning at ${from}`, appends);
  trial.injected(zeros ? 'unsynced write torn, zeros behind' : 'unsynced write torn, nothing behind');
  const said = server.said('store_tail_cut');
  // A tail of zeros is none.
  const right = bytes.subarray(end, at).every((byte) => byte === 0) ? said.length === 0 : said.length === 1 && said[0]?.['at_byte'] === end;
  trial.claim('what is cut is said in the log, and no more is cut than the torn part', right ? undefined : `at ${at}, whole up to ${end}: ${JSON.stringify(said)}`);
};

const garbageOf = (random: Random, unsynced: Unsynced): { readonly kind: string; readonly bytes: Buffer } => {
  const { dir, from, to } = unsynced;
  const length = random.whole(1, GARBAGE_BYTES_MAX);
  const write = readFileSync(lastSegment(dir)).subarray(from, to);
  switch (random.pick(['zeros', 'ones', 'noise', 'holes'] as const)) {
    case 'zeros': return { kind: 'zeros', bytes: Buffer.alloc(length) };
    case 'ones': return { kind: 'ones', bytes: Buffer.alloc(length, 0xff) };
    case 'noise': return { kind: 'noise', bytes: Buffer.from(Array.from({ length }, () => random.whole(0, 255))) };
    case 'holes': {
      // The length was made durable, and not every page: the first record is among what is missing.
      const holes = Buffer.from(write);
      holes.fill(0, 0, Math.min(holes.length, 60));
      for (let at = 512; at < holes.length; at += 512) if (random.chance(0.4)) holes.fill(0, at, Math.min(holes.length, at + 512));
      return { kind: 'the last write with holes', bytes: holes };
    }
  }
};

const garbage = async (trial: Trial, unsynced: Unsynced): Promise<void> => {
  const { world, dir, from, appends } = unsynced;
  const copy = world.copy('garbage', dir);
  const { kind, bytes } = garbageOf(trial.context.random, unsynced);
  truncateSync(lastSegment(copy), from);
  appendFileSync(lastSegment(copy), bytes);
  const server = await trial.judgeCopy(world, copy, `${bytes.length} bytes of ${kind} at byte ${from}`, appends);
  trial.injected(`tail of ${kind}`);
  const said = server.said('store_tail_cut');
  // Zeros are what a server writes ahead of its log: there is nothing to cut.
  const right = kind === 'zeros' ? said.length === 0 : said.length === 1 && said[0]?.['at_byte'] === from;
  trial.claim('garbage behind the last write is cut, and that is said in the log', right ? undefined : `${kind}: ${JSON.stringify(said)}`);
};

/** Behind a cut tail it is written on, over where the torn bytes lay: no start later sees anything of them. */
const goOn = async (trial: Trial, { dir, from, to, appends }: Unsynced, nth: number): Promise<void> => {
  const { random } = trial.context;
  const world = await trial.fork(dir, appends);
  truncateSync(lastSegment(world.dataDir), random.whole(from + 1, to - 1));
  const what = `written on behind a cut tail, ${nth}`;
  const server = world.server();
  const load = new Load({ port: await server.port(), ledger: world.ledger, random: random.fork(what), plan: { own: 1, shared: 0, writersEach: 0 }, prefix: 'on' });
  await load.more(random.whole(1, 4));
  await load.finish();
  await server.end('SIGKILL');
  trial.injected('tail cut, and written on');
  trial.sumUp(load);
  await trial.judgeCopy(world, world.dataDir, what);
};

/** Cut below the mark: something that was promised is gone, whatever the place looks like. */
const cutBelow = async (trial: Trial, { world, records }: Unsynced, nth: number): Promise<void> => {
  const { random } = trial.context;
  const copy = world.copy('below');
  const path = lastSegment(copy);
  const marked = markedBytes(readMark(copy));
  const boundaries = records.filter(({ at }) => at < marked).map(({ at }) => at);
  const ways: readonly (readonly [what: string, cut: () => void])[] = [
    ['cut at a byte below the mark', () => truncateSync(path, random.whole(0, marked - 1))],
    ['whole records missing below the mark', () => truncateSync(path, boundaries[random.whole(0, boundaries.length - 1)] ?? 0)],
    ['log gone', () => segmentsOf(copy).forEach((segment) => unlinkSync(segment))],
    ['log empty', () => truncateSync(path, 0)],
    ['mark gone', () => rmSync(join(copy, MARK_FILE))],
    ['mark empty', () => truncateSync(join(copy, MARK_FILE), 0)],
  ];
  const [what, cut] = ways[nth % ways.length] ?? ways[0] ?? ['', () => undefined];
  cut();
  trial.injected(what);
  await trial.judgeRefusal(world, copy, what);
};

/** A log with the last part of the mark of an older one: it speaks of less, which is no damage. */
const olderMark = async (trial: Trial, { world, dir, to }: Unsynced): Promise<void> => {
  const copy = world.copy('older');
  copyFileSync(join(dir, MARK_FILE), join(copy, MARK_FILE));
  trial.injected('mark older than the log');
  const server = await trial.judgeCopy(world, copy, `mark of before the last write, ${to} bytes of log`);
  trial.claim('a mark that lags costs nothing', server.said('store_tail_cut').length === 0 ? undefined : 'something was cut');
};

export const tornTailCase = (cuts: number): CampaignCase => ({
  name: 'torn-tail',
  title: `the last write torn at ${cuts} of its bytes, garbage behind it, and cuts below the mark`,
  run: async (context) => {
    const trial = new Trial(context);
    const unsynced = await unsyncedWrite(trial);
    const { from, to } = unsynced;
    // Both ends belong to it: nothing of the write is there, or all.
    const places = new Set([from, from + 1, to - 1, to]);
    while (places.size < Math.min(cuts, to - from + 1)) places.add(context.random.whole(from, to));
    for (const at of places) await tornInside(trial, unsynced, at);
    for (let i = 0; i < Math.ceil(cuts / 3); i += 1) await garbage(trial, unsynced);
    for (let i = 0; i < Math.ceil(cuts / 6); i += 1) await goOn(trial, unsynced, i);
    for (let i = 0; i < Math.max(6, Math.ceil(cuts / 4)); i += 1) await cutBelow(trial, unsynced, i);
    await olderMark(trial, unsynced);
    return trial.outcome();
  },
});
