import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { FLAG_CONTINUES, GENESIS_HASH, SEGMENT_HEADER_BYTES } from './format.ts';
import { MARK_FILE } from './high-water-mark.ts';
import type { Mark } from './high-water-mark.ts';
import type { LogRecord } from './record.ts';
import { SECOND_HALF_MISSING, continuationProblem, isNeverBegun, isWrittenAhead, tailProblem } from './rules.ts';
import type { LogPoint } from './rules.ts';
import { scanBlocks } from './scan.ts';
import type { ScannedBlock } from './scan.ts';
import { listSegments, openSegment, segmentPath } from './segments.ts';
import type { Segment } from './segments.ts';

/** Where the log is not what was written. `byte` is of the file. */
export interface Damage {
  readonly path: string;
  readonly byte: number;
  readonly what: string;
}

/** Hears of a log as it is read. Whatever it throws ends the walk. */
export interface LogVisitor {
  onSegment?(segment: Segment): void;
  onRecord?(record: LogRecord, segment: Segment): void;
  onBlock?(segment: Segment, block: ScannedBlock): void;
  onSegmentEnd?(segment: Segment): void;
  /** The walk goes on with the next segment, by its own header. */
  onDamage(damage: Damage): void;
  /** Between blocks, so that one process can do more than this. */
  pause(): Promise<void>;
}

/** Before the first segment. */
export const LOG_START: LogPoint = { bytes: 0, events: 0, chain: GENESIS_HASH };

/**
 * Reads and verifies a log from its beginning up to `mark`, never behind it and never writing: beside a running server it sees what is
 * promised and cannot meet a write under way.
 */
export async function walkTo(dataDir: string, mark: Mark, visit: LogVisitor): Promise<void> {
  let before: LogPoint | undefined = LOG_START;
  let expected = 1;
  let reached: { path: string; bytes: number; end: number } = { path: segmentPath(dataDir, 1), bytes: 0, end: 0 };
  let isReachedDamaged = false;
  const damage = (path: string, byte: number, what: string): void => {
    before = undefined;
    isReachedDamaged = path === reached.path;
    visit.onDamage({ path, byte, what });
  };
  for (const number of listSegments(dataDir)) {
    if (reached.bytes >= mark.bytes) break;
    if (number > expected) damage(segmentPath(dataDir, expected), 0, number === expected + 1 ? 'the file is missing' : `it is missing, and all up to segment ${number - 1}`);
    expected = number + 1;
    const opened = openSegment(dataDir, number, 'r');
    if ('problem' in opened) {
      damage(opened.path, 0, opened.problem);
      continue;
    }
    try {
      const { header, baseOffset, path } = opened;
      if (baseOffset >= mark.bytes) break;
      const problem = before === undefined ? undefined : continuationProblem(header, before);
      if (problem !== undefined) {
        const missing = baseOffset - reached.bytes;
        if (missing > 0) damage(reached.path, reached.end, `${missing} bytes are missing at its end`);
        else damage(path, 0, problem);
      }
      opened.length = Math.min(opened.length, mark.bytes - baseOffset);
      reached = { path, bytes: baseOffset + opened.length, end: opened.length };
      isReachedDamaged = false;
      const walked = await walkSegment(opened, { bytes: baseOffset + SEGMENT_HEADER_BYTES, events: header.eventsBefore, chain: header.chain }, visit);
      if (walked.problem === undefined) before = walked.end;
      else damage(path, walked.end.bytes - baseOffset, walked.problem);
    } finally {
      closeSync(opened.fd);
    }
  }
  if (reached.bytes < mark.bytes && !isReachedDamaged) {
    damage(reached.path, reached.end, `the log ends here, but ${mark.bytes - reached.bytes} more bytes (up to event ${mark.events}) were synced`);
  }
  if (before !== undefined && !(before.events === mark.events && before.chain.equals(mark.chain))) {
    damage(join(dataDir, MARK_FILE), 0, `it is not the mark of this log, which has ${before.events} events at byte ${mark.bytes}`);
  }
}

