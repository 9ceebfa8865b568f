import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allNumbers, copyOf, openStore, write } from '../../test/log-fixture.ts';
import type { Line } from '../../test/log-fixture.ts';
import { newDirectory } from '../../test/support.ts';
import { StoreError } from '../errors.ts';
import { HighWaterMark } from './high-water-mark.ts';

const FIRST = '00000001.log';
const directories: string[] = [];

function fresh(): string {
  const directory = newDirectory();
  directories.push(directory);
  return directory;
}

function copied(...args: Parameters<typeof copyOf>): string {
  const directory = copyOf(...args);
  directories.push(directory);
  return directory;
}

/** A log of `count` appends, each its own group, and the size of the first file after each. */
async function logOf(count: number, segmentBytesMax?: number): Promise<{ dataDir: string; sizes: number[] }> {
  const dataDir = fresh();
  const store = openStore(dataDir, segmentBytesMax === undefined ? {} : { segmentBytesMax });
  const sizes = [readFileSync(join(dataDir, FIRST)).length];
  for (let n = 0; n < count; n++) {
    expect(await write(store, `s${n % 3}`, [n])).toMatchObject({ kind: 'ok' });
    sizes.push(readFileSync(join(dataDir, FIRST)).length);
  }
  // As a kill leaves it: no sidecar of the active segment.
  const killed = copied(dataDir);
  store.close();
  return { dataDir: killed, sizes };
}

