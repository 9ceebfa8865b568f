import { beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFile } from './log-file.ts';

let path: string;
const failures: unknown[] = [];
const open = (bytesMax?: number): LogFile => new LogFile(path, (error) => failures.push(error), bytesMax);

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'standalone-log-')), 'logs', 'risk.log');
  failures.length = 0;
});

describe('the log of a child', () => {
  it('begins anew with every start and keeps the one before, for its owner only', () => {
    const first = open();
    first.write('first\n');
    first.close();
    open().write(Buffer.from('second\n'));
    expect(readFileSync(path, 'utf8')).toBe('second\n');
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('first\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('never grows beyond its bound, however much is said', () => {
    const log = open(1_000);
    for (let n = 0; n < 200; n += 1) log.write(`${'x'.repeat(99)}\n`);
    expect(statSync(path).size).toBeLessThanOrEqual(1_100);
    expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(1_100);
    expect(existsSync(`${path}.2`)).toBe(false);
  });

  it('says that it cannot write and lets the child run on', () => {
    const log = new LogFile('/dev/full', (error) => failures.push(error));
    log.write('lost\n');
    expect(String(failures[0])).toContain('ENOSPC');
  });
});