export interface WalkedTail {
  /** Behind the last whole record: what a start would go on from. */
  readonly end: LogPoint;
  /** Never synced and not whole: what a start would cut. */
  readonly cut?: Damage & { readonly bytes: number };
}

/**
 * What lies behind the mark, judged as a start would. Only while no server has the directory. Damage that a start would refuse goes to
 * `onDamage`.
 */
export async function walkTail(dataDir: string, mark: Mark, visit: LogVisitor): Promise<WalkedTail> {
  const numbers = listSegments(dataDir);
  let end: LogPoint = mark;
  for (let i = segmentOfMark(dataDir, numbers, mark); i < numbers.length; i++) {
    const isLast = i === numbers.length - 1;
    const opened = openSegment(dataDir, numbers[i]!, 'r');
    if ('problem' in opened) {
      const { path, problem, bytes } = opened;
      if (isNeverBegun(opened, { isLast, before: end.bytes, mark })) return { end, cut: { path, byte: 0, bytes, what: 'its header was never finished' } };
      visit.onDamage({ path, byte: 0, what: problem });
      return { end };
    }
    try {
      const { path, baseOffset } = opened;
      if (baseOffset >= end.bytes) {
        const problem = continuationProblem(opened.header, end);
        if (problem !== undefined) {
          visit.onDamage({ path, byte: 0, what: problem });
          return { end };
        }
        end = { ...end, bytes: baseOffset + SEGMENT_HEADER_BYTES };
      }
      const walked = await walkSegment(opened, end, visit);
      ({ end } = walked);
      if (walked.problem === undefined) continue;
      const byte = end.bytes - baseOffset;
      if (isLast && isWrittenAhead(opened, byte)) return { end };
      const problem = tailProblem({ segment: opened, end: byte, reason: walked.problem, mark, isLast });
      if (problem === undefined) return { end, cut: { path, byte, bytes: opened.length - byte, what: walked.problem } };
      visit.onDamage({ path, byte, what: problem });
      return { end };
    } finally {
      closeSync(opened.fd);
    }
  }
  return { end };
}

/** Index of the last segment that begins at the mark or before it. */
function segmentOfMark(dataDir: string, numbers: readonly number[], mark: Mark): number {
  for (let i = numbers.length - 1; i > 0; i--) {
    const opened = openSegment(dataDir, numbers[i]!, 'r');
    if ('problem' in opened) continue;
    closeSync(opened.fd);
    if (opened.baseOffset <= mark.bytes) return i;
  }
  return 0;
}

interface WalkedSegment {
  /** Behind the last whole append. */
  readonly end: LogPoint;
  readonly problem?: string;
}

/** Verifies the records of one segment from `from`, a place in it, to its `length`. */
export async function walkSegment(segment: Segment, from: LogPoint, visit: Omit<LogVisitor, 'onDamage'>): Promise<WalkedSegment> {
  visit.onSegment?.(segment);
  let { events } = from;
  let halfFrom: LogPoint | undefined;
  const start = { from: from.bytes - segment.baseOffset, crc: 0, chain: from.chain, firstEvent: events };
  const scan = scanBlocks(segment, start, (record) => {
    const continues = (record.flags & FLAG_CONTINUES) !== 0;
    halfFrom = continues ? (halfFrom ?? { bytes: record.offset, events, chain: Buffer.from(record.previousHash) }) : undefined;
    visit.onRecord?.(record, segment);
    events += record.count;
  });
  for (;;) {
    const step = scan.next();
    if (step.done !== true) {
      visit.onBlock?.(segment, step.value);
      await visit.pause();
      continue;
    }
    const { end, chain, problem } = step.value;
    if (halfFrom !== undefined) return { end: halfFrom, problem: problem ?? SECOND_HALF_MISSING };
    if (problem !== undefined) return { end: { bytes: segment.baseOffset + end, events, chain }, problem };
    visit.onSegmentEnd?.(segment);
    return { end: { bytes: segment.baseOffset + end, events, chain } };
  }
}
