import { afterEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore, write } from '../../test/log-fixture.ts';
import { Directories, MARK, MARK_BYTES, MARK_COPIES, fillStore, flipBit, logBytes, logFiles } from '../../test/store-files.ts';
import { SEGMENT_HEADER_BYTES, putRecord, recordBytes } from '../log/format.ts';
import type { NewRecord } from '../log/format.ts';
import { HighWaterMark } from '../log/high-water-mark.ts';
import { createSegment } from '../log/segments.ts';
import { checkStore } from './check.ts';
import type { CheckResult } from './check.ts';

const directories = new Directories();
afterEach(() => directories.remove());

async function filled(events: number, segmentBytesMax?: number): Promise<string> {
  const dir = directories.fresh();
  await fillStore(dir, 0, events, segmentBytesMax);
  return dir;
}

/** The result, after holding that a check changes nothing. */
async function checked(dir: string): Promise<CheckResult> {
  const before = logBytes(dir);
  const result = await checkStore(dir);
  expect(logBytes(dir).equals(before)).toBe(true);
  expect(result.outcome).toBe(result.findings.length === 0 ? 'clean' : 'damaged');
  return result;
}

/** A log of records as given, true in everything but what the test wants wrong. */
function madeLog(dir: string, records: readonly Pick<NewRecord, 'name' | 'firstRevision' | 'flags'>[]): void {
  const segment = createSegment(dir, { number: 1, baseOffset: 0, eventsBefore: 0, chain: Buffer.alloc(16) });
  const event = { id: Buffer.alloc(16), type: Buffer.from('Happened'), json: true, data: Buffer.from('{}'), metadata: Buffer.alloc(0) };
  let previous: Buffer = Buffer.alloc(16);
  const written = records.map((record, n) => {
    const buf = Buffer.alloc(recordBytes(record.name.length, [event]));
    putRecord({ buf, group: 0, previous }, 0, { ...record, firstEvent: n, createdMs: 1, events: [event] });
    previous = buf.subarray(buf.length - 16);
    return buf;
  });
  appendFileSync(segment.path, Buffer.concat(written));
  const bytes = SEGMENT_HEADER_BYTES + Buffer.concat(written).length;
  HighWaterMark.createAt(dir, { bytes, events: records.length, chain: Buffer.from(previous) }).close();
}

