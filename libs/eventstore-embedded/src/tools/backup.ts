import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { StoreError, damaged } from '../errors.ts';
import { syncDirectory } from '../log/segments.ts';
import { copyLog } from './copy.ts';
import { lockHolder, logFilesBytes, requireMark, requireSpace, requireStore } from './directory.ts';
import { writeManifest } from './manifest.ts';
import type { BackupManifest } from './manifest.ts';
import { onDisk, startWork } from './work.ts';
import type { WorkOptions } from './work.ts';

export interface BackupOptions extends WorkOptions {
  /** For the manifest. */
  readonly toolVersion: string;
}

export interface BackupResult {
  readonly dir: string;
  readonly backup: string;
  readonly manifest: BackupManifest;
  /** Written but not known to be synced when the last server ended, so not in the backup; null beside a server. */
  readonly behind_mark_bytes: number | null;
  readonly duration_ms: number;
}

/**
 * Copies what the store of `dir` has promised at this moment into the new directory `to`, verified, with a mark and a manifest. A
 * server may run meanwhile. `to` appears when it is complete and synced; until then it is `to.partial`, which is removed when the work
 * fails and is left by a kill.
 *
 * Refuses with `NO_STORE`, `BACKUP_EXISTS`, `DISK_FULL`, `STORE_DAMAGED`, `STORE_UNUSABLE` or `INTERRUPTED`.
 */
export function backupStore(dir: string, to: string, options: BackupOptions): Promise<BackupResult> {
  const target = resolve(to);
  return onDisk(target, async () => {
    const startedMs = performance.now();
    requireStore(dir);
    const mark = await requireMark(dir);
    if (mark.events === 0) throw new StoreError('NO_STORE', `nothing is in the store of ${dir} yet`, 'Start it once, and back it up then.');
    requireNewTarget(target, dir);
    requireSpace(dirname(target), mark.bytes);
    const partial = `${target}.partial`;
    mkdirSync(partial, { mode: 0o700 });
    try {
      const verified = await copyLog({
        from: dir, to: partial, mark, work: startWork(options, mark.bytes),
        onDamage: ({ path, byte, what }) => {
          throw damaged(`${path} at byte ${byte}`, what);
        },
      });
      const manifest = writeManifest(partial, {
        version: 1, log_id: verified.logId, position: mark.events, events: mark.events, bytes: mark.bytes, segments: verified.segments, chain: mark.chain.toString('hex'),
        made_at_ms: Date.now(), tool_version: options.toolVersion,
      });
      syncDirectory(partial);
      renameSync(partial, target);
      syncDirectory(dirname(target));
      const behind = lockHolder(dir)?.held === false ? logFilesBytes(dir) - mark.bytes : null;
      return { dir, backup: target, manifest, behind_mark_bytes: behind, duration_ms: Math.round(performance.now() - startedMs) };
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      throw error;
    }
  });
}

function requireNewTarget(target: string, dir: string): void {
  if (existsSync(target)) throw new StoreError('BACKUP_EXISTS', `${target} exists already`, 'Backups are never overwritten: choose a new name, such as one with the date.');
  if (existsSync(`${target}.partial`)) {
    throw new StoreError('BACKUP_EXISTS', `${target}.partial exists: another backup is being made there, or one was interrupted`, 'Choose a new name; remove the .partial when no backup is being made.');
  }
  const parent = dirname(target);
  // Not made here: a backup disk that is not mounted should be noticed.
  if (!existsSync(parent) || !statSync(parent).isDirectory()) throw new StoreError('STORE_UNUSABLE', `there is no directory ${parent}`, 'Make it, or mount the disk that it should be on.');
  if (`${target}${sep}`.startsWith(`${resolve(dir)}${sep}`)) throw new StoreError('STORE_UNUSABLE', `${target} lies in the store itself`, 'Choose a place outside of it, best on another disk.');
}
