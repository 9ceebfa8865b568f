import { closeSync } from 'node:fs';
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../log/format.ts';
import { HighWaterMark, readMark } from '../log/high-water-mark.ts';
import { LogRecord } from '../log/record.ts';
import type { LogPoint } from '../log/rules.ts';
import { listSegments, openSegment, readFully } from '../log/segments.ts';
import type { Segment } from '../log/segments.ts';
import { walkSegment, walkTail } from '../log/walk.ts';
import { readFirstRecord } from './identity.ts';
import type { BackupManifest, ReplacedStore } from './manifest.ts';
import type { Work } from './work.ts';

/** Compared at a time. */
const COMPARE_BYTES = 1024 * 1024;

export type PresentStore = Omit<ReplacedStore, 'dir'>;

/**
 * What the store of `dir`, which nobody may be running, has that a verified backup lacks. It may be damaged, as it often is when a
 * backup is wanted: then its mark says how much it had.
 */
export async function comparePresent(dir: string, backup: string, manifest: BackupManifest, work: Pick<Work, 'pause'>): Promise<PresentStore> {
  const numbers = listSegments(dir);
  const logId = readFirstRecord(dir, numbers)?.identity?.logId ?? null;
  const mark = HighWaterMark.exists(dir) ? readMark(dir).newest : undefined;
  if (mark === undefined && numbers.length === 0) return { relation: 'same', log_id: null, events: 0, newer_events: 0 };
  if (mark === undefined) return { relation: 'unknown', log_id: logId, events: null, newer_events: null };
  // What a loss of power left behind the mark may have been acknowledged: it counts.
  const { end } = await walkTail(dir, mark, { onDamage: () => undefined, pause: work.pause });
  const present = { log_id: logId, events: end.events };
  const backupEnd: LogPoint = { bytes: manifest.bytes, events: manifest.events, chain: Buffer.from(manifest.chain, 'hex') };
  const isLonger = end.bytes >= backupEnd.bytes;
  const shared = isLonger ? chainAt(dir, backupEnd.bytes, end) : chainAt(backup, end.bytes, backupEnd);
  if (shared?.equals(isLonger ? backupEnd.chain : end.chain) === true) return { ...present, relation: 'same', newer_events: isLonger ? end.events - backupEnd.events : 0 };
  if (logId === null || manifest.log_id === null) return { ...present, relation: 'unknown', newer_events: null };
  if (logId !== manifest.log_id) return { ...present, relation: 'other', newer_events: end.events };
  return { ...present, relation: 'parted', newer_events: end.events - (await commonEvents(dir, backup, Math.min(end.bytes, backupEnd.bytes), work)) };
}

/** Hash of the record that ends at byte `at` of the log, as the record or segment behind it states; undefined when none is there. */
function chainAt(dir: string, at: number, end: LogPoint): Buffer | undefined {
  if (at === end.bytes) return end.chain;
  for (const number of listSegments(dir).reverse()) {
    const segment = openSegment(dir, number, 'r');
    if ('problem' in segment) continue;
    try {
      const from = at - segment.baseOffset;
      if (from < 0) continue;
      if (from <= SEGMENT_HEADER_BYTES) return segment.header.chain;
      const head = Buffer.alloc(RECORD_HEADER_BYTES);
      return readFully(segment.fd, head, head.length, from) < head.length ? undefined : new LogRecord(head, 0, head.length, at).previousHash;
    } finally {
      closeSync(segment.fd);
    }
  }
  return undefined;
}

/** Events of `dir` before its first byte that `backup` has otherwise, within the first `bytes` bytes of both. */
async function commonEvents(dir: string, backup: string, bytes: number, work: Pick<Work, 'pause'>): Promise<number> {
  let common = 0;
  for (const number of listSegments(dir)) {
    const ours = openSegment(dir, number, 'r');
    const theirs = openSegment(backup, number, 'r');
    try {
      if ('problem' in ours || 'problem' in theirs || ours.baseOffset >= bytes) return common;
      const { header, baseOffset } = ours;
      const length = Math.min(ours.length, theirs.length, bytes - baseOffset);
      const same = await sameBytes(ours, theirs, length, work);
      if (same < SEGMENT_HEADER_BYTES) return common;
      ours.length = same;
      const { end } = await walkSegment(ours, { bytes: baseOffset + SEGMENT_HEADER_BYTES, events: header.eventsBefore, chain: header.chain }, { pause: work.pause });
      common = end.events;
      if (same < length) return common;
    } finally {
      for (const segment of [ours, theirs]) if (!('problem' in segment)) closeSync(segment.fd);
    }
  }
  return common;
}

/** Bytes from the beginning that are the same in both, up to `length`. */
async function sameBytes(ours: Segment, theirs: Segment, length: number, work: Pick<Work, 'pause'>): Promise<number> {
  const a = Buffer.allocUnsafeSlow(COMPARE_BYTES);
  const b = Buffer.allocUnsafeSlow(COMPARE_BYTES);
  for (let at = 0; at < length; at += COMPARE_BYTES) {
    const wanted = Math.min(COMPARE_BYTES, length - at);
    const held = Math.min(readFully(ours.fd, a, wanted, at), readFully(theirs.fd, b, wanted, at));
    if (held < wanted || a.compare(b, 0, held, 0, held) !== 0) {
      let same = 0;
      while (same < held && a[same] === b[same]) same++;
      return at + same;
    }
    await work.pause();
  }
  return length;
}
