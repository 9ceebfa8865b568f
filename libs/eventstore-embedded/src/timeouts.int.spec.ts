import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { NO_STREAM } from '@eventstore/db-client';
import type { AppendExpectedRevision, AppendResult, AppendToStreamOptions } from '@eventstore/db-client';
import { RawConnection, encodeAppend } from '../test/raw-grpc.ts';
import { StalledDisk } from '../test/stalled-disk.ts';
import { Fixture, WAYS, event, newDirectory, readIds, until } from '../test/support.ts';
import type { Way } from '../test/support.ts';
import { startEmbeddedStore } from './index.ts';

const fixture = new Fixture();
let disk: StalledDisk | undefined;
let round = 0;
afterEach(() => disk?.go());

/** The client's names for a timeout that the server answered. */
const TIMEOUT: Readonly<Record<Way, string>> = { unary: 'timeout', batch: 'deadline-exceeded' };
const credentialsOf = (way: Way): { credentials?: { username: string; password: string } } => (way === 'unary' ? { credentials: { username: 'any', password: 'any' } } : {});

/** Appends at an explicit revision, however often a busy machine needs more time than the server gives it. */
async function appendSurely(stream: string, n: number, expectedRevision: AppendExpectedRevision, options: AppendToStreamOptions = {}): Promise<AppendResult> {
  for (;;) {
    try {
      return await fixture.client.appendToStream(stream, event(n), { ...options, expectedRevision });
    } catch (error) {
      if (!(error instanceof Error && 'type' in error && ['timeout', 'deadline-exceeded'].includes(String(error.type)))) throw error;
    }
  }
}

async function stall(): Promise<void> {
  disk = new StalledDisk();
  const blocker = fixture.client.appendToStream(`blocker-${++round}`, event(1), { deadline: 600_000 });
  blocker.catch(() => undefined);
  await until(() => disk!.stalled > 0);
}

describe.each(WAYS)('a write that takes longer than the server allows, %s', (way) => {
  const options = { ...credentialsOf(way), deadline: 600_000 };
  beforeAll(() => fixture.start({ writeTimeoutMs: 100 }));
  afterAll(() => fixture.stop());

  it('is answered with a timeout while it is being synced, is in the log all the same, and its repeat finds it there', async () => {
    const stream = `syncing-${way}`;
    await appendSurely(stream, 1, NO_STREAM, options);
    disk = new StalledDisk();
    await expect(fixture.client.appendToStream(stream, event(2), { expectedRevision: 0n, ...options })).rejects.toMatchObject({ type: TIMEOUT[way] });
    expect(await readIds(fixture.client, stream)).toEqual([1]);
    disk.go();
    expect(await appendSurely(stream, 2, 0n, options)).toMatchObject({ nextExpectedRevision: 1n });
    expect(await readIds(fixture.client, stream)).toEqual([1, 2]);
  });

  it('is answered with a timeout while it waits for its turn, and is not written any more', async () => {
    await stall();
    const stream = `waiting-${way}`;
    const late = Array.from({ length: 20 }, (_, n) => fixture.client.appendToStream(`${stream}-${n}`, event(n), options));
    for (const append of late) append.catch(() => undefined);
    for (const append of late) await expect(append).rejects.toMatchObject({ type: TIMEOUT[way] });
    disk!.go();
    await appendSurely(stream, 1, NO_STREAM, options);
    for (let n = 0; n < 20; n++) expect(await readIds(fixture.client, `${stream}-${n}`)).toBeUndefined();
  });
});

describe('limits of time', () => {
  beforeAll(() => fixture.restart({ httpPort: 0 }));
  afterAll(() => fixture.remove());

  it('are the client\'s when those are shorter', async () => {
    await stall();
    await expect(fixture.client.appendToStream('short', event(1), { deadline: 50 })).rejects.toMatchObject({ type: 'deadline-exceeded' });
    disk!.go();
    await fixture.client.appendToStream('short-after', event(1));
    expect(await readIds(fixture.client, 'short')).toBeUndefined();
  });

  it('hold for deletes and tombstones, and the stream stays', async () => {
    await fixture.restart({ writeTimeoutMs: 100, httpPort: 0 });
    await appendSurely('kept', 1, NO_STREAM);
    await stall();
    await expect(fixture.client.deleteStream('kept', { deadline: 600_000 })).rejects.toMatchObject({ type: 'timeout', message: expect.stringContaining('Operation timed out: ') });
    await expect(fixture.client.tombstoneStream('kept', { deadline: 600_000 })).rejects.toMatchObject({ type: 'timeout' });
    disk!.go();
    await appendSurely('kept', 2, 0n);
    expect(await readIds(fixture.client, 'kept')).toEqual([1, 2]);
  });

  it('leave readers and subscribers alone: they see what is synced, and nothing that is not', async () => {
    await stall();
    const seen: unknown[] = [];
    const subscription = fixture.client.subscribeToStream('kept').on('data', ({ event: e }) => void seen.push(e?.revision));
    await expect(fixture.client.appendToStream('kept', event(3))).rejects.toMatchObject({ type: 'deadline-exceeded' });
    await until(() => seen.length === 2);
    expect(await readIds(fixture.client, 'kept')).toEqual([1, 2]);
    await subscription.unsubscribe();
    disk!.go();
  });

  it('are counted', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${fixture.store.httpPort}/metrics`)).text();
    expect(Number(/^tally_store_append_timeouts_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(3);
  });

  it('hold for groups so large that putting them together takes longer', async () => {
    await fixture.restart({ writeTimeoutMs: 1 });
    const connection = new RawConnection(fixture.store.port);
    const ids = Array.from({ length: 30_000 }, (_, n) => n);
    const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => connection.call('/event_store.client.streams.Streams/Append', encodeAppend({ stream: `large-${n}`, ids }))));
    expect(answers).toContainEqual(expect.objectContaining({ code: 10, message: expect.stringMatching(/^Operation timed out: (Commit|Prepare) phase timeout\.$/) }));
    await connection.close();
  });

  it('are two seconds unless somebody says otherwise', async () => {
    const dataDir = newDirectory();
    const store = await startEmbeddedStore({ dataDir });
    const connection = new RawConnection(store.port);
    disk = new StalledDisk();
    const startedMs = performance.now();
    expect(await connection.call('/event_store.client.streams.Streams/Append', encodeAppend({ stream: 'usual', ids: [1] }))).toMatchObject({ code: 10 });
    expect(performance.now() - startedMs).toBeGreaterThan(1_900);
    disk.go();
    await connection.close();
    await store.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
});
