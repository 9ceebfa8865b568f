import { damaged } from '../errors.ts';
import type { LogIndex } from '../index/log-index.ts';
import { RECORD_BYTES_MIN, hashMatches, plausibleLength } from '../log/format.ts';
import { LogRecord } from '../log/record.ts';
import { readFully, segmentAt } from '../log/segments.ts';
import type { Segment } from '../log/segments.ts';
import type { LogTail } from '../log/tail.ts';
import { ByteCache } from './byte-cache.ts';

/** Most records fit; a longer one is read again at its full length. */
const FIRST_READ_BYTES = 4096;
/** One read of a scan: some hundred events. */
const SCAN_BLOCK_BYTES = 256 * 1024;
/** How far a backward scan steps back before it reads forward again. */
const BACKWARD_EVENTS = 256;
/** Records read lately: streams that are folded again and again. */
const CACHE_BYTES_MAX = 16 * 1024 * 1024;

/** Records of the log by event number, each verified before it is handed out. Throws `STORE_DAMAGED`. */
export class LogReader {
  private readonly segments: readonly Segment[];
  private readonly index: LogIndex;
  private readonly tail: LogTail;
  private readonly cache = new ByteCache<LogRecord>(CACHE_BYTES_MAX);

  constructor(segments: readonly Segment[], index: LogIndex, tail: LogTail) {
    this.segments = segments;
    this.index = index;
    this.tail = tail;
  }

  /** The record that holds event number `event`. */
  record(event: number): LogRecord {
    const offset = this.index.recordOffset(event);
    const recent = this.tail.record(offset);
    if (recent?.count === 1) return recent;
    const cached = this.cache.get(offset);
    if (cached !== undefined) return cached;
    // A record of many events remembers where each begins, so it is worth keeping; as a copy, or it would keep its chunk of the tail.
    const record = recent?.copy() ?? this.load(event, offset);
    this.cache.add(offset, record);
    return record;
  }

  /** For reading many neighbours: remembers the last block it read, and keeps nothing else. */
  scanner(): LogScanner {
    return new LogScanner(this.segments, this.index, this.tail);
  }

  private load(event: number, offset: number): LogRecord {
    const segment = this.segments[segmentAt(this.segments, offset)]!;
    const position = offset - segment.baseOffset;
    const first = Buffer.allocUnsafe(Math.min(FIRST_READ_BYTES, segment.length - position));
    const held = readFully(segment.fd, first, first.length, position);
    const length = held >= RECORD_BYTES_MIN ? plausibleLength(first, 0) : undefined;
    if (length === undefined || position + length > segment.length) throw damaged(`${segment.path} at byte ${position}`, 'no record begins here');
    const buf = Buffer.allocUnsafe(length);
    first.copy(buf, 0, 0, length);
    if (length > held && readFully(segment.fd, buf, length, position) < length) {
      throw damaged(`${segment.path} at byte ${position}`, 'the record is not complete');
    }
    return verified(segment, new LogRecord(buf, 0, length, offset), event);
  }
}

export class LogScanner {
  private readonly segments: readonly Segment[];
  private readonly index: LogIndex;
  private readonly tail: LogTail;
  private block: Buffer = Buffer.alloc(0);
  private blockOffset = 0;
  private current: LogRecord | undefined;

  constructor(segments: readonly Segment[], index: LogIndex, tail: LogTail) {
    this.segments = segments;
    this.index = index;
    this.tail = tail;
  }

  record(event: number, backward = false): LogRecord {
    const offset = this.index.recordOffset(event);
    if (this.current?.offset === offset) return this.current;
    const record = this.tail.record(offset) ?? this.fromBlock(event, offset, backward);
    this.current = record;
    return record;
  }

  private fromBlock(event: number, offset: number, backward: boolean): LogRecord {
    const segment = this.segments[segmentAt(this.segments, offset)]!;
    let length = this.lengthInBlock(offset);
    if (length === undefined) {
      this.read(segment, backward ? this.earlier(segment, event, offset) : offset, SCAN_BLOCK_BYTES);
      length = this.lengthInBlock(offset);
    }
    if (length === undefined) {
      // Behind the end of this block, or larger than any: begin the block with it, at the length it states.
      this.read(segment, offset, SCAN_BLOCK_BYTES);
      const stated = this.block.length >= RECORD_BYTES_MIN ? plausibleLength(this.block, 0) : undefined;
      if (stated !== undefined && stated > this.block.length) this.read(segment, offset, stated);
      length = this.lengthInBlock(offset);
    }
    if (length === undefined) throw damaged(`${segment.path} at byte ${offset - segment.baseOffset}`, 'no whole record begins here');
    return verified(segment, new LogRecord(this.block, offset - this.blockOffset, length, offset), event);
  }

  /** Length of the record at `offset` when all of it lies in the block. */
  private lengthInBlock(offset: number): number | undefined {
    const at = offset - this.blockOffset;
    if (at < 0 || at + RECORD_BYTES_MIN > this.block.length) return undefined;
    const length = plausibleLength(this.block, at);
    return length !== undefined && at + length <= this.block.length ? length : undefined;
  }

  private earlier(segment: Segment, event: number, offset: number): number {
    const first = Math.max(event - BACKWARD_EVENTS, segment.header.eventsBefore);
    for (let candidate = first; candidate < event; candidate++) {
      const from = this.index.recordOffset(candidate);
      if (offset - from < SCAN_BLOCK_BYTES - FIRST_READ_BYTES) return from;
    }
    return offset;
  }

  private read(segment: Segment, offset: number, bytes: number): void {
    const position = offset - segment.baseOffset;
    // A new buffer each time: records handed out earlier are views into the old one.
    const block = Buffer.allocUnsafeSlow(Math.min(bytes, segment.length - position));
    const held = readFully(segment.fd, block, block.length, position);
    this.block = block.subarray(0, held);
    this.blockOffset = offset;
  }
}

/** The record is whole, and the one that holds event number `event`: a whole one in another's place is damage too. */
function verified(segment: Segment, record: LogRecord, event: number): LogRecord {
  const where = `${segment.path} at byte ${record.offset - segment.baseOffset}`;
  if (!hashMatches(record.buf, record.start, record.length)) throw damaged(where, 'the checksum of the record is wrong');
  if (event < record.firstEvent || event >= record.firstEvent + record.count) throw damaged(where, `another record lies in the place of event ${event}`);
  return record;
}
