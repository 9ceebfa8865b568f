import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fs from 'node:fs';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { allNumbers, openStore, write } from '../../test/log-fixture.ts';
import { newDirectory } from '../../test/support.ts';
import { Store } from './store.ts';

/** The high-water mark writes this much at a time; every record is larger. */
const MARK_BYTES = 48;

let dataDir: string;
beforeEach(() => {
  dataDir = newDirectory();
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Makes writes of records fail as on a full disk, after `half` of each was written. */
function fillDisk(half: boolean): { empty(): void } {
  const real = fs.writeSync;
  const spy = jest.spyOn(fs, 'writeSync').mockImplementation(((fd: number, buf: Buffer, from: number, length: number, at: number) => {
    if (length <= MARK_BYTES) return real(fd, buf, from, length, at);
    if (half && from === 0) return real(fd, buf, 0, Math.floor(length / 2), at);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  }) as typeof fs.writeSync);
  return { empty: () => spy.mockRestore() };
}

describe('a full disk', () => {
  it.each([false, true])('refuses appends as unavailable, serves reads, and goes on when space returns (half written: %s)', async (half) => {
    const store = openStore(dataDir);
    await write(store, 'a', [1]);
    const disk = fillDisk(half);
    const refused = await Promise.all([write(store, 'a', [2]), write(store, 'b', [3])]);
    expect(refused).toEqual([
      { kind: 'unavailable', detail: expect.stringContaining('ENOSPC') },
      { kind: 'unavailable', detail: expect.stringContaining('ENOSPC') },
    ]);
    expect(allNumbers(store)).toEqual([1]);
    disk.empty();
    expect(await write(store, 'a', [2], { kind: 'exact', revision: 0 })).toMatchObject({ kind: 'ok', revision: 1 });
    expect(await write(store, 'b', [3], { kind: 'no_stream' })).toMatchObject({ kind: 'ok', revision: 0 });
    expect(allNumbers(store)).toEqual([1, 2, 3]);
    store.close();
    const again = openStore(dataDir);
    expect(allNumbers(again)).toEqual([1, 2, 3]);
    again.close();
  });
});

describe('a failed sync', () => {
  it('acknowledges nothing from then on, shows nothing of what was being synced, and reports it', async () => {
    const failures: Error[] = [];
    const store = new Store({ dataDir, log: { write: () => undefined }, onFatal: (error) => void failures.push(error) });
    await write(store, 'a', [1]);
    jest.spyOn(fs, 'fdatasync').mockImplementation((_fd, done) => void setImmediate(done, new Error('EIO')));
    const answers: unknown[] = [];
    void write(store, 'a', [2]).then((answer) => answers.push(answer));
    while (failures.length === 0) await new Promise((resolve) => setImmediate(resolve));
    jest.restoreAllMocks();
    void write(store, 'a', [3]).then((answer) => answers.push(answer));
    await store.drain();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual([]);
    expect(failures).toHaveLength(1);
    expect(allNumbers(store)).toEqual([1]);
    store.close();
  });
});

describe('a failed sync where one file ends and the next begins', () => {
  it('is as fatal as any other: no append is answered by it', async () => {
    const failures: Error[] = [];
    const store = new Store({ dataDir, log: { write: () => undefined }, onFatal: (error) => void failures.push(error), segmentBytesMax: 100 });
    await write(store, 'a', Array.from({ length: 10 }, (_, n) => n));
    const whole = jest.spyOn(fs, 'fdatasyncSync').mockImplementation(() => {
      throw new Error('EIO');
    });
    const answers: unknown[] = [];
    void write(store, 'a', [10]).then((answer) => answers.push(answer));
    while (failures.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(whole).toHaveBeenCalled();
    jest.restoreAllMocks();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual([]);
    expect(failures).toMatchObject([{ code: 'SYNC_FAILED' }]);
    store.close();
  });
});

describe('a record damaged on the disk while the server runs', () => {
  it('is refused to whoever reads it, and its neighbours are served', async () => {
    const first = openStore(dataDir);
    for (const n of [1, 2, 3]) await write(first, 'a', [n]);
    first.close();
    const store = openStore(dataDir);
    const path = join(dataDir, '00000001.log');
    const bytes = fs.readFileSync(path);
    const at = store.index.recordOffset(1) + 60;
    bytes[at] = bytes[at]! ^ 1;
    fs.writeFileSync(path, bytes);
    expect(() => store.reader.record(1)).toThrow(/checksum/);
    const scanner = store.reader.scanner();
    expect(scanner.record(0).firstEvent).toBe(0);
    expect(() => scanner.record(1)).toThrow(/checksum/);
    expect(store.reader.record(2).firstEvent).toBe(2);
    store.close();
  });
});

describe('a poisoned append', () => {
  it('fails alone; its neighbours of the same group are written', async () => {
    const store = openStore(dataDir);
    const before = write(store, 'a', [1]);
    const poisoned = new Promise((done) => {
      const bad = { kind: 'append' as const, name: Buffer.from('p'), expected: { kind: 'any' as const }, bytes: 1, queuedAtMs: 0, done };
      store.submit(Object.defineProperty({ ...bad, events: [] }, 'events', { get: () => { throw new Error('poison'); } }));
    });
    const after = write(store, 'b', [2]);
    expect(await poisoned).toEqual({ kind: 'failed', detail: 'poison' });
    expect([await before, await after]).toMatchObject([{ kind: 'ok' }, { kind: 'ok' }]);
    expect(allNumbers(store)).toEqual([1, 2]);
    store.close();
  });

  it('does not hide a write that follows another of the same group', async () => {
    const store = openStore(dataDir);
    const outcomes = await Promise.all([
      write(store, 'a', [1], { kind: 'no_stream' }),
      write(store, 'a', [2], { kind: 'no_stream' }),
      write(store, 'a', [2], { kind: 'exact', revision: 0 }),
      write(store, 'a', [2], { kind: 'exact', revision: 0 }),
      write(store, 'a', [1], { kind: 'any' }),
    ]);
    expect(outcomes).toMatchObject([{ kind: 'ok', revision: 0 }, { kind: 'wrong_version', current: 0 }, { kind: 'ok', revision: 1 }, { kind: 'ok', revision: 1 }, { kind: 'ok', revision: 0 }]);
    expect(allNumbers(store)).toEqual([1, 2]);
    store.close();
  });
});
