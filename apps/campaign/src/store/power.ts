import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Random } from '../random.ts';
import { MARK_FILE, SLOT_AT, SLOT_BYTES, readMark, segmentsOf, sidecarsOf } from './disk.ts';
import type { Call, Trace } from './trace.ts';

const SECTOR_BYTES = 512;

/** What a disk is certain to have of one file. */
interface Synced {
  /** Bytes from its start. */
  bytes: number;
  /** Written, synced or not. */
  written: number;
  /** It is in the directory for certain. */
  named: boolean;
  /** A sync of it has failed: its pages may be marked clean and be gone, and no later sync brings them back. */
  broken: boolean;
  /** Written over what was synced, as over zeros ahead of the log, and not synced since: any of its sectors may be there, or what was before. */
  over: Range[];
}

interface Range {
  readonly from: number;
  readonly to: number;
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
  readonly logs: ReadonlyMap<string, Synced>;
  /** For each copy in the mark: what may be found there after a loss of power. The first is what was synced. */
  readonly slots: readonly (readonly Buffer[])[];
}

const isLog = (file: string): boolean => file.endsWith('.log');

const wrote = (log: Synced, offset: number, bytes: number): void => {
  // Written anew from where it was last certain: what a failed sync may have dropped is there again, and a later sync speaks for it.
  if (log.broken && offset <= log.bytes) Object.assign(log, { broken: false, written: offset });
  log.written = Math.max(log.written, offset + bytes);
  if (offset < log.bytes) log.over.push({ from: offset, to: Math.min(offset + bytes, log.bytes) });
};

/** What a sync makes certain is what had been written when it began. */
const survivorsOf = (trace: Trace, before: Before, directory: string): Survivors => {
  const logs = new Map<string, Synced>([...before.lengths].map(([file, bytes]) => [file, { bytes, written: bytes, named: true, broken: false, over: [] }]));
  const slots: Buffer[][] = SLOT_AT.map((at) => [before.mark.subarray(at, at + SLOT_BYTES)]);
  const atBegin = new Map<Call, { readonly written: number; readonly over: number }>();
  const slotsAtBegin = new Map<Call, readonly number[]>();
  const edges = trace.calls.flatMap((call) => [{ at: call.beganAt, call, isEnd: false }, ...(call.result === undefined ? [] : [{ at: call.endedAt + 0.5, call, isEnd: true }])]);
  for (const { call, isEnd } of edges.sort((a, b) => a.at - b.at)) {
    const { name, file, offset, data, length, result = -1, injected } = call;
    const log = isLog(file) ? (logs.get(file) ?? { bytes: 0, written: 0, named: false, broken: false, over: [] }) : undefined;
    if (log) logs.set(file, log);
    const isSync = name === 'fdatasync' || name === 'fsync';
    if (!isEnd) {
      if (isSync && log) atBegin.set(call, { written: log.written, over: log.over.length });
      if (isSync && file === MARK_FILE) slotsAtBegin.set(call, slots.map((versions) => versions.length - 1));
    } else if (isSync && result < 0 && log) log.broken = true;
    else if (result >= 0 && !injected) {
      if (name === 'pwrite64' && log) wrote(log, offset, result);
      else if (name === 'ftruncate' && log) Object.assign(log, { written: length, bytes: Math.min(log.bytes, length), over: log.over.filter(({ from }) => from < length) });
      else if (name === 'pwrite64' && file === MARK_FILE) slots[SLOT_AT.findIndex((at) => at === offset)]?.push(data);
      else if (isSync && log && !log.broken) {
        log.bytes = Math.max(log.bytes, atBegin.get(call)?.written ?? 0);
        log.over.splice(0, atBegin.get(call)?.over ?? 0);
      }
      else if (isSync && file === MARK_FILE) for (const [i, versions] of slots.entries()) versions.splice(0, slotsAtBegin.get(call)?.[i] ?? 0);
      else if (isSync && file === directory) for (const each of logs.values()) each.named = true;
    }
  }
  return { logs, slots };
};

/** What may be on a disk of bytes that were written and not synced: nothing, a part, or the length without all of the content. */
const tearTail = (path: string, synced: number, random: Random): void => {
  const bytes = readFileSync(path);
  if (bytes.length <= synced) return;
  const keep = random.pick(['nothing', 'nothing', 'part', 'holes'] as const);
  if (keep === 'nothing') truncateSync(path, synced);
  else if (keep === 'part') truncateSync(path, random.whole(synced, bytes.length));
  else {
    for (let from = synced; from < bytes.length; from += 512 - (from % 512)) if (random.chance(0.5)) bytes.fill(0, from, Math.min(bytes.length, from + 512 - (from % 512)));
    writeFileSync(path, bytes);
  }
};

/** A sector is written whole or not at all. What the log is written over is zeros. */
const tearOver = (path: string, ranges: readonly Range[], random: Random): void => {
  const bytes = readFileSync(path);
  const keep = random.pick(['nothing', 'part', 'all'] as const);
  if (keep === 'all' || ranges.length === 0) return;
  for (const { from, to } of ranges) {
    for (let at = from, next; at < to; at = next) {
      next = Math.min(to, at + SECTOR_BYTES - (at % SECTOR_BYTES));
      if (keep === 'nothing' || random.chance(0.5)) bytes.fill(0, at, Math.min(next, bytes.length));
    }
  }
  writeFileSync(path, bytes);
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
    const synced = logs.get(basename(path));
    if (!synced) continue;
    uncertain += Math.max(0, statSync(path).size - synced.bytes) + synced.over.reduce((sum, { from, to }) => sum + to - from, 0);
    if (!synced.named && random.chance(0.5)) rmSync(path);
    else {
      tearTail(path, synced.bytes, random);
      tearOver(path, synced.over, random);
    }
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
