import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fs from 'node:fs';
import { join } from 'node:path';
import { newDirectory } from '../../test/support.ts';
import { ensureDirectory } from './segments.ts';

let base: string;

beforeEach(() => {
  base = newDirectory();
});
afterEach(() => {
  jest.restoreAllMocks();
  fs.rmSync(base, { recursive: true, force: true });
});

/** Directories that were synced while `work` ran. */
function syncedBy(work: () => void): string[] {
  const opened = new Map<number, string>();
  const synced: string[] = [];
  const { openSync, fsyncSync } = fs;
  jest.spyOn(fs, 'openSync').mockImplementation(((path: string, flags: string) => {
    const fd = openSync(path, flags);
    opened.set(fd, path);
    return fd;
  }) as typeof fs.openSync);
  jest.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    synced.push(opened.get(fd) ?? '');
    fsyncSync(fd);
  });
  work();
  jest.restoreAllMocks();
  return synced;
}

describe('the data directory', () => {
  it('is durable before anything in it is, with every directory above it that was missing too', () => {
    expect(syncedBy(() => ensureDirectory(join(base, 'a', 'b', 'c'))).sort()).toEqual([base, join(base, 'a'), join(base, 'a', 'b')]);
    expect(fs.existsSync(join(base, 'a', 'b', 'c'))).toBe(true);
  });

  it('that is there already costs nothing', () => {
    expect(syncedBy(() => ensureDirectory(base))).toEqual([]);
  });
});
