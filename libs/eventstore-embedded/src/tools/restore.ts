import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { StoreError } from '../errors.ts';
import { HighWaterMark, readMark } from '../log/high-water-mark.ts';
import type { Mark } from '../log/high-water-mark.ts';
import { LOCK_FILE, lockDirectory } from '../log/lock.ts';
import { syncDirectory } from '../log/segments.ts';
import type { Damage } from '../log/walk.ts';
import { copyLog } from './copy.ts';
import { holdsStore, requireSpace, writeNewFile } from './directory.ts';
import { RESTORED_FILE, backupDamaged, manifestProblem, readManifest } from './manifest.ts';
import type { BackupManifest, ReplacedStore, RestoredMarker } from './manifest.ts';
import { comparePresent } from './present.ts';
import type { PresentStore } from './present.ts';
import { verifyLog } from './verify.ts';
import { onDisk, startWork } from './work.ts';
import type { Work, WorkOptions } from './work.ts';

export interface RestoreOptions extends WorkOptions {
  /** Move the store that is there aside. */
  readonly replace?: boolean;
  /** Also when it has events that the backup lacks. */
  readonly loseNewer?: boolean;
  /** For the marker. */
  readonly toolVersion: string;
}

export interface RestoreResult {
  readonly dir: string;
  readonly events: number;
  readonly bytes: number;
  readonly restored: RestoredMarker;
  readonly duration_ms: number;
}

/**
 * Puts the backup `from` in the place of the store directory `to`, which no server may have. The backup is verified whole before anything
 * is touched; then a verified copy beside `to` takes its place. What was there is moved to `to.replaced-<UTC>`, never deleted. The new
 * directory says in `restored.json` that it is one.
 *
 * Refuses with `NO_BACKUP`, `BACKUP_DAMAGED`, `BACKUP_OLDER` (needs `replace` and `loseNewer`), `STORE_EXISTS` (needs `replace`, or is no
 * store), `STORE_LOCKED`, `DISK_FULL`, `STORE_UNUSABLE` or `INTERRUPTED`, and has changed nothing then.
 */
export function restoreStore(from: string, to: string, options: RestoreOptions): Promise<RestoreResult> {
  // A store may lie behind a link on a larger disk: it is replaced there.
  const dir = existsSync(to) ? realpathSync(to) : resolve(to);
  const backup = resolve(from);
  return onDisk(dir, async () => {
    const startedMs = performance.now();
    const manifest = readManifest(backup);
    requireApart(backup, dir);
    const isReplaced = requireTarget(dir);
    const lock = isReplaced ? lockDirectory(dir) : undefined;
    try {
      // Read twice: once before anything is touched, once for the copy.
      const work = startWork(options, manifest.bytes * 2);
      const mark = await verifyBackup(backup, manifest, work);
      const replaced = isReplaced ? requireLeave(await comparePresent(dir, backup, manifest, work), { dir, manifest, options }) : null;
      const restored: RestoredMarker = {
        version: 1, log_id: manifest.log_id, position: manifest.position, chain: manifest.chain, backup, backup_made_at_ms: manifest.made_at_ms,
        restored_at_ms: Date.now(), tool_version: options.toolVersion, replaced,
      };
      await putInPlace({ backup, dir, mark, restored, work });
      return { dir, events: manifest.events, bytes: manifest.bytes, restored, duration_ms: Math.round(performance.now() - startedMs) };
    } finally {
      lock?.release();
    }
  });
}

async function verifyBackup(backup: string, manifest: BackupManifest, work: Work): Promise<Mark> {
  const copies = HighWaterMark.exists(backup) ? readMark(backup) : undefined;
  if (copies?.newest === undefined || copies.whole < 2) throw backupDamaged(backup, 'its high-water mark is not whole');
  const problem = manifestProblem(manifest, backup, copies.newest);
  if (problem !== undefined) throw backupDamaged(backup, problem);
  const { logId } = await verifyLog({ dir: backup, mark: copies.newest, work, onDamage: refuseDamage });
  if (logId !== manifest.log_id) throw backupDamaged(backup, `its manifest names log ${manifest.log_id ?? 'without id'}, the log is ${logId ?? 'without id'}`);
  return copies.newest;
}

