export type StoreErrorCode = 'STORE_LOCKED' | 'STORE_DAMAGED' | 'STORE_UNUSABLE' | 'STORE_EXPOSED' | StoreToolErrorCode;

/**
 * Of check, backup, restore and info alone. `NO_STORE`, `NO_BACKUP`: there is none at that path. `STORE_EXISTS`, `BACKUP_EXISTS`: there is
 * one already. `BACKUP_DAMAGED`: it is not what was backed up. `BACKUP_OLDER`: the directory has events that the backup lacks.
 * `DISK_FULL`: not enough space. `INTERRUPTED`: the caller's signal.
 */
export type StoreToolErrorCode = 'NO_STORE' | 'NO_BACKUP' | 'STORE_EXISTS' | 'BACKUP_EXISTS' | 'BACKUP_DAMAGED' | 'BACKUP_OLDER' | 'DISK_FULL' | 'INTERRUPTED';

/**
 * Why the store does not start, or cannot serve a record. `code` is stable; `remedy` says what to do.
 * `STORE_LOCKED`: another server has this data directory. `STORE_DAMAGED`: the log is not what was synced.
 * `STORE_UNUSABLE`: directory or port cannot be used.
 */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  readonly remedy: string;

  constructor(code: StoreErrorCode, message: string, remedy: string) {
    super(message);
    this.name = 'StoreError';
    this.code = code;
    this.remedy = remedy;
  }
}

export function damaged(where: string, what: string): StoreError {
  return new StoreError(
    'STORE_DAMAGED',
    `${where}: ${what}`,
    'The log is not what was synced, so it is not served. Keep the directory as it is for inspection and restore the newest backup into another one.',
  );
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's own code (`ENOSPC`), when the error carries one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
