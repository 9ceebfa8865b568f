import { fdatasyncSync, ftruncateSync, unlinkSync } from 'node:fs';
import { damaged } from '../errors.ts';
import type { StoreLog } from '../log.ts';
import { LogIndex } from '../index/log-index.ts';
import { dropSidecars, loadSidecar } from '../index/sidecar.ts';
import { FLAG_CONTINUES, GENESIS_HASH, SEGMENT_HEADER_BYTES } from './format.ts';
import type { Mark } from './high-water-mark.ts';
import { HighWaterMark } from './high-water-mark.ts';
import type { LogRecord } from './record.ts';
import { SECOND_HALF_MISSING, continuationProblem, isNeverBegun, lossProblem, tailProblem } from './rules.ts';
import type { Tail } from './rules.ts';
import { scanSegment } from './scan.ts';
import { createSegment, ensureDirectory, listSegments, openSegment } from './segments.ts';
import type { Segment } from './segments.ts';

export interface OpenedLog {
  readonly segments: Segment[];
  readonly index: LogIndex;
  readonly highWaterMark: HighWaterMark;
  /** Hash of the last record. */
  readonly chain: Buffer;
  /** CRC-32 of the active segment's bytes, and the number of the first stream it named: for its sidecar. */
  readonly activeCrc: number;
  readonly activeFirstStream: number;
}

interface Progress {
  offset: number;
  chain: Buffer;
  crc: number;
  firstStream: number;
  /** Sidecars name streams by number, so they are good only while all before them were. */
  sidecarsUsable: boolean;
}

/**
 * Opens the log of a data directory, verifies all of it and builds the index. A torn tail that was never synced is cut and
 * said in the log; damage or loss of anything that was synced is refused with `STORE_DAMAGED`.
 */
export function openLog(dataDir: string, log: StoreLog): OpenedLog {
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
    return openExisting({ dataDir, numbers, file, mark, log });
  } catch (error) {
    file.close();
    throw error;
  }
}

function createLog(dataDir: string, highWaterMark: HighWaterMark): OpenedLog {
  const segment = createSegment(dataDir, { number: 1, baseOffset: 0, eventsBefore: 0, chain: GENESIS_HASH });
  return { segments: [segment], index: new LogIndex(), highWaterMark, chain: GENESIS_HASH, activeCrc: 0, activeFirstStream: 0 };
}

interface Existing {
  readonly dataDir: string;
  readonly numbers: readonly number[];
  readonly file: HighWaterMark;
  readonly mark: Mark;
  readonly log: StoreLog;
}

function openExisting({ dataDir, numbers, file, mark, log }: Existing): OpenedLog {
  const index = new LogIndex();
  const segments: Segment[] = [];
  const progress: Progress = { offset: 0, chain: GENESIS_HASH, crc: 0, firstStream: 0, sidecarsUsable: true };
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
    readSegment({ segment: opened, dataDir, index, progress, mark, isLast, log });
  }
  refuse(dataDir, lossProblem({ bytes: progress.offset, events: index.count, chain: progress.chain }, mark));
  // What a kill left unsynced is whole and is kept; it must be as durable as the rest before it is served.
  fdatasyncSync(segments[segments.length - 1]!.fd);
  index.visible = index.count;
  file.write({ bytes: progress.offset, events: index.count, chain: progress.chain });
  return { segments, index, highWaterMark: file, chain: progress.chain, activeCrc: progress.crc, activeFirstStream: progress.firstStream };
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
}

function readSegment({ segment, dataDir, index, progress, mark, isLast, log }: SegmentRead): void {
  progress.firstStream = index.streams.count;
  let from = SEGMENT_HEADER_BYTES;
  let crc = 0;
  let chain: Buffer = segment.header.chain;
  if (progress.sidecarsUsable) {
    const loaded = loadSidecar(dataDir, segment, index);
    if (loaded === undefined) {
      progress.sidecarsUsable = false;
      dropSidecars(dataDir, segment.number);
    } else {
      from = loaded.coveredBytes;
      crc = loaded.crc;
      chain = loaded.chain;
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
  if (end < segment.length) {
    cutTail({ segment, end, reason: result.problem ?? SECOND_HALF_MISSING, mark, isLast }, log);
    if (continuesFrom !== undefined) {
      // The first half was indexed and hashed: start this segment over without it.
      index.truncate(segment.header.eventsBefore);
      dropSidecars(dataDir, segment.number);
      progress.sidecarsUsable = false;
      readSegment({ segment, dataDir, index, progress, mark, isLast, log });
      return;
    }
  }
  progress.offset = segment.baseOffset + end;
  progress.chain = result.chain;
  progress.crc = result.crc;
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
  log.write('warn', 'store_tail_cut', { segment: segment.number, at_byte: end, cut_bytes: cutBytes, reason });
}
