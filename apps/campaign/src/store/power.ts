import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Random } from '../random.ts';
import { MARK_FILE, SLOT_AT, SLOT_BYTES, readMark, segmentsOf, sidecarsOf } from './disk.ts';
import type { Call, Trace } from './trace.ts';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What a disk is certain to have of one file. */
interface Durable {
  /** Length of the file. */
  bytes: number;
  /** Written, and not certain: before it there were zeros there, or nothing. */
  open: Range[];
  /** Written before a sync that failed: pages may be marked clean and be gone, so no later sync speaks for them until they are written anew. */
  dropped: Range[];
  /** It is in the directory for certain. */
  named: boolean;
}

/** The files as they were durable before the traced server was started: all of what was there. */
export interface Before {
  readonly lengths: ReadonlyMap<string, number>;
  readonly mark: Buffer;
}

export const beforeStart = (dataDir: string): Before => ({
  lengths: new Map(segmentsOf(dataDir).map((path) => [basename(path), statSync(path).size])),
  mark: readMark(dataDir),
});

interface Survivors {
  readonly logs: ReadonlyMap<string, Durable>;
  /** For each copy in the mark: what may be found there after a loss of power. The first is what was synced. */
  readonly slots: readonly (readonly Buffer[])[];
}

const isLog = (file: string): boolean => file.endsWith('.log');

const without = (range: Range, { from, to }: Range): readonly Range[] =>
  [{ from: range.from, to: Math.min(range.to, from) }, { from: Math.max(range.from, to), to: range.to }].filter((left) => left.to > left.from);

const wrote = (log: Durable, range: Range): void => {
  log.dropped = log.dropped.flatMap((lost) => without(lost, range));
  log.open.push(range);
};

/** What a sync makes certain is what had been written when it began: the first `count` of what is open. */
const synced = (log: Durable, count: number, done: boolean): void => {
  const settled = log.open.splice(0, count);
  if (done) log.bytes = settled.reduce((bytes, { to }) => Math.max(bytes, to), log.bytes);
  else log.dropped.push(...settled);
};

const cut = (log: Durable, bytes: number): void => {
  const within = (ranges: readonly Range[]): Range[] => ranges.filter(({ from }) => from < bytes).map(({ from, to }) => ({ from, to: Math.min(to, bytes) }));
  Object.assign(log, { bytes: Math.min(log.bytes, bytes), open: within(log.open), dropped: within(log.dropped) });
};

/** Replays the calls in the order in which they were over. */
const survivorsOf = (trace: Trace, before: Before, directory: string): Survivors => {
  const logs = new Map<string, Durable>([...before.lengths].map(([file, bytes]) => [file, { bytes, open: [], dropped: [], named: true }]));
  const slots: Buffer[][] = SLOT_AT.map((at) => [before.mark.subarray(at, at + SLOT_BYTES)]);
  const openAtBegin = new Map<Call, number>();
  const slotsAtBegin = new Map<Call, readonly number[]>();
  const edges = trace.calls.flatMap((call) => [{ at: call.beganAt, call, isEnd: false }, ...(call.result === undefined ? [] : [{ at: call.endedAt + 0.5, call, isEnd: true }])]);
  for (const { call, isEnd } of edges.sort((a, b) => a.at - b.at)) {
    const { name, file, offset, data, length, result = -1, injected } = call;
    const log = isLog(file) ? (logs.get(file) ?? { bytes: 0, open: [], dropped: [], named: false }) : undefined;
    if (log) logs.set(file, log);
    const isSync = name === 'fdatasync' || name === 'fsync';
    if (!isEnd) {
      if (isSync && log) openAtBegin.set(call, log.open.length);
      if (isSync && file === MARK_FILE) slotsAtBegin.set(call, slots.map((versions) => versions.length - 1));
    } else if (isSync && log) synced(log, openAtBegin.get(call) ?? 0, result >= 0);
    else if (result >= 0 && !injected) {
      if (name === 'pwrite64' && log) wrote(log, { from: offset, to: offset + result });
      else if (name === 'ftruncate' && log) cut(log, length);
      else if (name === 'pwrite64' && file === MARK_FILE) slots[SLOT_AT.findIndex((at) => at === offset)]?.push(data);
      else if (isSync && file === MARK_FILE) for (const [i, versions] of slots.entries()) versions.splice(0, slotsAtBegin.get(call)?.[i] ?? 0);
      else if (isSync && file === directory) for (const each of logs.values()) each.named = true;
    }
  }
  return { logs, slots };
};

/** A disk writes one whole or not at all. */
const SECTOR_BYTES = 512;

/** What may be on a disk of bytes that were written and not synced: nothing, the beginning, or some sectors. */
const tear = (bytes: Buffer, { from, to }: Range, random: Random): void => {
  const keep = random.pick(['nothing', 'nothing', 'all', 'beginning', 'sectors'] as const);
  if (keep === 'nothing') bytes.fill(0, from, to);
  else if (keep === 'beginning') bytes.fill(0, random.whole(from, to), to);
  else if (keep === 'sectors') for (let at = from; at < to; at += SECTOR_BYTES - (at % SECTOR_BYTES)) if (random.chance(0.5)) bytes.fill(0, at, Math.min(to, at + SECTOR_BYTES - (at % SECTOR_BYTES)));
};

const tearFile = (path: string, log: Durable, random: Random): number => {
  const bytes = readFileSync(path);
  let uncertain = 0;
  for (const { from, to } of [...log.open, ...log.dropped]) {
    const range = { from, to: Math.min(to, bytes.length) };
    // Zeros that were written ahead are no loss.
    if (range.to > range.from && bytes.subarray(range.from, range.to).some((byte) => byte !== 0)) uncertain += range.to - range.from;
    if (range.to > range.from) tear(bytes, range, random);
  }
  // The new length is made durable by the sync, or sooner by itself.
  const shortest = Math.min(bytes.length, log.bytes);
  writeFileSync(path, bytes.subarray(0, random.pick([shortest, bytes.length, random.whole(shortest, bytes.length)])));
  return uncertain;
};

/**
 * Makes a copied directory what it could be after a loss of power at the end of the trace: all that was synced is there, of the rest
 * a draw decides. Gives the bytes of the log that were not certain.
 */
export const losePower = (copy: string, trace: Trace, before: Before, options: { readonly directory: string; readonly random: Random }): number => {
  const { directory, random } = options;
  const { logs, slots } = survivorsOf(trace, before, directory);
  let uncertain = 0;
  for (const path of segmentsOf(copy)) {
    const log = logs.get(basename(path));
    if (!log) continue;
    uncertain += tearFile(path, log, random);
    if (!log.named && random.chance(0.5)) rmSync(path);
  }
  const mark = readMark(copy);
  // The newest as often as the oldest: a mark that is ahead of its log shows only in it.
  const version = (last: number): number => random.pick([0, last, random.whole(0, last)]);
  for (const [i, versions] of slots.entries()) versions[version(versions.length - 1)]?.copy(mark, SLOT_AT[i] ?? 0);
  writeFileSync(join(copy, MARK_FILE), mark);
  // Sidecars are renamed into place unsynced: a name may be there without its content.
  for (const path of sidecarsOf(copy)) if (random.chance(0.3)) truncateSync(path, random.whole(0, statSync(path).size));
  return uncertain;
};