describe('checking a store', () => {
  it('counts what is whole, and says that nothing is wrong', async () => {
    const dir = await filled(60);
    const segments = logFiles(dir).length;
    expect(segments).toBeGreaterThan(4);
    expect(await checked(dir)).toMatchObject({
      outcome: 'clean', running: false, events: 60, records: 60, streams: 3, position: 60, segments, bytes: logBytes(dir).length, findings: [],
      tail: { events: 0, bytes: 0, cut_bytes: 0, cut_because: null },
    });
  });

  it('finds any one bit flipped, with the file and at or before the byte', async () => {
    const dir = await filled(5, 400);
    expect(logFiles(dir).length).toBe(2);
    for (const file of logFiles(dir)) {
      const size = readFileSync(join(dir, file)).length;
      for (let at = 0; at < size; at++) {
        flipBit(join(dir, file), at);
        const { findings: [finding] } = await checkStore(dir);
        expect(finding).toMatchObject({ file: join(dir, file), remedy: expect.stringContaining('restore') });
        expect(finding!.byte).toBeLessThanOrEqual(at);
        flipBit(join(dir, file), at);
      }
    }
    expect((await checked(dir)).outcome).toBe('clean');
  });

  it('finds any one bit flipped in either copy of the mark', async () => {
    const dir = await filled(5);
    for (const copy of MARK_COPIES) {
      for (let at = copy; at < copy + MARK_BYTES; at++) {
        flipBit(join(dir, MARK), at);
        expect((await checkStore(dir)).findings[0]).toMatchObject({ file: join(dir, MARK), what: expect.stringMatching(/one of the two copies/) });
        flipBit(join(dir, MARK), at);
      }
    }
  });

  it('finds a file cut at any length', async () => {
    const dir = await filled(5, 400);
    for (const file of logFiles(dir)) {
      const whole = readFileSync(join(dir, file));
      for (let size = 0; size < whole.length; size += 5) {
        truncateSync(join(dir, file), size);
        expect((await checkStore(dir)).findings[0]).toMatchObject({ file: join(dir, file), byte: expect.any(Number) });
        writeFileSync(join(dir, file), whole);
      }
    }
  });

  it('names a missing file, first, middle or last', async () => {
    const dir = await filled(60);
    const files = logFiles(dir);
    for (const without of [files[0]!, files[2]!]) {
      expect((await checked(directories.copy(dir, { without }))).findings).toEqual([expect.objectContaining({ file: expect.stringMatching(`${without}$`), what: 'the file is missing' })]);
    }
    const last = await checked(directories.copy(dir, { without: files.at(-1)! }));
    expect(last.findings).toEqual([expect.objectContaining({ file: expect.stringMatching(`${files.at(-2)}$`), what: expect.stringMatching(/the log ends here, but \d+ more bytes/) })]);
  });

  it('goes on behind damage: each damaged segment is named, and nothing else', async () => {
    const dir = await filled(60);
    const files = logFiles(dir);
    for (const n of [1, 3]) flipBit(join(dir, files[n]!), 300);
    const { findings, events, bytes } = await checked(dir);
    expect(events).toBeLessThan(60);
    expect(events).toBeGreaterThan(30);
    expect(bytes).toBeLessThan(logBytes(dir).length);
    expect(findings.map(({ file, what }) => [file, what])).toEqual([1, 3].map((n) => [join(dir, files[n]!), 'the checksum of the record is wrong']));
  });

  it('refuses a mark that is of another log', async () => {
    const [dir, other] = [await filled(5), directories.fresh()];
    const store = openStore(other);
    for (let n = 0; n < 5; n++) await write(store, `t${n % 3}`, [n]);
    store.close();
    copyFileSync(join(other, MARK), join(dir, MARK));
    expect((await checked(dir)).outcome).toBe('damaged');
    rmSync(join(dir, MARK));
    expect((await checked(dir)).findings).toEqual([expect.objectContaining({ file: join(dir, MARK), what: 'the high-water mark is missing' })]);
  });

  it('holds every stream to revisions without a gap, and to its tombstone', async () => {
    const [a, b] = [Buffer.from('a'), Buffer.from('b')];
    const cases: [readonly (readonly [Buffer, number, number?])[], string | undefined][] = [
      [[[a, 0], [b, 0], [a, 1], [b, 0xffffffff]], undefined],
      [[[a, 0], [b, 0], [a, 2]], 'stream a goes on at revision 2, not at 1'],
      [[[a, 0], [a, 0]], 'stream a goes on at revision 0, not at 1'],
      [[[a, 1]], 'stream a goes on at revision 1, not at 0'],
      [[[a, 0], [a, 0xffffffff], [a, 1]], 'stream a goes on after its tombstone'],
      [[[a, 0], [b, 0, 1]], 'an append of two records has only one'],
    ];
    for (const [records, what] of cases) {
      const dir = directories.fresh();
      madeLog(dir, records.map(([name, firstRevision, flags = 0]) => ({ name, firstRevision, flags })));
      expect((await checked(dir)).findings.map((finding) => finding.what)).toEqual(what === undefined ? [] : [what]);
    }
  });

  it('beside a server checks up to the mark, and never what is being written', async () => {
    const dir = directories.fresh();
    const store = openStore(dir);
    await write(store, 's', [0]);
    // A write under way, as it looks from outside.
    appendFileSync(join(dir, '00000001.log'), 'half a record');
    expect(await checked(dir)).toMatchObject({ outcome: 'clean', running: true, events: 1, tail: null });
    store.close();
  });

  describe('behind the mark', () => {
    async function behind(): Promise<{ dir: string; end: number }> {
      const dir = directories.fresh();
      const store = openStore(dir);
      await write(store, 's', [0]);
      const mark = readFileSync(join(dir, MARK));
      const end = readFileSync(join(dir, '00000001.log')).length;
      await write(store, 's', [1]);
      await write(store, 's', [2]);
      store.close();
      return { dir: directories.copy(dir, { file: MARK, bytes: () => mark }), end };
    }

    it('shows what a start would keep, and what it would cut', async () => {
      const { dir } = await behind();
      expect(await checked(dir)).toMatchObject({ outcome: 'clean', events: 1, position: 1, tail: { events: 2, cut_bytes: 0 } });
      appendFileSync(join(dir, '00000001.log'), 'half a record');
      expect(await checked(dir)).toMatchObject({ outcome: 'clean', tail: { events: 2, cut_bytes: 13, cut_because: expect.stringContaining('00000001.log') } });
      writeFileSync(join(dir, '00000002.log'), 'TALLY');
      expect((await checked(dir)).outcome).toBe('damaged');
    });

    it('finds what a start would refuse: a bad record that a later write follows', async () => {
      const { dir, end } = await behind();
      flipBit(join(dir, '00000001.log'), end + 60);
      expect((await checked(dir)).findings).toEqual([expect.objectContaining({ byte: end, what: expect.stringMatching(/a later write follows/) })]);
    });
  });

  it('refuses what is no store, and says so', async () => {
    await expect(checkStore(directories.free())).rejects.toMatchObject({ code: 'NO_STORE' });
    await expect(checkStore(directories.fresh())).rejects.toMatchObject({ code: 'NO_STORE', remedy: expect.any(String) });
  });

  it('tells how far it is, and ends when asked to', async () => {
    const dir = await filled(60);
    const seen: number[] = [];
    await checkStore(dir, { onProgress: ({ bytes, bytesTotal }) => void seen.push(bytes / bytesTotal) });
    expect(seen.at(-1)).toBe(1);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
    const stop = new AbortController();
    await expect(checkStore(dir, { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
