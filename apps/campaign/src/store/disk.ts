import { closeSync, cpSync, existsSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * The files of a store as the campaign reads them, by what is written about their format: lengths and places only. It verifies nothing,
 * and is used to know where to break something.
 */
export const MARK_FILE = 'high-water-mark';
export const SLOT_BYTES = 48;
export const SLOT_AT: readonly [number, number] = [0, 4_096];
export const SEGMENT_HEADER_BYTES = 64;

export interface RecordPlace {
  readonly at: number;
  readonly length: number;
  /** Where the write that it was part of begins. */
  readonly group: number;
}

export const segmentsOf = (dataDir: string): readonly string[] =>
  readdirSync(dataDir).filter((name) => /^\d{8}\.log$/.test(name)).sort().map((name) => join(dataDir, name));

export const lastSegment = (dataDir: string): string => {
  const path = segmentsOf(dataDir).at(-1);
  if (path === undefined) throw new Error(`there is no log in ${dataDir}`);
  return path;
};

export const sidecarsOf = (dataDir: string): readonly string[] => readdirSync(dataDir).filter((name) => name.endsWith('.idx')).map((name) => join(dataDir, name));

/** Where the records of a segment lie. */
export const recordsOf = (bytes: Buffer): readonly RecordPlace[] => {
  const records: RecordPlace[] = [];
  for (let at = SEGMENT_HEADER_BYTES; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length === 0 || at + length > bytes.length) break;
    records.push({ at, length, group: at - bytes.readUInt32LE(at + 4) });
    at += length;
  }
  return records;
};

/** Where the log ends in a segment: a server writes zeros ahead of it, and takes them off when it is stopped. */
export const endOfRecords = (bytes: Buffer): number => {
  const last = recordsOf(bytes).at(-1);
  return last === undefined ? Math.min(bytes.length, SEGMENT_HEADER_BYTES) : last.at + last.length;
};

export const endOfLog = (dataDir: string): number => endOfRecords(readFileSync(lastSegment(dataDir)));

/** Bytes of the log that the mark says were synced: the larger of its two copies that are whole. */
export const markedBytes = (mark: Buffer): number => {
  const bytes = SLOT_AT.flatMap((at) => {
    const slot = mark.subarray(at, at + SLOT_BYTES);
    return slot.length === SLOT_BYTES && slot.readUInt32LE(32) === crc32(slot.subarray(0, 32)) ? [Number(slot.readBigUInt64LE(0))] : [];
  });
  return Math.max(-1, ...bytes);
};

export const readMark = (dataDir: string): Buffer => readFileSync(join(dataDir, MARK_FILE));

/** What is the record: log and mark, without what is rebuilt. */
export const recordFiles = (dataDir: string): ReadonlyMap<string, Buffer> =>
  new Map([...segmentsOf(dataDir), join(dataDir, MARK_FILE)].filter((path) => existsSync(path)).map((path) => [basename(path), readFileSync(path)]));

/** Copies a directory that no server has. The lock is left behind: it belongs to the machine, not to the data. */
export const copyStore = (from: string, to: string): string => {
  cpSync(from, to, { recursive: true, filter: (path) => !basename(path).startsWith('lock') });
  return to;
};

/** Flips one bit of a file where it lies, also beside a running server. */
export const flipBit = (path: string, bit: number): void => {
  const fd = openSync(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    const at = Math.floor(bit / 8);
    if (readSync(fd, byte, 0, 1, at) !== 1) throw new Error(`${path} has no byte ${at}`);
    byte[0] = (byte[0] ?? 0) ^ (1 << (bit % 8));
    writeSync(fd, byte, 0, 1, at);
  } finally {
    closeSync(fd);
  }
};
