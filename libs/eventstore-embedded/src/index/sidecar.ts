import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { HASH_BYTES, SEGMENT_HEADER_BYTES, getUint64, putUint64 } from '../log/format.ts';
import { listSegments, readFully } from '../log/segments.ts';
import type { Segment } from '../log/segments.ts';
import type { LogIndex } from './log-index.ts';

/**
 * A segment's part of the index, beside it, so that a start need not take every record apart. Never an authority, and rebuilt
 * when in doubt. It ends with the chain hash of the last record it speaks for, which must stand in the log at that very place:
 * as each hash includes the one before, the sidecar is of this log and no other. The log's bytes themselves are compared with
 * the CRC it holds, the newest before they are served and the others soon after.
 *
 *   header 4 magic · 4 segment · 8 bytes covered · 4 CRC-32 of them · 16 chain hash · 4 first stream · 4 streams · 8 first event
 *          · 4 events · 4 bytes of names · 4 CRC-32 of the body · 4 CRC-32 of the header before it
 *   body   record offsets (doubles) · streams (4 each) · revisions (4) · lengths of names (2) · names
 *
 * Columns lie in it as they do in memory, so that saving one does not keep appends waiting. All numbers little-endian.
 */
const MAGIC = 0x32444954;
const HEADER_BYTES = 68;
const READ_BYTES = 8 * 1024 * 1024;

export interface Covered {
  readonly coveredBytes: number;
  readonly crc: number;
  readonly chain: Buffer;
}

function sidecarPath(dataDir: string, segment: number): string {
  return join(dataDir, `${String(segment).padStart(8, '0')}.idx`);
}

/** Writes the index of a segment's first `covered.coveredBytes`. Not synced: a lost one is rebuilt. */
export function saveSidecar(dataDir: string, segment: Segment, index: LogIndex, covered: Covered & { readonly firstStream: number }): void {
  const firstEvent = segment.header.eventsBefore;
  const events = index.count - firstEvent;
  const streams = index.streams.count - covered.firstStream;
  const names = index.streams.namesFrom(covered.firstStream);
  const buf = Buffer.allocUnsafeSlow(HEADER_BYTES + events * 16 + streams * 2 + names.length);
  const { recordOffsets, streamIds, revisions } = index.columnsFrom(firstEvent);
  let at = HEADER_BYTES;
  for (const column of [recordOffsets, streamIds, revisions]) at += bytesOf(column).copy(buf, at);
  for (let id = covered.firstStream; id < index.streams.count; id++, at += 2) buf.writeUInt16LE(index.streams.nameLength(id), at);
  names.copy(buf, at);
  buf.writeUInt32LE(MAGIC, 0);
  buf.writeUInt32LE(segment.number, 4);
  putUint64(buf, 8, covered.coveredBytes);
  buf.writeUInt32LE(covered.crc, 16);
  covered.chain.copy(buf, 20);
  buf.writeUInt32LE(covered.firstStream, 36);
  buf.writeUInt32LE(streams, 40);
  putUint64(buf, 44, firstEvent);
  buf.writeUInt32LE(events, 52);
  buf.writeUInt32LE(names.length, 56);
  buf.writeUInt32LE(crc32(buf.subarray(HEADER_BYTES)), 60);
  buf.writeUInt32LE(crc32(buf.subarray(0, 64)), 64);
  const path = sidecarPath(dataDir, segment.number);
  writeFileSync(`${path}.new`, buf);
  renameSync(`${path}.new`, path);
}

function bytesOf(column: Float64Array | Uint32Array): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength);
}

/**
 * Adds the segment's part to the index. Undefined, with nothing added, when the sidecar is not whole or not of this log, or,
 * if it `verifies`, the bytes it speaks for are not as they were.
 */
export function loadSidecar(dataDir: string, segment: Segment, index: LogIndex, verifies: boolean): Covered | undefined {
  const path = sidecarPath(dataDir, segment.number);
  if (!existsSync(path)) return undefined;
  const buf = readFileSync(path);
  if (!isWhole(buf, segment, index)) return undefined;
  const coveredBytes = getUint64(buf, 8);
  const crc = buf.readUInt32LE(16);
  const chain = Buffer.from(buf.subarray(20, 20 + HASH_BYTES));
  if (coveredBytes > segment.length || !chainAt(segment, coveredBytes).equals(chain)) return undefined;
  if (verifies && crcOfSegment(segment, coveredBytes) !== crc) return undefined;
  const streams = buf.readUInt32LE(40);
  const events = buf.readUInt32LE(52);
  let lengthAt = HEADER_BYTES + events * 16;
  let nameAt = lengthAt + streams * 2;
  for (let i = 0; i < streams; i++, lengthAt += 2) {
    const length = buf.readUInt16LE(lengthAt);
    index.streams.findOrAdd(buf.subarray(nameAt, nameAt + length));
    nameAt += length;
  }
  const streamsAt = HEADER_BYTES + events * 8;
  const revisionsAt = streamsAt + events * 4;
  for (let i = 0; i < events; i++) {
    index.add(buf.readUInt32LE(streamsAt + i * 4), buf.readUInt32LE(revisionsAt + i * 4), buf.readDoubleLE(HEADER_BYTES + i * 8));
  }
  return { coveredBytes, crc, chain };
}

function isWhole(buf: Buffer, segment: Segment, index: LogIndex): boolean {
  return (
    buf.length >= HEADER_BYTES &&
    buf.readUInt32LE(0) === MAGIC &&
    buf.readUInt32LE(64) === crc32(buf.subarray(0, 64)) &&
    buf.readUInt32LE(60) === crc32(buf.subarray(HEADER_BYTES)) &&
    buf.readUInt32LE(4) === segment.number &&
    buf.readUInt32LE(36) === index.streams.count &&
    getUint64(buf, 44) === index.count
  );
}

/** A record ends with its hash. */
function chainAt(segment: Segment, end: number): Buffer {
  if (end === SEGMENT_HEADER_BYTES) return segment.header.chain;
  const hash = Buffer.alloc(HASH_BYTES);
  readFully(segment.fd, hash, HASH_BYTES, end - HASH_BYTES);
  return hash;
}

function crcOfSegment(segment: Segment, coveredBytes: number): number {
  const block = Buffer.allocUnsafeSlow(Math.max(1, Math.min(READ_BYTES, coveredBytes - SEGMENT_HEADER_BYTES)));
  let crc = 0;
  for (let at = SEGMENT_HEADER_BYTES; at < coveredBytes; ) {
    const read = readFully(segment.fd, block, Math.min(block.length, coveredBytes - at), at);
    if (read === 0) break;
    crc = crc32(block.subarray(0, read), crc);
    at += read;
  }
  return crc;
}

/** Removes the sidecars of `from` and all later segments. */
export function dropSidecars(dataDir: string, from: number): void {
  for (const number of listSegments(dataDir)) if (number >= from) rmSync(sidecarPath(dataDir, number), { force: true });
}
