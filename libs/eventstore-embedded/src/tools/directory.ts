import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readdirSync, statSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { StoreError, damaged } from '../errors.ts';
import { HighWaterMark, MARK_FILE, NO_MARK_WHOLE, readMark } from '../log/high-water-mark.ts';
import type { Mark, MarkCopies } from '../log/high-water-mark.ts';
import { LOCK_FILE } from '../log/lock.ts';
import { listSegments, segmentPath } from '../log/segments.ts';
import { diskFull } from './work.ts';

/** Mark, manifest and directory: some blocks each. */
const SMALL_FILES_BYTES = 1024 * 1024;
/** A running server may be writing one copy of the mark just now; that takes microseconds. */
const MARK_READS_MAX = 5;
const MARK_READ_AGAIN_MS = 5;

/** Refuses with `NO_STORE` what has neither log nor mark. */
export function requireStore(dir: string): void {
  if (holdsStore(dir)) return;
  throw new StoreError('NO_STORE', existsSync(dir) ? `${dir} holds no event store` : `there is no ${dir}`, 'Name the directory of an embedded event store: store/ of a data directory.');
}

export function holdsStore(dir: string): boolean {
  return existsSync(dir) && statSync(dir).isDirectory() && (HighWaterMark.exists(dir) || listSegments(dir).length > 0);
}

export function logFilesBytes(dir: string): number {
  return listSegments(dir).reduce((sum, number) => sum + statSync(segmentPath(dir, number)).size, 0);
}

/** The mark, read again while a copy of it may only be half written. */
export async function readSteadyMark(dir: string): Promise<MarkCopies> {
  for (let read = 1; ; read++) {
    const copies = readMark(dir);
    if (copies.whole === 2 || read === MARK_READS_MAX) return copies;
    await setTimeout(MARK_READ_AGAIN_MS);
  }
}

/** How far the log is promised. Refuses with `STORE_DAMAGED` when that cannot be told. */
export async function requireMark(dir: string): Promise<Mark> {
  if (!HighWaterMark.exists(dir)) throw damaged(dir, 'there is a log but no high-water mark beside it');
  const { newest } = await readSteadyMark(dir);
  if (newest === undefined) throw damaged(join(dir, MARK_FILE), NO_MARK_WHOLE);
  return newest;
}

/** Refuses with `DISK_FULL` when `bytes` do not fit below `dir`. */
export function requireSpace(dir: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dir);
  const free = bavail * bsize;
  if (free < bytes + SMALL_FILES_BYTES) throw diskFull(dir, `it needs ${bytes + SMALL_FILES_BYTES} bytes and has ${free}`);
}

/** A new file for its owner only, synced. */
export function writeNewFile(path: string, text: string): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    writeWhole(fd, Buffer.from(text), 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function writeWhole(fd: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

export interface LockHolder {
  readonly held: boolean;
  /** When the system tells. */
  readonly pid?: number;
}

const NOT_HELD: LockHolder = { held: false };
/** SQLite locks bytes of its files from here on, whatever their size. */
const SQLITE_LOCK_FROM = 0x40000000;

/**
 * Does a server hold the directory. Asks Linux's table of locks and takes none itself: a lock taken to look, however short, could
 * refuse a server that starts at that moment. Undefined where there is no such table.
 */
export function lockHolder(dir: string): LockHolder | undefined {
  const path = join(dir, LOCK_FILE);
  if (!existsSync(path)) return NOT_HELD;
  if (!existsSync('/proc/locks')) return undefined;
  const { ino } = statSync(path);
  for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
    const match = /^\d+: POSIX +ADVISORY +WRITE (-?\d+) \S+:(\d+) (\d+) /.exec(line);
    if (match === null || Number(match[2]) !== ino || Number(match[3]) < SQLITE_LOCK_FROM) continue;
    const pid = Number(match[1]);
    if (!isElsewhere(pid, path)) return { held: true, ...(pid > 0 && { pid }) };
  }
  return NOT_HELD;
}

/** Numbers of files repeat between filesystems. True only when the process can be seen not to have this file open. */
function isElsewhere(pid: number, path: string): boolean {
  const dir = `/proc/${pid}/fd`;
  const { ino, dev } = statSync(path);
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    // Another user's process: the lock table is all there is.
    return false;
  }
  return !names.some((name) => {
    try {
      const open = statSync(join(dir, name));
      return open.ino === ino && open.dev === dev;
    } catch {
      // Closed since it was listed.
      return false;
    }
  });
}
