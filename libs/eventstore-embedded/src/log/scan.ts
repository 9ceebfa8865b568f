import { crc32 } from 'node:zlib';
import { HASH_BYTES, RECORD_BYTES_MIN, hashMatches, plausibleLength } from './format.ts';
import { LogRecord } from './record.ts';
import { readFully } from './segments.ts';
import type { Segment } from './segments.ts';

/** Large enough that reading costs little beside hashing, small enough to be forgotten quickly. */
const BLOCK_BYTES = 4 * 1024 * 1024;

export interface ScanStart {
  /** Byte of the file. */
  readonly from: number;
  /** CRC-32 of the file's bytes before `from`, the header not counted. */
  readonly crc: number;
  readonly chain: Buffer;
  readonly firstEvent: number;
}

export interface ScanResult {
  /** Byte of the file behind the last whole record. */
  readonly end: number;
  readonly crc: number;
  readonly chain: Buffer;
  /** Why the scan ended before the end of the file. */
  readonly problem?: string;
}

/** Verified bytes of the file from `at` on, whole records. Good until the scan goes on: the buffer is used again. */
export interface ScannedBlock {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Verifies records one after another and hands each to `onRecord`, up to the end or the first that is not right. */
export function scanSegment(segment: Segment, start: ScanStart, onRecord: (record: LogRecord) => void): ScanResult {
  const scan = scanBlocks(segment, start, onRecord);
  for (;;) {
    const step = scan.next();
    if (step.done === true) return step.value;
  }
}

/** The same a block at a time, for those who have other things to do between blocks, or for the bytes. */
export function* scanBlocks(segment: Segment, start: ScanStart, onRecord: (record: LogRecord) => void): Generator<ScannedBlock, ScanResult, void> {
  let { from: at, crc, chain, firstEvent: event } = start;
  let block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, Math.max(segment.length - at, RECORD_BYTES_MIN)));
  while (at < segment.length) {
    let held = readFully(segment.fd, block, Math.min(block.length, segment.length - at), at);
    const needed = held >= 4 ? plausibleLength(block, 0) : undefined;
    if (needed === undefined) return { end: at, crc, chain, problem: 'no record begins here' };
    if (needed > held) {
      if (needed > segment.length - at) return { end: at, crc, chain, problem: 'the record is not complete' };
      block = Buffer.allocUnsafeSlow(needed);
      held = readFully(segment.fd, block, needed, at);
    }
    const blockAt = at;
    let used = 0;
    let problem: string | undefined;
    for (;;) {
      const length = held - used >= 4 ? plausibleLength(block, used) : 0;
      if (length === undefined) problem = 'no record begins here';
      if (length === undefined || length === 0 || length > held - used) break;
      const record = new LogRecord(block, used, length, segment.baseOffset + blockAt + used);
      problem = recordProblem(record, chain, event);
      if (problem !== undefined) break;
      onRecord(record);
      event += record.count;
      chain = record.hash;
      used += length;
    }
    crc = crc32(block.subarray(0, used), crc);
    chain = Buffer.from(chain);
    at = blockAt + used;
    if (used > 0) yield { at: blockAt, bytes: block.subarray(0, used) };
    // The file was cut meanwhile.
    if (used === 0) problem ??= 'the record is not complete';
    if (problem !== undefined) return { end: at, crc, chain, problem };
  }
  return { end: at, crc, chain };
}

function recordProblem(record: LogRecord, chain: Buffer, event: number): string | undefined {
  if (!hashMatches(record.buf, record.start, record.length)) return 'the checksum of the record is wrong';
  if (!record.previousHash.equals(chain)) return 'the record does not follow the one before it';
  return record.firstEvent === event ? undefined : 'the record has the wrong event number';
}

/** Are all bytes of the file from `at` on zero. */
export function holdsOnlyZeros(segment: Segment, at: number): boolean {
  const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, segment.length - at));
  const zeros = Buffer.alloc(block.length);
  for (let from = at; from < segment.length; ) {
    const held = readFully(segment.fd, block, Math.min(block.length, segment.length - from), from);
    if (held === 0 || block.compare(zeros, 0, held, 0, held) !== 0) return false;
    from += held;
  }
  return true;
}

/**
 * Looks behind a bad place for a whole record of a write group that began after it. Such a group was written only
 * after the bad bytes had been synced, so the place is damage and not a torn write. Gives the record's byte.
 */
export function findLaterGroup(segment: Segment, badAt: number): number | undefined {
  const bytes = segment.length - badAt;
  const rest = Buffer.allocUnsafeSlow(bytes);
  readFully(segment.fd, rest, bytes, badAt);
  for (let at = 1; at + RECORD_BYTES_MIN <= bytes; at++) {
    const length = plausibleLength(rest, at);
    if (length === undefined || at + length > bytes) continue;
    const sinceGroup = rest.readUInt32LE(at + 4);
    // The group's start must lie behind the bad place and, like every group, at most a group's size back.
    if (sinceGroup >= at) continue;
    if (isRecordAt(rest, at, length)) return badAt + at;
  }
  return undefined;
}

function isRecordAt(buf: Buffer, at: number, length: number): boolean {
  const nameBytes = buf.readUInt16LE(at + 34);
  const events = buf.readUInt32LE(at + 28);
  // Cheap doubts first: hashing at every byte would take minutes.
  if (nameBytes === 0 || nameBytes + HASH_BYTES > length || events === 0 || events > length) return false;
  return hashMatches(buf, at, length);
}
