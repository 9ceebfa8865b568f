import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../errors.ts';
import { HighWaterMark, MARK_FILE, NO_MARK_WHOLE } from '../log/high-water-mark.ts';
import type { Mark } from '../log/high-water-mark.ts';
import { LOG_START, walkTail } from '../log/walk.ts';
import type { Damage } from '../log/walk.ts';
import { lockHolder, logFilesBytes, readSteadyMark, requireStore } from './directory.ts';
import { MANIFEST_FILE, manifestProblem, readManifest } from './manifest.ts';
import { verifyLog } from './verify.ts';
import { onDisk, startWork } from './work.ts';
import type { Work, WorkOptions } from './work.ts';

export interface CheckFinding {
  readonly file: string;
  /** Of the file. */
  readonly byte: number;
  readonly what: string;
  readonly remedy: string;
}

export interface CheckedTail {
  /** Whole records behind the mark, which may lag by a second after a loss of power: a start keeps them. */
  readonly events: number;
  readonly bytes: number;
  /** What a start will cut. */
  readonly cut_bytes: number;
  readonly cut_because: string | null;
}

export interface CheckResult {
  readonly outcome: 'clean' | 'damaged';
  readonly dir: string;
  /** A server has the directory: checked was what it had promised when the check began. Null where that cannot be told. */
  readonly running: boolean | null;
  readonly log_id: string | null;
  /** How far the log is promised, and was checked; null without a mark to go by. */
  readonly position: number | null;
  readonly chain: string | null;
  /** Found whole. */
  readonly segments: number;
  readonly records: number;
  readonly events: number;
  readonly streams: number;
  readonly bytes: number;
  /** What lies behind the mark; null while a server runs, and after damage. */
  readonly tail: CheckedTail | null;
  readonly findings: readonly CheckFinding[];
  readonly duration_ms: number;
}

const LOG_REMEDY = 'The log is not what was synced, so no server will serve it. Keep the directory as it is; tally store restore with the newest backup and --replace moves it aside.';
const MARK_REMEDY = 'The other copy is whole, so a server starts, and writes both anew. Look at the disk.';
const MANIFEST_REMEDY = 'As a backup it cannot be restored. Did a server run on it? Then it is a store of its own: remove backup.json.';

/**
 * Verifies every byte of the log of `dir` up to its high-water mark and, while no server has it, what lies behind. Reads only.
 * Damage is in the result. Refuses with `NO_STORE`, `STORE_UNUSABLE` or `INTERRUPTED`.
 */
export function checkStore(dir: string, options: WorkOptions = {}): Promise<CheckResult> {
  return onDisk(dir, async () => {
    const startedMs = performance.now();
    requireStore(dir);
    const findings: CheckFinding[] = [];
    let isLogWhole = true;
    const onDamage = ({ path, byte, what }: Damage): void => {
      isLogWhole = false;
      findings.push({ file: path, byte, what, remedy: LOG_REMEDY });
    };
    const holder = lockHolder(dir);
    const mark = await markOf(dir, findings);
    const work = startWork(options, mark?.bytes ?? logFilesBytes(dir));
    const verified = mark === undefined ? undefined : await verifyLog({ dir, mark, work, onDamage });
    // Without a mark nothing says how far the log should reach: all of it is tail, and shown is how far it is whole.
    const tail = isLogWhole && holder?.held === false ? await tailOf(dir, mark ?? LOG_START, { onDamage, work }) : null;
    if (mark !== undefined && existsSync(join(dir, MANIFEST_FILE))) checkManifest(dir, mark, findings);
    return {
      outcome: findings.length === 0 ? 'clean' : 'damaged', dir, running: holder?.held ?? null,
      log_id: verified?.logId ?? null, position: mark?.events ?? null, chain: mark?.chain.toString('hex') ?? null,
      segments: verified?.segments ?? 0, records: verified?.records ?? 0, events: verified?.events ?? 0, streams: verified?.streams ?? 0, bytes: verified?.bytes ?? 0,
      tail, findings, duration_ms: Math.round(performance.now() - startedMs),
    };
  });
}

async function markOf(dir: string, findings: CheckFinding[]): Promise<Mark | undefined> {
  const file = join(dir, MARK_FILE);
  const add = (what: string, remedy: string): void => void findings.push({ file, byte: 0, what, remedy });
  if (!HighWaterMark.exists(dir)) {
    add('the high-water mark is missing', LOG_REMEDY);
    return undefined;
  }
  const { newest, whole } = await readSteadyMark(dir);
  if (newest === undefined) add(NO_MARK_WHOLE, LOG_REMEDY);
  else if (whole === 1) add('one of the two copies of the high-water mark is not whole', MARK_REMEDY);
  return newest;
}

/** What lies behind the mark, unless a server comes up meanwhile: then it is that server's, and changes as it is read. */
async function tailOf(dir: string, mark: Mark, { onDamage, work }: { readonly onDamage: (damage: Damage) => void; readonly work: Work }): Promise<CheckedTail | null> {
  const found: Damage[] = [];
  const { end, cut } = await walkTail(dir, mark, { onBlock: (_, { bytes }) => work.add(bytes.length), onDamage: (damage) => void found.push(damage), pause: work.pause });
  if (lockHolder(dir)?.held !== false) return null;
  found.forEach(onDamage);
  return { events: end.events - mark.events, bytes: end.bytes - mark.bytes, cut_bytes: cut?.bytes ?? 0, cut_because: cut === undefined ? null : `${cut.path} at byte ${cut.byte}: ${cut.what}` };
}

/** A backup must be what its manifest says, and nothing more. */
function checkManifest(dir: string, mark: Mark, findings: CheckFinding[]): void {
  const file = join(dir, MANIFEST_FILE);
  const add = (what: string): void => void findings.push({ file, byte: 0, what, remedy: MANIFEST_REMEDY });
  try {
    const problem = manifestProblem(readManifest(dir), dir, mark);
    if (problem !== undefined) add(problem);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'BACKUP_DAMAGED') throw error;
    add(error.message.replace(`${file}: `, ''));
  }
}