function refuseDamage({ path, byte, what }: Damage): never {
  throw backupDamaged(`${path} at byte ${byte}`, what);
}

function requireApart(backup: string, dir: string): void {
  const real = realpathSync(backup);
  if (!`${real}${sep}`.startsWith(`${dir}${sep}`) && !`${dir}${sep}`.startsWith(`${real}${sep}`)) return;
  throw new StoreError('STORE_UNUSABLE', `${dir} and the backup ${backup} lie within each other`, 'Restore into another directory, or move the backup out first.');
}

/** Is there a store to be moved aside. Refuses with `STORE_EXISTS` what is none: it is never moved. */
function requireTarget(dir: string): boolean {
  if (!existsSync(dir)) return false;
  if (!statSync(dir).isDirectory()) throw new StoreError('STORE_EXISTS', `${dir} is no directory`, 'Choose another.');
  const names = readdirSync(dir);
  if (names.length === 0) return false;
  // A server that got no further leaves its lock alone.
  if (holdsStore(dir) || names.every((name) => name.startsWith(LOCK_FILE))) return true;
  throw new StoreError('STORE_EXISTS', `${dir} holds other things than an event store`, 'Choose another directory: this one is not touched.');
}

function requireLeave(present: PresentStore, { dir, manifest, options }: { readonly dir: string; readonly manifest: BackupManifest; readonly options: RestoreOptions }): ReplacedStore {
  if (present.newer_events !== 0 && options.loseNewer !== true) {
    throw new StoreError('BACKUP_OLDER', whatIsLost(present, dir, manifest), 'Nothing was changed. To go on without them add --replace --lose-newer: the directory is moved aside, not deleted.');
  }
  if (options.replace !== true) {
    throw new StoreError('STORE_EXISTS', `${dir} holds a store${present.events === null ? '' : ` of ${present.events} events`}`, 'Nothing was changed. To put the backup in its place add --replace: the directory is moved aside, not deleted.');
  }
  const stamp = new Date().toISOString().replace(/[-:.]/g, '');
  return { dir: `${dir}.replaced-${stamp}`, ...present };
}

function whatIsLost({ relation, events, newer_events: newer, log_id: logId }: PresentStore, dir: string, manifest: BackupManifest): string {
  switch (relation) {
    case 'same':
      return `${dir} holds the same log with ${newer} events more than the backup: ${events}, and the backup ${manifest.events}`;
    case 'parted':
      return `${dir} holds the same log, but it went another way than the backup: ${newer} of its ${events} events are not in the backup`;
    case 'other':
      return `${dir} holds another log, ${logId}, of ${events} events; the backup is of ${manifest.log_id}`;
    case 'unknown':
      return `it cannot be told what ${dir} holds${events === null ? '' : ` in its ${events} events`} that the backup lacks`;
  }
}

interface Placing {
  readonly backup: string;
  readonly dir: string;
  readonly mark: Mark;
  readonly restored: RestoredMarker;
  readonly work: Work;
}

async function putInPlace({ backup, dir, mark, restored, work }: Placing): Promise<void> {
  const parent = dirname(dir);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  requireSpace(parent, mark.bytes);
  const staging = `${dir}.restoring`;
  if (existsSync(staging)) throw new StoreError('STORE_EXISTS', `${staging} exists: another restore is under way, or one was killed`, 'Remove it when no restore is under way. Nothing was changed.');
  mkdirSync(staging, { mode: 0o700 });
  try {
    await copyLog({ from: backup, to: staging, mark, work, onDamage: refuseDamage });
    writeNewFile(join(staging, RESTORED_FILE), `${JSON.stringify(restored, null, 2)}\n`);
    syncDirectory(staging);
    swap(staging, dir, restored.replaced?.dir);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    throw error;
  }
  syncDirectory(parent);
}

/** The new directory in the place of the old. Where something has come into an empty place meanwhile, the system refuses. */
function swap(staging: string, dir: string, aside: string | undefined): void {
  if (aside !== undefined) renameSync(dir, aside);
  try {
    renameSync(staging, dir);
  } catch (error) {
    if (aside !== undefined) renameSync(aside, dir);
    throw error;
  }
}
