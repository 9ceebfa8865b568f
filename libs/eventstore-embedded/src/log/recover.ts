import { fdatasyncSync, ftruncateSync, unlinkSync } from 'node:fs';
import { damaged } from '../errors.ts';
import type { StoreLog } from '../log.ts';
import { LogIndex } from '../index/log-index.ts';
import { dropSidecars, loadSidecar } from '../index/sidecar.ts';
import type { Covered } from '../index/sidecar.ts';
import { FLAG_CONTINUES, GENESIS_HASH, SEGMENT_HEADER_BYTES } from './format.ts';
import type { Mark } from './high-water-mark.ts';
import { HighWaterMark } from './high-water-mark.ts';
import type { LogRecord } from './record.ts';
import { SECOND_HALF_MISSING, continuationProblem, isNeverBegun, isWrittenAhead, lossProblem, tailProblem } from './rules.ts';
import type { Tail } from './rules.ts';
import { scanSegment } from './scan.ts';
import { createSegment, ensureDirectory, listSegments, openSegment } from './segments.ts';
import type { Segment } from './segments.ts';

/** The newest part of the log is verified before it is served: a third of a second from a cold disk. The rest is verified after. */
const VERIFIED_FIRST_BYTES = 256 * 1024 * 1024;

/** Bytes of a segment taken on the word of its sidecar: records are verified when they are read, and all of them soon. */
export interface Unverified extends Covered {
  readonly segment: Segment;
}

export interface OpenedLog {
  readonly segments: Segment[];
  readonly index: LogIndex;
  readonly highWaterMark: HighWaterMark;
  /** Hash of the last record. */
  readonly chain: Buffer;
  /** CRC-32 of the active segment's bytes, and the number of the first stream it named: for its sidecar. */
  readonly activeCrc: number;
  readonly activeFirstStream: number;
  /** Bytes of it that its sidecar speaks for. */
  readonly activeSidecarBytes: number;
  /** The newest first. */
  readonly unverified: readonly Unverified[];
}

interface Progress {
  offset: number;
  chain: Buffer;
  crc: number;
  firstStream: number;
  sidecarBytes: number;
  /** Sidecars name streams by number, so they are good only while all before them were. */
  sidecarsUsable: boolean;
}

/**
 * Opens the log of a data directory and builds the index. A torn tail that was never synced is cut and said in the log; damage
 * or loss of anything that was synced is refused with `STORE_DAMAGED`. Verified are the whole chain of segments, every record
 * that no sidecar speaks for, and every byte of the newest `verifiedFirstBytes`; what is left is given back as `unverified`.
 */
export function openLog(dataDir: string, log: StoreLog, verifiedFirstBytes: number = VERIFIED_FIRST_BYTES): OpenedLog {
  ensureDirectory(dataDir);
  const numbers = listSegments(dataDir);
  if (!HighWaterMark.exists(dataDir)) {
    if (numbers.length > 0) throw damaged(dataDir, 'there is a log but no high-water mark beside it');
    return createLog(dataDir, HighWaterMark.create(dataDir));
  }
  const { file, mark } = HighWaterMark.open(dataDir);
  try {
    if (numbers.length === 0) {
      if (mark.bytes > 0) throw damaged(dataDir, `the log is gone; it had ${mark.events} events`);
      return createLog(dataDir, file);
    }
    return openExisting({ dataDir, numbers, file, mark, log, verifiedFirstBytes });
  } catch (error) {
    file.close();
    throw error;
  }
}

function createLog(dataDir: string, highWaterMark: HighWaterMark): OpenedLog {
  const segment = createSegment(dataDir, { number: 1, baseOffset: 0, eventsBefore: 0, chain: GENESIS_HASH });
  return { segments: [segment], index: new LogIndex(), highWaterMark, chain: GENESIS_HASH, activeCrc: 0, activeFirstStream: 0, activeSidecarBytes: 0, unverified: [] };
}

interface Existing {
  readonly dataDir: string;
  readonly numbers: readonly number[];
  readonly file: HighWaterMark;
  readonly mark: Mark;
  readonly log: StoreLog;
  readonly verifiedFirstBytes: number;
}

