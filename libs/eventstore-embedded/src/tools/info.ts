import { closeSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FORMAT_VERSION, SEGMENT_HEADER_BYTES } from '../log/format.ts';
import type { Mark } from '../log/high-water-mark.ts';
import { listSegments, openSegment } from '../log/segments.ts';
import { walkSegment } from '../log/walk.ts';
import { lockHolder, requireMark, requireStore } from './directory.ts';
import { readFirstRecord } from './identity.ts';
import { MANIFEST_FILE, readManifest, readRestored } from './manifest.ts';
import type { BackupManifest, RestoredMarker } from './manifest.ts';
import { RevisionCheck } from './revisions.ts';
import { onDisk, startWork } from './work.ts';
import type { Work, WorkOptions } from './work.ts';

export interface StoreInfo {
  readonly dir: string;
  /** Null for a log from before logs had ids, or when its first record is damaged. */
  readonly log_id: string | null;
  readonly format_version: number;
  readonly segments: number;
  readonly events: number;
  /** Null in a log of several segments: counting them there is reading all of it, which store check does. */
  readonly streams: number | null;
  /** Of the log as far as it is promised. */
  readonly bytes: number;
  /** All files of the directory. */
  readonly disk_bytes: number;
  readonly first_event_at_ms: number | null;
  readonly last_event_at_ms: number | null;
  /** Of the last event. */
  readonly position: number;
  /** Hash of the last record, hexadecimal. */
  readonly chain: string;
  readonly high_water_mark: { readonly bytes: number; readonly events: number; readonly chain: string };
  /** Does a server hold the lock; null where the system does not tell. */
  readonly running: boolean | null;
  readonly pid: number | null;
  /** Damage met on the way. Nothing met does not mean that there is none. */
  readonly problem: string | null;
  /** In a backup. */
  readonly backup: BackupManifest | null;
  /** In a restored directory. */
  readonly restored: RestoredMarker | null;
}

/**
 * What a store is, from its marks, its first record and its last segment. Takes no lock and writes nothing, beside a running server too.
 * Refuses with `NO_STORE`, `STORE_UNUSABLE`, `INTERRUPTED`, or `STORE_DAMAGED` when there is no mark to go by.
 */
export function storeInfo(dir: string, options: WorkOptions = {}): Promise<StoreInfo> {
  return onDisk(dir, async () => {
    requireStore(dir);
    const holder = lockHolder(dir);
    const mark = await requireMark(dir);
    const numbers = listSegments(dir);
    const first = readFirstRecord(dir, numbers);
    const end = await readEnd(dir, numbers, mark, startWork(options, mark.bytes));
    const chain = mark.chain.toString('hex');
    return {
      dir, log_id: first?.identity?.logId ?? null, format_version: FORMAT_VERSION, segments: end.segments, events: mark.events, streams: end.streams, bytes: mark.bytes,
      disk_bytes: diskBytes(dir), first_event_at_ms: first?.createdMs ?? null, last_event_at_ms: end.lastMs, position: mark.events, chain,
      high_water_mark: { bytes: mark.bytes, events: mark.events, chain },
      running: holder?.held ?? null, pid: holder?.pid ?? null, problem: first === undefined && mark.events > 0 ? 'the first record is not whole' : end.problem,
      backup: existsSync(join(dir, MANIFEST_FILE)) ? readManifest(dir) : null, restored: readRestored(dir) ?? null,
    };
  });
}

interface LogEnd {
  readonly segments: number;
  readonly streams: number | null;
  readonly lastMs: number | null;
  readonly problem: string | null;
}

/** From the last segment that has records below the mark: the one before when a new one was only begun. */
async function readEnd(dir: string, numbers: readonly number[], mark: Mark, work: Work): Promise<LogEnd> {
  const seen: { lastMs: number | null; problem: string | null } = { lastMs: null, problem: null };
  const revisions = new RevisionCheck();
  let segments = 0;
  let read = 0;
  for (const number of [...numbers].reverse()) {
    const segment = openSegment(dir, number, 'r');
    if ('problem' in segment) {
      // Beyond the mark it may be one that is just being made.
      if (segments > 0 || number === 1) seen.problem = `${segment.path}: ${segment.problem}`;
      continue;
    }
    try {
      const { baseOffset, header, path } = segment;
      if (baseOffset >= mark.bytes) continue;
      segments += 1;
      if (seen.lastMs !== null || seen.problem !== null) continue;
      segment.length = Math.min(segment.length, mark.bytes - baseOffset);
      read += 1;
      const from = { bytes: baseOffset + SEGMENT_HEADER_BYTES, events: header.eventsBefore, chain: header.chain };
      const { end, problem } = await walkSegment(segment, from, {
        onRecord: (record) => {
          seen.lastMs = record.createdMs;
          revisions.problem(record);
        },
        pause: work.pause,
      });
      if (problem !== undefined) seen.problem = `${path} at byte ${end.bytes - baseOffset}: ${problem}`;
      else if (segments === 1 && end.bytes < mark.bytes) seen.problem = `${path} ends at byte ${end.bytes - baseOffset}, before the mark`;
    } finally {
      closeSync(segment.fd);
    }
  }
  return { segments, streams: segments === read && seen.problem === null ? revisions.streams : null, ...seen };
}

function diskBytes(dir: string): number {
  let bytes = 0;
  for (const name of readdirSync(dir)) {
    const stat = statSync(join(dir, name), { throwIfNoEntry: false });
    bytes += stat?.size ?? 0;
  }
  return bytes;
}
