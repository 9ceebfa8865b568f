import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError, errorText } from '../errors.ts';
import type { Mark } from '../log/high-water-mark.ts';
import { listSegments } from '../log/segments.ts';
import { logFilesBytes, writeNewFile } from './directory.ts';

export const MANIFEST_FILE = 'backup.json';
export const RESTORED_FILE = 'restored.json';

/** What a backup holds. Everything in it but the last three is found again in the log when the backup is verified. */
export interface BackupManifest {
  readonly version: 1;
  /** Null for a log from before logs had ids. */
  readonly log_id: string | null;
  /** Of the last event: how many there are. */
  readonly position: number;
  readonly events: number;
  /** Of the log, as the files of the segments one after another. */
  readonly bytes: number;
  readonly segments: number;
  /** Hash of the last record, hexadecimal. */
  readonly chain: string;
  readonly made_at_ms: number;
  readonly tool_version: string;
  /** SHA-256 of all that, as JSON in this order. */
  readonly sha256: string;
}

/** Left in a restored directory for whatever remembers the head of the log elsewhere. */
export interface RestoredMarker {
  readonly version: 1;
  readonly log_id: string | null;
  /** The last event of the backup; what was written after it is not here. */
  readonly position: number;
  readonly chain: string;
  readonly backup: string;
  readonly backup_made_at_ms: number;
  readonly restored_at_ms: number;
  readonly tool_version: string;
  /** What the directory held before, and where that is now. */
  readonly replaced: ReplacedStore | null;
}

export interface ReplacedStore {
  readonly dir: string;
  /** `same`: the same log, as far as it goes. `parted`: the same log, gone another way. `other`: another log. `unknown`: it cannot be told. */
  readonly relation: 'same' | 'parted' | 'other' | 'unknown';
  readonly log_id: string | null;
  readonly events: number | null;
  /** Its events that the backup lacks; null when that cannot be told. */
  readonly newer_events: number | null;
}

export function writeManifest(dir: string, content: Omit<BackupManifest, 'sha256'>): BackupManifest {
  const manifest = { ...content, sha256: sumOf(content) };
  writeNewFile(join(dir, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** Refuses with `NO_BACKUP` or `BACKUP_DAMAGED`. */
export function readManifest(dir: string): BackupManifest {
  const path = join(dir, MANIFEST_FILE);
  if (!existsSync(path)) {
    const remedy = dir.endsWith('.partial') ? 'A .partial was interrupted: take another backup.' : 'Name a directory that store backup has made. From a copy of a store, made while it was stopped, make one first: tally store backup TO --dir COPY.';
    throw new StoreError('NO_BACKUP', existsSync(dir) ? `${dir} is no backup: it has no ${MANIFEST_FILE}` : `there is no ${dir}`, remedy);
  }
  const manifest = parsed(path);
  if (!isManifest(manifest)) throw backupDamaged(path, 'it is not the manifest of a backup');
  const { sha256, ...content } = manifest;
  if (sumOf(content) !== sha256) throw backupDamaged(path, 'its checksum is wrong');
  return manifest;
}

/** Undefined where nothing was restored. Refuses with `STORE_UNUSABLE` what cannot be read. */
export function readRestored(dir: string): RestoredMarker | undefined {
  const path = join(dir, RESTORED_FILE);
  if (!existsSync(path)) return undefined;
  let marker: unknown;
  try {
    marker = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new StoreError('STORE_UNUSABLE', `${path} cannot be read: ${errorText(error)}`, 'The log does not depend on it: move it aside.');
  }
  return isRestored(marker) ? marker : undefined;
}

/** What of a backup's files and mark is not as its manifest says; the log itself is for `verifyLog`. */
export function manifestProblem(manifest: BackupManifest, dir: string, mark: Mark): string | undefined {
  if (mark.bytes !== manifest.bytes || mark.events !== manifest.events || manifest.position !== manifest.events || mark.chain.toString('hex') !== manifest.chain) {
    return `it says ${manifest.events} events in ${manifest.bytes} bytes, the high-water mark ${mark.events} in ${mark.bytes}`;
  }
  const segments = listSegments(dir).length;
  if (segments !== manifest.segments) return `it says ${manifest.segments} segments, there are ${segments}`;
  const bytes = logFilesBytes(dir);
  return bytes === manifest.bytes ? undefined : `it says ${manifest.bytes} bytes, the files have ${bytes}`;
}

export function backupDamaged(where: string, what: string): StoreError {
  return new StoreError('BACKUP_DAMAGED', `${where}: ${what}`, 'The backup is not what was backed up. Nothing was changed. Take another backup.');
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw backupDamaged(path, `it is not JSON: ${errorText(error)}`);
    throw error;
  }
}

function sumOf(content: Omit<BackupManifest, 'sha256'>): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function isManifest(value: unknown): value is BackupManifest {
  return hasNumbers(value, ['position', 'events', 'bytes', 'segments', 'made_at_ms']) && hasTexts(value, ['chain', 'tool_version', 'sha256']) && hasLogId(value);
}

function isRestored(value: unknown): value is RestoredMarker {
  return hasNumbers(value, ['position', 'backup_made_at_ms', 'restored_at_ms']) && hasTexts(value, ['chain', 'backup', 'tool_version']) && hasLogId(value);
}

type Fields = Readonly<Record<string, unknown>>;

function hasNumbers(value: unknown, names: readonly string[]): value is Fields {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Fields = { ...value };
  return fields['version'] === 1 && names.every((name) => Number.isSafeInteger(fields[name]));
}

function hasTexts(value: Fields, names: readonly string[]): boolean {
  return names.every((name) => typeof value[name] === 'string');
}

function hasLogId(value: Fields): boolean {
  return value['log_id'] === null || typeof value['log_id'] === 'string';
}
