import { afterEach, describe, expect, it } from '@jest/globals';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allNumbers, openStore, write } from '../../test/log-fixture.ts';
import type { Line } from '../../test/log-fixture.ts';
import { Directories, fillStore, flipBit, logFiles } from '../../test/store-files.ts';

const directories = new Directories();
afterEach(() => directories.remove());

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A store of 60 events in several files. */
async function filled(): Promise<string> {
  const dir = directories.fresh();
  await fillStore(dir, 0, 60);
  return dir;
}

/** Opens with nothing verified first. */
function trusting(dir: string): { store: ReturnType<typeof openStore>; failures: Error[]; lines: Line[] } {
  const failures: Error[] = [];
  const lines: Line[] = [];
  return { store: openStore(dir, { verifiedFirstBytes: 0, lines, onFatal: (error) => void failures.push(error) }), failures, lines };
}

describe('a log that is too large to be verified before it is served', () => {
  it('is served, verified beside that, and said to be whole', async () => {
    const dir = await filled();
    const { store, failures, lines } = trusting(dir);
    expect(allNumbers(store)).toEqual(upTo(60));
    await store.verified;
    expect(failures).toEqual([]);
    expect(lines).toContainEqual({ event: 'store_verified', fields: expect.objectContaining({ bytes: expect.any(Number) }) });
    store.close();
  });

  it('ends when a byte that nobody read is damaged, with the place, and every later start refuses it', async () => {
    const dir = await filled();
    const second = join(dir, logFiles(dir)[1]!);
    flipBit(second, 300);
    const { store, failures } = trusting(dir);
    await store.verified;
    expect(failures).toEqual([expect.objectContaining({ code: 'STORE_DAMAGED', message: expect.stringContaining(second) })]);
    store.close();
    for (const verifiedFirstBytes of [0, 1e9]) expect(() => openStore(dir, { verifiedFirstBytes })).toThrow(/the checksum of the record is wrong/);
  });

  it('never serves a damaged record in the meantime, and serves its neighbours', async () => {
    const dir = await filled();
    const whole = trusting(dir);
    const first = whole.store.index.recordOffset(20);
    whole.store.close();
    const files = logFiles(dir);
    let base = 0;
    for (const name of files) {
      const { length } = readFileSync(join(dir, name));
      if (first < base + length) {
        flipBit(join(dir, name), first - base + 60);
        break;
      }
      base += length;
    }
    const { store } = trusting(dir);
    for (const event of [19, 21]) expect(store.reader.record(event).firstEvent).toBe(event);
    expect(() => store.reader.record(20)).toThrow(/checksum/);
    expect(() => store.reader.scanner().record(20)).toThrow(/checksum/);
    store.close();
  });

  it('never serves one whole record in the place of another', async () => {
    const dir = await filled();
    const { store, failures } = trusting(dir);
    const [a, b, after] = [3, 6, 7].map((event) => store.index.recordOffset(event)) as [number, number, number];
    const path = join(dir, logFiles(dir)[0]!);
    const bytes = readFileSync(path);
    const [inA, inB] = [Buffer.from(bytes.subarray(a, a + after - b)), Buffer.from(bytes.subarray(b, after))];
    expect(inA.readUInt32LE(0)).toBe(inB.readUInt32LE(0));
    inB.copy(bytes, a);
    inA.copy(bytes, b);
    writeFileSync(path, bytes);
    for (const event of [3, 6]) {
      expect(() => store.reader.record(event)).toThrow(/another record lies in the place of event/);
      expect(() => store.reader.scanner().record(event)).toThrow(/another record lies in the place of event/);
    }
    await store.verified;
    expect(failures).toHaveLength(1);
    store.close();
  });

  it('is refused at once when a file lost bytes or was exchanged', async () => {
    const dir = await filled();
    const other = await filled();
    const files = logFiles(dir);
    const short = directories.copy(dir, { file: files[1]!, bytes: (bytes) => bytes.subarray(0, bytes.length - 1) });
    const long = directories.copy(dir, { file: files[1]!, bytes: (bytes) => Buffer.concat([bytes, Buffer.alloc(10)]) });
    const exchanged = directories.copy(dir, { file: files[1]!, bytes: () => readFileSync(join(other, files[1]!)) });
    for (const bad of [short, long, exchanged]) expect(() => openStore(bad, { verifiedFirstBytes: 0 })).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }));
  });

  it('takes no sidecar of another log, however much like this one', async () => {
    const dir = directories.fresh();
    const other = directories.fresh();
    await fillStore(dir, 0, 60);
    await fillStore(other, 100, 160);
    for (const name of logFiles(dir).map((file) => file.replace('.log', '.idx'))) copyFileSync(join(other, name), join(dir, name));
    const { store, failures } = trusting(dir);
    expect(allNumbers(store)).toEqual(upTo(60));
    await store.verified;
    expect(failures).toEqual([]);
    store.close();
  });

  it('stops being verified with its store', async () => {
    const dir = await filled();
    flipBit(join(dir, logFiles(dir)[1]!), 300);
    const { store, failures, lines } = trusting(dir);
    store.close();
    await store.verified;
    expect([failures, lines.filter(({ event }) => event === 'store_verified')]).toEqual([[], []]);
  });
});

describe('the index of the file that is being written', () => {
  it('is saved now and then, so that a start after a kill reads little of it record by record', async () => {
    const dir = directories.fresh();
    const store = openStore(dir);
    const padding = Buffer.alloc(1_000_000, 'x');
    for (let n = 0; n < 20; n++) {
      const event = { id: Buffer.alloc(16, n), type: Buffer.from('Big'), json: false, data: padding, metadata: Buffer.alloc(0) };
      await new Promise((done) => store.submit({ kind: 'append', name: Buffer.from('big'), expected: { kind: 'any' }, events: [event], bytes: padding.length, queuedAtMs: 0, done }));
    }
    await write(store, 'small', [1]);
    const killed = directories.copy(dir);
    store.close();
    // Damage where only a record by record reading would see it: the sidecar was taken.
    flipBit(join(killed, logFiles(killed)[0]!), 5_000_000);
    const { store: after, failures } = trusting(killed);
    expect(after.index.visible).toBe(21);
    await after.verified;
    expect(failures).toHaveLength(1);
    after.close();
    const whole = trusting(directories.copy(dir));
    expect(whole.store.index.visible).toBe(21);
    whole.store.close();
  });
});
