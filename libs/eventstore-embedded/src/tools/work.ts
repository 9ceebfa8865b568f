import { setImmediate } from 'node:timers/promises';
import { StoreError, errorText, systemCode } from '../errors.ts';

/** How far a long work is. */
export interface StoreProgress {
  readonly bytes: number;
  readonly bytesTotal: number;
}

export interface WorkOptions {
  /** Ends the work with `INTERRUPTED`; what it began is taken back. */
  readonly signal?: AbortSignal;
  /** After every block of some megabytes. */
  readonly onProgress?: (progress: StoreProgress) => void;
}

/** Counts bytes and lets others run; gives `INTERRUPTED` when asked to end. */
export interface Work {
  add(bytes: number): void;
  pause(): Promise<void>;
}

export function startWork(options: WorkOptions, bytesTotal: number): Work {
  let bytes = 0;
  return {
    add: (more) => void (bytes += more),
    pause: async () => {
      options.onProgress?.({ bytes, bytesTotal });
      await setImmediate();
      if (options.signal?.aborted === true) throw new StoreError('INTERRUPTED', 'interrupted', 'Run it again: nothing was changed.');
    },
  };
}

/** Runs `work` on files below `path`; what the operating system refuses comes back as `STORE_UNUSABLE` or `DISK_FULL`. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof StoreError || code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw diskFull(path, errorText(error));
    throw new StoreError('STORE_UNUSABLE', `${path} cannot be used: ${errorText(error)}`, code === 'EIO' ? 'The disk cannot read or write it: look at the disk, and restore the newest backup on another.' : 'Check the path, and that it is yours to read and write.');
  }
}

export function diskFull(path: string, detail: string): StoreError {
  return new StoreError('DISK_FULL', `there is not enough space for ${path}: ${detail}`, 'Make room, or take another disk. What was begun was removed.');
}
