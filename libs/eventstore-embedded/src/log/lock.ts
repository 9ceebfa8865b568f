import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { StoreError, errorText } from '../errors.ts';

export const LOCK_FILE = 'lock';

export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the data directory for this process. The lock is the operating system's (SQLite's exclusive file lock), so it
 * ends with the process however that ends, and it holds between containers that share the volume.
 * Refuses with `STORE_LOCKED`.
 */
export function lockDirectory(dataDir: string): DirectoryLock {
  const path = join(dataDir, LOCK_FILE);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (error) {
    db?.close();
    if (!/locked|busy/i.test(errorText(error))) {
      throw new StoreError('STORE_UNUSABLE', `cannot lock ${path}: ${errorText(error)}`, 'Make the data directory writable for this user.');
    }
    throw new StoreError('STORE_LOCKED', `another event store is running on ${dataDir}`, 'Stop it first, or give this one another data directory.');
  }
  const held = db;
  return {
    release: () => {
      held.exec('ROLLBACK');
      held.close();
    },
  };
}
