import { hash } from 'node:crypto';

/**
 * The log: segment files of a header and records. A record is one append with all of its events. All numbers little-endian.
 *
 *   header  8 magic · 4 version · 4 segment number · 8 global offset of the file's first byte · 8 events before it
 *           · 16 chain hash before it · 16 hash of all that
 *   record  4 length of all of it · 4 distance back to the start of its write group · 8 number of its first event
 *           · 8 created, ms since epoch · 4 revision of its first event · 4 events · 2 flags · 2 length of name
 *           · 16 hash of the record before · stream name · events · 16 hash of all that
 *   event   4 length of data · 4 length of metadata · 2 length of type · 2 flags · 16 id · type · data · metadata
 *
 * A hash is the first 16 bytes of SHA-256. As each record holds the hash of the one before, a record cannot be
 * dropped, moved or changed without breaking the chain.
 */
export const MAGIC = 'TALLYLOG';
export const FORMAT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 64;
export const RECORD_HEADER_BYTES = 52;
export const HASH_BYTES = 16;
export const EVENT_HEADER_BYTES = 28;
export const RECORD_BYTES_MIN: number = RECORD_HEADER_BYTES + HASH_BYTES;
/** Above any message the transport lets in (17 MiB), so a larger length is damage. */
export const RECORD_BYTES_MAX: number = 24 * 1024 * 1024;
/** The stored revision of a tombstone, which the protocol shows as 2^63-1. */
export const TOMBSTONE_REVISION = 0xffffffff;
/** Only valid together with the record after it: both are one append. */
export const FLAG_CONTINUES = 1;
export const EVENT_FLAG_JSON = 1;
export const GENESIS_HASH: Buffer = Buffer.alloc(HASH_BYTES);

const TWO_32 = 4294967296;

export interface NewEvent {
  /** 16 bytes. */
  readonly id: Buffer;
  readonly type: Buffer;
  readonly json: boolean;
  readonly data: Buffer;
  readonly metadata: Buffer;
}

export interface NewRecord {
  readonly name: Buffer;
  readonly firstRevision: number;
  /** Zero-based number of the first event in the whole log. */
  readonly firstEvent: number;
  readonly createdMs: number;
  readonly flags: number;
  readonly events: readonly NewEvent[];
}

export function putUint64(buf: Buffer, at: number, value: number): void {
  buf.writeUInt32LE(value % TWO_32, at);
  buf.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
}

export function getUint64(buf: Buffer, at: number): number {
  return buf.readUInt32LE(at + 4) * TWO_32 + buf.readUInt32LE(at);
}

/** Hash of `buf[from, to)` written at `at`. */
export function putHash(buf: Buffer, from: number, to: number, at: number): void {
  buf.write(hash('sha256', buf.subarray(from, to), 'hex').slice(0, HASH_BYTES * 2), at, 'hex');
}

export function recordBytes(nameBytes: number, events: readonly NewEvent[]): number {
  let bytes = RECORD_BYTES_MIN + nameBytes;
  for (const e of events) bytes += EVENT_HEADER_BYTES + e.type.length + e.data.length + e.metadata.length;
  return bytes;
}

/** Where a record goes: `group` is where its write group begins in the buffer, `previous` the hash of the record before. */
export interface RecordPlace {
  readonly buf: Buffer;
  readonly group: number;
  readonly previous: Buffer;
}

/** Writes the record at `at`; gives the offset after it. */
export function putRecord({ buf, group, previous }: RecordPlace, at: number, record: NewRecord): number {
  const start = at;
  buf.writeUInt32LE(start - group, at + 4);
  putUint64(buf, at + 8, record.firstEvent);
  putUint64(buf, at + 16, record.createdMs);
  buf.writeUInt32LE(record.firstRevision, at + 24);
  buf.writeUInt32LE(record.events.length, at + 28);
  buf.writeUInt16LE(record.flags, at + 32);
  buf.writeUInt16LE(record.name.length, at + 34);
  previous.copy(buf, at + 36);
  record.name.copy(buf, at + RECORD_HEADER_BYTES);
  at += RECORD_HEADER_BYTES + record.name.length;
  for (const event of record.events) at = putEvent(buf, at, event);
  buf.writeUInt32LE(at + HASH_BYTES - start, start);
  putHash(buf, start, at, at);
  return at + HASH_BYTES;
}

function putEvent(buf: Buffer, at: number, event: NewEvent): number {
  buf.writeUInt32LE(event.data.length, at);
  buf.writeUInt32LE(event.metadata.length, at + 4);
  buf.writeUInt16LE(event.type.length, at + 8);
  buf.writeUInt16LE(event.json ? EVENT_FLAG_JSON : 0, at + 10);
  event.id.copy(buf, at + 12);
  event.type.copy(buf, at + EVENT_HEADER_BYTES);
  at += EVENT_HEADER_BYTES + event.type.length;
  event.data.copy(buf, at);
  at += event.data.length;
  event.metadata.copy(buf, at);
  return at + event.metadata.length;
}

/** Length of the record at `at` when the header makes sense, else undefined. Needs 4 bytes. */
export function plausibleLength(buf: Buffer, at: number): number | undefined {
  const length = buf.readUInt32LE(at);
  return length >= RECORD_BYTES_MIN && length <= RECORD_BYTES_MAX ? length : undefined;
}

/** Is the record's own hash right. The chain to the record before is the caller's to check. */
export function hashMatches(buf: Buffer, at: number, length: number): boolean {
  const end = at + length - HASH_BYTES;
  const actual = hash('sha256', buf.subarray(at, end), 'hex');
  return buf.toString('hex', end, end + HASH_BYTES) === actual.slice(0, HASH_BYTES * 2);
}

export interface SegmentHeader {
  readonly number: number;
  readonly baseOffset: number;
  readonly eventsBefore: number;
  readonly chain: Buffer;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const buf = Buffer.alloc(SEGMENT_HEADER_BYTES);
  buf.write(MAGIC, 0, 'latin1');
  buf.writeUInt32LE(FORMAT_VERSION, 8);
  buf.writeUInt32LE(header.number, 12);
  putUint64(buf, 16, header.baseOffset);
  putUint64(buf, 24, header.eventsBefore);
  header.chain.copy(buf, 32);
  putHash(buf, 0, 48, 48);
  return buf;
}

/** Undefined when it is not a whole header of this format. */
export function decodeSegmentHeader(buf: Buffer): SegmentHeader | undefined {
  if (buf.length < SEGMENT_HEADER_BYTES || buf.toString('latin1', 0, 8) !== MAGIC) return undefined;
  if (buf.readUInt32LE(8) !== FORMAT_VERSION || !hashMatches(buf, 0, SEGMENT_HEADER_BYTES)) return undefined;
  return {
    number: buf.readUInt32LE(12),
    baseOffset: getUint64(buf, 16),
    eventsBefore: getUint64(buf, 24),
    chain: Buffer.from(buf.subarray(32, 48)),
  };
}
