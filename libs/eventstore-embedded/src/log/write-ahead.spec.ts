import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fs, { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allNumbers, openStore, write } from '../../test/log-fixture.ts';
import type { Line } from '../../test/log-fixture.ts';
import { Directories, MARK, logBytes, logFiles } from '../../test/store-files.ts';
import { StoreError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { checkStore } from '../tools/check.ts';

const FIRST = '00000001.log';
const AHEAD = 4_096;
const directories = new Directories();

afterEach(() => {
  jest.restoreAllMocks();
  directories.remove();
});

interface Killed {
  /** As a kill leaves it. */
  readonly dir: string;
  /** Where the log ended after each append. */
  readonly ends: readonly number[];
  /** The high-water mark after each append. */
  readonly marks: readonly Buffer[];
}

/** A log of appends of one event each with zeros behind it. */
async function killedAfter(appends: number, next: (store: Store, n: number) => Promise<unknown> = (store, n) => write(store, `s${n % 3}`, [n])): Promise<Killed> {
  const dir = directories.fresh();
  const store = openStore(dir, { aheadBytes: AHEAD });
  const ends = [store.bytes];
  const marks = [readFileSync(join(dir, MARK))];
  for (let n = 0; n < appends; n++) {
    expect(await next(store, n)).toMatchObject({ kind: 'ok' });
    ends.push(store.bytes);
    marks.push(readFileSync(join(dir, MARK)));
  }
  const killed = directories.copy(dir);
  store.close();
  return { dir: killed, ends, marks };
}

/** The same directory with other bytes of the log and, after a loss of power, an earlier mark. */
function changed({ dir }: Killed, bytes: (content: Buffer) => Buffer, mark?: Buffer): string {
  const copy = directories.copy(dir, { file: FIRST, bytes: (content) => bytes(Buffer.from(content)) });
  if (mark !== undefined) writeFileSync(join(copy, MARK), mark);
  return copy;
}

interface Opened {
  readonly numbers: readonly number[];
  readonly cuts: readonly Line[];
}

function opened(dir: string): Opened {
  const lines: Line[] = [];
  const store = openStore(dir, { lines });
  const numbers = allNumbers(store);
  store.close();
  return { numbers, cuts: lines.filter(({ event }) => event === 'store_tail_cut') };
}

function refusal(dir: string): StoreError {
  try {
    openStore(dir).close();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('the store started');
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('zeros written ahead of the log', () => {
  it('are no tail: a start after a kill serves everything, cuts nothing and writes on over them', async () => {
    const killed = await killedAfter(5);
    const bytes = readFileSync(join(killed.dir, FIRST));
    expect(bytes.length).toBeGreaterThan(killed.ends[5]!);
    expect(bytes.subarray(killed.ends[5]).every((byte) => byte === 0)).toBe(true);
    expect(await checkStore(killed.dir)).toMatchObject({ outcome: 'clean', tail: { events: 0, cut_bytes: 0, cut_because: null } });
    const lines: Line[] = [];
    const store = openStore(killed.dir, { lines, aheadBytes: AHEAD });
    expect(lines).toEqual([]);
    expect(readFileSync(join(killed.dir, FIRST))).toHaveLength(bytes.length);
    await write(store, 's', [5]);
    expect(readFileSync(join(killed.dir, FIRST))).toHaveLength(bytes.length);
    store.close();
    expect(opened(killed.dir)).toEqual({ numbers: upTo(6), cuts: [] });
  });

  it('are taken off by a clean stop, and from every file but the last', async () => {
    const dir = directories.fresh();
    const store = openStore(dir, { aheadBytes: AHEAD, segmentBytesMax: 1_000 });
    for (let n = 0; n < 30; n++) await write(store, `s${n % 3}`, [n]);
    const { bytes } = store;
    const killed = directories.copy(dir);
    store.close();
    expect(logFiles(dir).length).toBeGreaterThan(3);
    expect(logBytes(dir)).toHaveLength(bytes);
    expect(opened(killed)).toEqual({ numbers: upTo(30), cuts: [] });
  });

  it('do not hide that synced bytes are gone', async () => {
    const killed = await killedAfter(3);
    for (let from = killed.ends[1]!; from < killed.ends[3]!; from += 3) {
      expect(refusal(changed(killed, (bytes) => bytes.fill(0, from))).code).toBe('STORE_DAMAGED');
    }
  });

  it('may be damaged or missing: no event lies there', async () => {
    const killed = await killedAfter(2);
    const end = killed.ends[2]!;
    const { length } = readFileSync(join(killed.dir, FIRST));
    for (let at = end; at < length; at += 61) {
      const flipped = opened(changed(killed, (bytes) => bytes.fill(1, at, at + 1)));
      expect(flipped.numbers).toEqual([0, 1]);
      expect(flipped.cuts).toEqual([expect.objectContaining({ fields: expect.objectContaining({ at_byte: end }) })]);
      expect(opened(changed(killed, (bytes) => bytes.subarray(0, at)))).toEqual({ numbers: [0, 1], cuts: [] });
    }
  });

  it('hold what was torn: however much of an append that was never synced is there, it is cut', async () => {
    const killed = await killedAfter(3);
    const [, , before, end] = killed.ends as [number, number, number, number];
    const mark = killed.marks[2];
    for (let at = before + 1; at < end; at += 4) {
      const onlyItsBeginning = changed(killed, (bytes) => bytes.fill(0, at, end), mark);
      const onlyItsEnd = changed(killed, (bytes) => bytes.fill(0, before, at), mark);
      for (const torn of [onlyItsBeginning, onlyItsEnd]) {
        const { numbers, cuts } = opened(torn);
        expect([numbers, cuts.length]).toEqual([[0, 1], 1]);
        expect(readFileSync(join(torn, FIRST))).toHaveLength(before);
      }
    }
    expect(opened(changed(killed, (bytes) => bytes.fill(0, before, end), mark))).toEqual({ numbers: [0, 1], cuts: [] });
    expect(opened(changed(killed, (bytes) => bytes, mark))).toEqual({ numbers: [0, 1, 2], cuts: [] });
  });

  it('behind half of an append of two records do not make it whole', async () => {
    const killed = await killedAfter(3, (store, n) => (n === 1 ? softDelete(store, 's0') : write(store, 's0', [n])));
    const [, , before, end] = killed.ends as [number, number, number, number];
    const bytes = readFileSync(join(killed.dir, FIRST));
    const first = bytes.readUInt32LE(before);
    expect(before + first).toBeLessThan(end);
    const torn = changed(killed, (content) => content.fill(0, before + first, end), killed.marks[2]);
    expect(await checkStore(torn)).toMatchObject({ outcome: 'clean', tail: { events: 0, cut_because: expect.stringContaining(`at byte ${before}:`) } });
    const store = openStore(torn);
    expect(store.index.visible).toBe(2);
    store.close();
  });

  it('do not excuse damage that a later write follows, nor zeros before another file', async () => {
    const killed = await killedAfter(4);
    const stale = changed(killed, (bytes) => bytes.fill(0, killed.ends[2], killed.ends[3]), killed.marks[2]);
    expect(refusal(stale).message).toMatch(/a later write follows/);
    const dir = directories.fresh();
    const store = openStore(dir, { segmentBytesMax: 1_000 });
    for (let n = 0; n < 20; n++) await write(store, `s${n % 3}`, [n]);
    store.close();
    truncateSync(join(dir, FIRST), readFileSync(join(dir, FIRST)).length + 100);
    expect(refusal(dir).code).toBe('STORE_DAMAGED');
  });

  it('are done without when the disk has no room for them', async () => {
    const dir = directories.fresh();
    const store = openStore(dir, { aheadBytes: AHEAD });
    const real = fs.writeSync;
    jest.spyOn(fs, 'writeSync').mockImplementation(((...args: Parameters<typeof real>) => {
      if (Number(args[3]) === AHEAD) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      return real(...args);
    }) as typeof fs.writeSync);
    for (const n of [0, 1, 2]) expect(await write(store, 's', [n])).toMatchObject({ kind: 'ok' });
    expect(logBytes(dir)).toHaveLength(store.bytes);
    store.close();
    expect(opened(dir)).toEqual({ numbers: [0, 1, 2], cuts: [] });
  });
});

function softDelete(store: Store, name: string): Promise<unknown> {
  return new Promise((done) => {
    store.submit({ kind: 'soft_delete', name: Buffer.from(name), expected: { kind: 'any' }, events: [], bytes: 10, queuedAtMs: 0, done });
  });
}