function refusal(dataDir: string): StoreError {
  try {
    openStore(dataDir).close();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('the store started');
}

function numbersOf(dataDir: string, lines: Line[] = []): number[] {
  const store = openStore(dataDir, { lines });
  const numbers = allNumbers(store);
  store.close();
  return numbers;
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

describe('opening a log', () => {
  it('gives back everything that was synced, after a kill and after a stop', async () => {
    const { dataDir } = await logOf(20);
    const expected = Array.from({ length: 20 }, (_, n) => n);
    expect(numbersOf(dataDir)).toEqual(expected);
    expect(numbersOf(dataDir)).toEqual(expected);
  });

  it('cuts a torn tail that was never synced, wherever it was torn, and says so', async () => {
    const { dataDir, sizes } = await logOf(2);
    // One more append that the mark does not know of: the machine died before its sync.
    const mark = readFileSync(join(dataDir, 'high-water-mark'));
    const store = openStore(dataDir);
    await write(store, 's0', [2]);
    const longer = copied(dataDir, { file: 'high-water-mark', bytes: () => mark });
    store.close();
    const end = readFileSync(join(longer, FIRST)).length;
    for (let size = sizes[2]! + 1; size < end; size++) {
      const lines: Line[] = [];
      const torn = copied(longer, { file: FIRST, bytes: (b) => b.subarray(0, size) });
      expect(numbersOf(torn, lines)).toEqual([0, 1]);
      expect(lines.find((line) => line.event === 'store_tail_cut')?.fields).toMatchObject({ at_byte: sizes[2], cut_bytes: size - sizes[2]! });
      expect(readFileSync(join(torn, FIRST))).toHaveLength(sizes[2]!);
      rmSync(torn, { recursive: true });
    }
    expect(numbersOf(longer)).toEqual([0, 1, 2]);
  });

  it('writes on behind a cut tail as if it had never been', async () => {
    const { dataDir } = await logOf(2);
    writeFileSync(join(dataDir, FIRST), Buffer.from('half a record'), { flag: 'a' });
    const store = openStore(dataDir);
    await write(store, 's9', [7]);
    store.close();
    expect(numbersOf(dataDir)).toEqual([0, 1, 7]);
  });

  it('refuses damage beyond the mark when a later write follows it', async () => {
    const { dataDir, sizes } = await logOf(2);
    const mark = readFileSync(join(dataDir, 'high-water-mark'));
    const store = openStore(dataDir);
    await write(store, 's0', [2]);
    await write(store, 's0', [3]);
    const stale = copied(dataDir, { file: 'high-water-mark', bytes: () => mark });
    store.close();
    const error = refusal(copied(stale, { file: FIRST, bytes: (b) => flip(b, sizes[2]! + 60) }));
    expect(error.message).toMatch(/a later write follows/);
  });

  it('refuses a missing segment, first, middle or last', async () => {
    const { dataDir } = await logOf(60, 1_000);
    const segments = readdirSync(dataDir).filter((name) => name.endsWith('.log')).sort();
    expect(segments.length).toBeGreaterThan(4);
    for (const without of [segments[0]!, segments[2]!, segments[segments.length - 1]!]) {
      expect(refusal(copied(dataDir, { without })).code).toBe('STORE_DAMAGED');
    }
  });

  it('refuses a flipped bit in a full segment, with its sidecar and without', async () => {
    const { dataDir } = await logOf(60, 1_000);
    for (const without of [undefined, '00000002.idx']) {
      for (const at of [10, 70, 500]) {
        const change = { file: '00000002.log', bytes: (b: Buffer) => flip(b, at), ...(without !== undefined && { without }) };
        expect(refusal(copied(dataDir, change)).code).toBe('STORE_DAMAGED');
      }
    }
  });

  it('rebuilds the index when a sidecar is missing or damaged', async () => {
    const { dataDir } = await logOf(60, 1_000);
    const expected = Array.from({ length: 60 }, (_, n) => n);
    const sidecars = readdirSync(dataDir).filter((name) => name.endsWith('.idx'));
    expect(sidecars.length).toBeGreaterThan(3);
    for (const name of sidecars) {
      expect(numbersOf(copied(dataDir, { without: name }))).toEqual(expected);
      for (const at of [5, 20, 64, 80]) expect(numbersOf(copied(dataDir, { file: name, bytes: (b) => flip(b, at) }))).toEqual(expected);
    }
  });

  it('refuses a log without its mark, and a mark without its log', async () => {
    const { dataDir } = await logOf(3);
    expect(refusal(copied(dataDir, { without: 'high-water-mark' })).code).toBe('STORE_DAMAGED');
    expect(refusal(copied(dataDir, { without: FIRST })).code).toBe('STORE_DAMAGED');
    expect(refusal(copied(dataDir, { file: 'high-water-mark', bytes: () => Buffer.alloc(10) })).code).toBe('STORE_DAMAGED');
  });

  it('starts over a new segment whose header was never finished', async () => {
    const { dataDir } = await logOf(3);
    writeFileSync(join(dataDir, '00000002.log'), 'TALLY');
    expect(numbersOf(dataDir)).toEqual([0, 1, 2]);
  });

  it('starts where the very first start was cut off, before there was anything to promise', () => {
    const withoutMark = fresh();
    writeFileSync(join(withoutMark, 'high-water-mark.new'), 'half of it');
    expect(numbersOf(withoutMark)).toEqual([]);
    for (const header of ['', 'TALLY']) {
      const dataDir = fresh();
      HighWaterMark.create(dataDir).close();
      writeFileSync(join(dataDir, FIRST), header);
      const lines: Line[] = [];
      expect(numbersOf(dataDir, lines)).toEqual([]);
      expect(lines.find((line) => line.event === 'store_tail_cut')?.fields).toMatchObject({ segment: 1, cut_bytes: header.length });
      expect(numbersOf(dataDir)).toEqual([]);
    }
  });

  it('refuses a second store on the directory until the first is closed', async () => {
    const dataDir = fresh();
    const store = openStore(dataDir);
    expect(refusal(dataDir)).toMatchObject({ code: 'STORE_LOCKED' });
    store.close();
    openStore(dataDir).close();
  });

  it('refuses a log that lost synced bytes, whatever is left', async () => {
    const { dataDir, sizes } = await logOf(3);
    for (let size = 0; size < sizes[3]!; size += 7) {
      const error = refusal(copied(dataDir, { file: FIRST, bytes: (b) => b.subarray(0, size) }));
      expect(error.code).toBe('STORE_DAMAGED');
      expect(error.remedy).toMatch(/restore/);
    }
  });

  it('refuses a log with any one bit flipped, and never serves it', async () => {
    const { dataDir, sizes } = await logOf(3);
    for (let at = 0; at < sizes[3]!; at++) {
      const flipped = copied(dataDir, { file: FIRST, bytes: (b) => flip(b, at) });
      expect(refusal(flipped).code).toBe('STORE_DAMAGED');
      rmSync(flipped, { recursive: true });
    }
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[at] = flipped[at]! ^ (1 << at % 8);
  return flipped;
}
