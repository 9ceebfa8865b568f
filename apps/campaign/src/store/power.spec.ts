import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomOf } from '../random.ts';
import { MARK_FILE } from './disk.ts';
import { beforeStart, losePower } from './power.ts';
import type { Call, Trace } from './trace.ts';

const LOG = '00000001.log';
const HALF = 4_096;
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tally-power-spec-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const markOf = (first: string, second: string): Buffer => {
  const mark = Buffer.alloc(HALF + 48);
  mark.write(first.repeat(48), 0);
  mark.write(second.repeat(48), HALF);
  return mark;
};

const traceOf = (calls: readonly Partial<Call>[]): Trace => ({
  ended: true,
  calls: calls.map((call, at) => ({ name: '', file: '', data: Buffer.alloc(0), length: 0, offset: 0, beganAt: at, endedAt: at, injected: false, ...call })),
});

const write = (offset: number, result: number): Partial<Call> => ({ name: 'pwrite64', file: LOG, offset, result, length: result });
const sync = (result = 0): Partial<Call> => ({ name: 'fdatasync', file: LOG, result });

/** How many bytes of the log are found to be there from its start on, over many draws: the least, the most, and how many different ones. */
const lengths = (start: number, end: number, calls: readonly Partial<Call>[]): readonly number[] => {
  const found = new Set<number>();
  for (let draw = 0; draw < 100; draw += 1) {
    writeFileSync(join(dir, LOG), Buffer.alloc(start, 1));
    writeFileSync(join(dir, MARK_FILE), markOf('a', 'b'));
    const before = beforeStart(dir);
    writeFileSync(join(dir, LOG), Buffer.alloc(end, 1));
    losePower(dir, traceOf(calls), before, { directory: 'data', random: randomOf(String(draw)) });
    const bytes = readFileSync(join(dir, LOG));
    const torn = bytes.indexOf(0);
    found.add(torn < 0 ? bytes.length : torn);
  }
  return [...found].sort((a, b) => a - b);
};

describe('a loss of power', () => {
  it('leaves all that was synced, and takes none or some of the rest', () => {
    const found = lengths(100, 300, [write(100, 100), sync(), write(200, 100)]);
    expect([found[0], found.at(-1)]).toEqual([200, 300]);
    expect(found.length).toBeGreaterThan(3);
  });

  it('takes nothing when everything was synced', () => {
    expect(lengths(100, 300, [write(100, 200), sync()])).toEqual([300]);
  });

  it('takes what was written while a sync was under way', () => {
    expect(lengths(100, 300, [write(100, 100), { ...sync(), beganAt: 1, endedAt: 9 }, { ...write(200, 100), beganAt: 2, endedAt: 3 }])[0]).toBe(200);
  });

  it('takes what was written behind the last good sync, whatever syncs come after a failed one', () => {
    expect(lengths(100, 300, [write(100, 100), sync(-1), write(200, 100), sync()])[0]).toBe(100);
  });

  it('leaves what was written anew after a failed sync, and synced', () => {
    expect(lengths(100, 300, [write(100, 100), sync(-1), write(100, 200), sync()])).toEqual([300]);
  });

  it('takes none, some or all sectors of what was written over zeros that were synced', () => {
    const found = new Set<string>();
    for (let draw = 0; draw < 60; draw += 1) {
      writeFileSync(join(dir, LOG), Buffer.alloc(4_096));
      writeFileSync(join(dir, MARK_FILE), markOf('a', 'b'));
      const before = beforeStart(dir);
      const after = Buffer.alloc(4_096);
      after.fill(1, 0, 2_000);
      writeFileSync(join(dir, LOG), after);
      losePower(dir, traceOf([write(0, 1_000), sync(), write(1_000, 1_000)]), before, { directory: 'data', random: randomOf(String(draw)) });
      const left = readFileSync(join(dir, LOG));
      expect([left.length, left.subarray(0, 1_000).every((byte) => byte === 1), left.subarray(2_000).every((byte) => byte === 0)]).toEqual([4_096, true, true]);
      found.add(left.subarray(1_000, 2_000).every((byte) => byte === 1) ? 'all' : left.subarray(1_000, 2_000).every((byte) => byte === 0) ? 'none' : 'some');
    }
    expect([...found].sort()).toEqual(['all', 'none', 'some']);
  });

  it('leaves zeros where zeros were, and does not take what was synced among them', () => {
    expect(lengths(100, 300, [write(100, 1_000), sync(), write(100, 100), sync(), write(200, 100)])[0]).toBe(200);
    expect(lengths(100, 300, [write(100, 1_000), sync(), write(100, 200), sync()])).toEqual([300]);
  });

  it('forgets what was cut off again', () => {
    expect(lengths(100, 100, [write(100, 200), { name: 'ftruncate', file: LOG, length: 100, result: 0 }])).toEqual([100]);
  });

  it('does not count a sync that never returned', () => {
    expect(lengths(100, 300, [write(100, 200), { name: 'fdatasync', file: LOG }])[0]).toBe(100);
  });

  it('may take a file whose directory was not synced', () => {
    const twoFiles = (calls: readonly Partial<Call>[]): boolean => {
      let everGone = false;
      for (let draw = 0; draw < 40; draw += 1) {
        writeFileSync(join(dir, LOG), Buffer.alloc(100));
        writeFileSync(join(dir, MARK_FILE), markOf('a', 'b'));
        const before = beforeStart(dir);
        writeFileSync(join(dir, '00000002.log'), Buffer.alloc(64));
        losePower(dir, traceOf(calls), before, { directory: 'data', random: randomOf(String(draw)) });
        everGone ||= !existsSync(join(dir, '00000002.log'));
        rmSync(join(dir, '00000002.log'), { force: true });
      }
      return everGone;
    };
    const made: readonly Partial<Call>[] = [{ name: 'pwrite64', file: '00000002.log', result: 64, length: 64 }, { name: 'fsync', file: '00000002.log', result: 0 }];
    expect(twoFiles(made)).toBe(true);
    expect(twoFiles([...made, { name: 'fsync', file: 'data', result: 0 }])).toBe(false);
  });

  it('leaves of the mark what was synced, or something newer', () => {
    const seen = new Set<string>();
    for (let draw = 0; draw < 60; draw += 1) {
      writeFileSync(join(dir, LOG), Buffer.alloc(100));
      writeFileSync(join(dir, MARK_FILE), markOf('a', 'b'));
      const before = beforeStart(dir);
      const marks = ['c', 'd', 'e'].map((text): Partial<Call> => ({ name: 'pwrite64', file: MARK_FILE, offset: 0, result: 48, length: 48, data: Buffer.from(text.repeat(48)) }));
      const [first = {}, ...later] = marks;
      losePower(dir, traceOf([first, { name: 'fdatasync', file: MARK_FILE, result: 0 }, ...later]), before, { directory: 'data', random: randomOf(String(draw)) });
      const mark = readFileSync(join(dir, MARK_FILE)).toString('latin1');
      seen.add(`${mark[0]}${mark[HALF]}`);
    }
    expect([...seen].sort()).toEqual(['cb', 'db', 'eb']);
  });
});
