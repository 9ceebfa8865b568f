import { closeSync, fsyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, readdirSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SEGMENT_HEADER_BYTES, decodeSegmentHeader, encodeSegmentHeader } from './format.ts';
import type { SegmentHeader } from './format.ts';

export interface Segment {
  readonly number: number;
  readonly path: string;
  readonly fd: number;
  /** Offset in the whole log of the file's first byte. */
  readonly baseOffset: number;
  readonly header: SegmentHeader;
  /** Bytes in use, header included. */
  length: number;
  /** Bytes of the file: behind those in use it may hold zeros, written ahead. */
  fileBytes: number;
}

const NAME = /^(\d{8})\.log$/;

export function segmentPath(dataDir: string, number: number): string {
  return join(dataDir, `${String(number).padStart(8, '0')}.log`);
}

/** Segment numbers present, ascending. */
export function listSegments(dataDir: string): number[] {
  const numbers: number[] = [];
  for (const name of readdirSync(dataDir)) {
    const match = NAME.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b);
}

/** A file that cannot be used as the segment of its number. */
export interface BadSegment {
  readonly problem: string;
  /** What is there is no whole header: perhaps it was never finished. */
  readonly headerless: boolean;
  readonly path: string;
  readonly bytes: number;
}

/** Opens a segment and reads its header; how much of the file is in use is not yet known, so `length` is all of it. `flags` `r` never writes, beside a running server too. */
export function openSegment(dataDir: string, number: number, flags: 'r' | 'r+' = 'r+'): Segment | BadSegment {
  const path = segmentPath(dataDir, number);
  const fd = openSync(path, flags);
  const buf = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const read = readSync(fd, buf, 0, buf.length, 0);
  const header = read === buf.length ? decodeSegmentHeader(buf) : undefined;
  const bytes = fstatSync(fd).size;
  if (header?.number === number) return { number, path, fd, baseOffset: header.baseOffset, header, length: bytes, fileBytes: bytes };
  closeSync(fd);
  if (header === undefined) return { problem: 'its header is not whole', headerless: true, path, bytes };
  return { problem: `it says it is segment ${header.number}`, headerless: false, path, bytes };
}

/** Creates the file, durably: header and directory entry are synced before anything is written behind them. */
export function createSegment(dataDir: string, header: SegmentHeader): Segment {
  const path = segmentPath(dataDir, header.number);
  const fd = openSync(path, 'w+');
  try {
    const bytes = encodeSegmentHeader(header);
    if (writeSync(fd, bytes, 0, bytes.length, 0) !== bytes.length) throw new Error(`short write of the header of ${path}`);
    fsyncSync(fd);
    syncDirectory(dataDir);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { number: header.number, path, fd, baseOffset: header.baseOffset, header, length: SEGMENT_HEADER_BYTES, fileBytes: SEGMENT_HEADER_BYTES };
}

export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Creates it with all above it that is missing, durably: each new one is an entry of the one above. */
export function ensureDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(path); ; made = dirname(made)) {
    syncDirectory(dirname(made));
    if (made === resolve(first)) return;
  }
}

/** Takes off what lies behind the bytes in use. Not synced. */
export function trimSegment(segment: Segment): void {
  ftruncateSync(segment.fd, segment.length);
  segment.fileBytes = segment.length;
}

/** Index in `segments` of the one that holds global offset `offset`. */
export function segmentAt(segments: readonly Segment[], offset: number): number {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle]!.baseOffset <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Reads up to `length` bytes at an offset inside the file; short only at its end. */
export function readFully(fd: number, buf: Buffer, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const read = readSync(fd, buf, done, length - done, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}
