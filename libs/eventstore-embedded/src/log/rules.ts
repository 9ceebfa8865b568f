import { SEGMENT_HEADER_BYTES } from './format.ts';
import type { SegmentHeader } from './format.ts';
import type { Mark } from './high-water-mark.ts';
import { findLaterGroup, holdsOnlyZeros } from './scan.ts';
import type { BadSegment, Segment } from './segments.ts';

/**
 * What a log must be, as a start and as a check without one hold it to. Each gives what is wrong, or undefined.
 */

/** A place between two records: what lies before it. A mark is one. */
export type LogPoint = Mark;

export const SECOND_HALF_MISSING = 'an append of two records has only one';

export function continuationProblem(header: SegmentHeader, before: LogPoint): string | undefined {
  if (header.baseOffset === before.bytes && header.eventsBefore === before.events && header.chain.equals(before.chain)) return undefined;
  return 'it does not continue the segment before it';
}

/**
 * A file is created after the one before is full and synced, the first after the mark, and nothing is written to it before its
 * header is synced: a kill between leaves one without its header. No loss, as long as the mark speaks of nothing in it.
 */
export function isNeverBegun(bad: BadSegment, place: { readonly isLast: boolean; readonly before: number; readonly mark: Mark }): boolean {
  return bad.headerless && place.isLast && place.mark.bytes <= place.before && bad.bytes <= SEGMENT_HEADER_BYTES;
}

export interface Tail {
  readonly segment: Segment;
  /** Byte of the file behind the last whole record. */
  readonly end: number;
  /** Why the next one is not. */
  readonly reason: string;
  readonly mark: Mark;
  readonly isLast: boolean;
}

/**
 * A tail may be cut only when it was never synced: it lies beyond the mark, in the last segment, and no later write group
 * follows (the next group is written only after the one before was synced). Otherwise it is damage.
 */
export function tailProblem({ segment, end, reason, mark, isLast }: Tail): string | undefined {
  const offset = segment.baseOffset + end;
  if (!isLast) return `${reason}, and later segments follow`;
  if (offset < mark.bytes) return `${reason}; ${mark.bytes - offset} synced bytes follow`;
  const later = findLaterGroup(segment, end);
  return later === undefined ? undefined : `${reason}, and a whole record of a later write follows at byte ${later}`;
}

/**
 * Is there nothing behind the last record but zeros, written ahead of the log. A record never begins with a zero, so they are
 * no tail: nothing was torn, and there is nothing to cut. Whether enough is left is `lossProblem`'s to say.
 */
export function isWrittenAhead(segment: Segment, end: number): boolean {
  return end < segment.length && holdsOnlyZeros(segment, end);
}

export function lossProblem(end: LogPoint, mark: Mark): string | undefined {
  if (end.bytes >= mark.bytes && end.events >= mark.events) return undefined;
  return `the log ends at byte ${end.bytes}, but ${mark.bytes} bytes (${mark.events} events) were synced`;
}
