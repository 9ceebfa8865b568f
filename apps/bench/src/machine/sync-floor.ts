import { closeSync, fdatasync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { percentile } from './numbers.ts';

const syncFile = promisify(fdatasync);

export interface SyncFloor {
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly per_s: number;
}

/** What a disk allows at best: a growing file, one write of so many bytes and one sync at a time, as any process must do it. */
export const measureSyncs = async (dir: string, bytes: number, forMs: number): Promise<SyncFloor> => {
  const path = join(dir, 'sync-floor');
  const file = openSync(path, 'w');
  const block = Buffer.alloc(bytes, 'x');
  const times: number[] = [];
  const startedMs = performance.now();
  try {
    while (performance.now() - startedMs < forMs) {
      const before = performance.now();
      writeSync(file, block);
      await syncFile(file);
      times.push(performance.now() - before);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  return { p50_ms: percentile(times, 0.5), p99_ms: percentile(times, 0.99), per_s: (times.length * 1_000) / (performance.now() - startedMs) };
};
