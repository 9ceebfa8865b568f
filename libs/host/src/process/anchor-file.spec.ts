import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anchorFile } from './anchor-file.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tally-anchor-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const file = (instance = 'execution-1') => anchorFile({ dir: join(root, 'a', 'anchors'), name: 'execution', instance });
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('the file of an anchor', () => {
  it('is not there before it was written, whatever of its path is missing', async () => {
    expect(await file().read()).toBeUndefined();
    expect(existsSync(join(root, 'a'))).toBe(false);
  });

  it('holds what was written last, for its owner only, and leaves nothing else behind', async () => {
    await file().write('first');
    await file('execution-2').write('second');
    expect(await file().read()).toBe('second');
    expect(readdirSync(join(root, 'a', 'anchors'))).toEqual(['execution.json']);
    expect([modeOf(join(root, 'a', 'anchors')), modeOf(join(root, 'a', 'anchors', 'execution.json'))]).toEqual([0o700, 0o600]);
  });

  it('keeps what it had when a write is cut off', async () => {
    await file().write('first');
    writeFileSync(join(root, 'a', 'anchors', 'execution.execution-1.new'), 'sec');
    expect(await file().read()).toBe('first');
    await file().write('second');
    expect(readFileSync(join(root, 'a', 'anchors', 'execution.json'), 'utf8')).toBe('second');
  });

  it('is refused, not taken for missing, when it cannot be read or written', async () => {
    mkdirSync(join(root, 'a', 'anchors', 'execution.json'), { recursive: true });
    await expect(file().read()).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(file().write('x')).rejects.toMatchObject({ code: 'EISDIR' });
    writeFileSync(join(root, 'b'), '');
    chmodSync(join(root, 'b'), 0o600);
    await expect(anchorFile({ dir: join(root, 'b'), name: 'execution', instance: 'i' }).read()).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});