function openExisting({ dataDir, numbers, file, mark, log, verifiedFirstBytes }: Existing): OpenedLog {
  const index = new LogIndex();
  const segments: Segment[] = [];
  const unverified: Unverified[] = [];
  const progress: Progress = { offset: 0, chain: GENESIS_HASH, crc: 0, firstStream: 0, sidecarBytes: 0, sidecarsUsable: true };
  for (const [i, number] of numbers.entries()) {
    if (number !== i + 1) throw damaged(dataDir, `segment ${i + 1} is missing`);
    const isLast = i === numbers.length - 1;
    const opened = openSegment(dataDir, number);
    if ('problem' in opened) {
      if (!isNeverBegun(opened, { isLast, before: progress.offset, mark })) throw damaged(opened.path, opened.problem);
      unlinkSync(opened.path);
      log.write('warn', 'store_tail_cut', { segment: number, cut_bytes: opened.bytes, reason: 'header never finished' });
      if (segments.length === 0) return createLog(dataDir, file);
      break;
    }
    refuse(opened.path, continuationProblem(opened.header, { bytes: progress.offset, events: index.count, chain: progress.chain }));
    segments.push(opened);
    const verifies = mark.bytes - (opened.baseOffset + opened.length) < verifiedFirstBytes;
    const trusted = readSegment({ segment: opened, dataDir, index, progress, mark, isLast, log, verifies });
    if (trusted !== undefined) unverified.unshift({ ...trusted, segment: opened });
  }
  refuse(dataDir, lossProblem({ bytes: progress.offset, events: index.count, chain: progress.chain }, mark));
  // What a kill left unsynced is whole and is kept; it must be as durable as the rest before it is served.
  fdatasyncSync(segments[segments.length - 1]!.fd);
  index.visible = index.count;
  file.write({ bytes: progress.offset, events: index.count, chain: progress.chain });
  const { chain, crc, firstStream, sidecarBytes } = progress;
  return { segments, index, highWaterMark: file, chain, activeCrc: crc, activeFirstStream: firstStream, activeSidecarBytes: sidecarBytes, unverified };
}

function refuse(where: string, problem: string | undefined): void {
  if (problem !== undefined) throw damaged(where, problem);
}

interface SegmentRead {
  readonly segment: Segment;
  readonly dataDir: string;
  readonly index: LogIndex;
  readonly progress: Progress;
  readonly mark: Mark;
  readonly isLast: boolean;
  readonly log: StoreLog;
  /** Every byte, also those a sidecar speaks for. */
  readonly verifies: boolean;
}

/** Gives what was taken on the sidecar's word. */
function readSegment(read: SegmentRead): Covered | undefined {
  const { segment, dataDir, index, progress, mark, isLast, log, verifies } = read;
  progress.firstStream = index.streams.count;
  progress.sidecarBytes = 0;
  let trusted: Covered | undefined;
  let from = SEGMENT_HEADER_BYTES;
  let crc = 0;
  let chain: Buffer = segment.header.chain;
  if (progress.sidecarsUsable) {
    const loaded = loadSidecar(dataDir, segment, index, verifies);
    if (loaded === undefined) {
      progress.sidecarsUsable = false;
      dropSidecars(dataDir, segment.number);
    } else {
      from = loaded.coveredBytes;
      crc = loaded.crc;
      chain = loaded.chain;
      progress.sidecarBytes = loaded.coveredBytes;
      if (!verifies) trusted = loaded;
    }
  }
  let continuesFrom: number | undefined;
  const result = scanSegment(segment, { from, crc, chain, firstEvent: index.count }, (record) => {
    indexRecord(index, record);
    const continues = (record.flags & FLAG_CONTINUES) !== 0;
    continuesFrom = continues ? (continuesFrom ?? record.offset) : undefined;
  });
  let end = result.end;
  if (continuesFrom !== undefined) end = continuesFrom - segment.baseOffset;
  else if (isLast && isWrittenAhead(segment, end)) segment.length = end;
  if (end < segment.length) {
    cutTail({ segment, end, reason: result.problem ?? SECOND_HALF_MISSING, mark, isLast }, log);
    if (continuesFrom !== undefined) {
      // The first half was indexed and hashed: start this segment over without it.
      index.truncate(segment.header.eventsBefore);
      dropSidecars(dataDir, segment.number);
      progress.sidecarsUsable = false;
      return readSegment(read);
    }
  }
  progress.offset = segment.baseOffset + end;
  progress.chain = result.chain;
  progress.crc = result.crc;
  return trusted;
}

function indexRecord(index: LogIndex, record: LogRecord): void {
  const stream = index.streams.findOrAdd(record.name);
  const { firstRevision, count, offset } = record;
  for (let i = 0; i < count; i++) index.add(stream, firstRevision + i, offset);
}

function cutTail(tail: Tail, log: StoreLog): void {
  const { segment, end, reason } = tail;
  refuse(`${segment.path} at byte ${end}`, tailProblem(tail));
  const cutBytes = segment.length - end;
  ftruncateSync(segment.fd, end);
  fdatasyncSync(segment.fd);
  segment.length = end;
  segment.fileBytes = end;
  log.write('warn', 'store_tail_cut', { segment: segment.number, at_byte: end, cut_bytes: cutBytes, reason });
}
