import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStoreDBClient, NO_STREAM, START, jsonEvent } from '@eventstore/db-client';
import { SmallDisk } from '../test/small-disk.ts';
import { WAYS, until } from '../test/support.ts';
import type { Way } from '../test/support.ts';
import { WatchedServer } from '../test/watched-server.ts';

const MIB = 1024 * 1024;
/** Small, so that a full disk also meets the beginning of a file. */
const SEGMENT_BYTES = 256 * 1024;
const EVENT_BYTES = 20_000;

/** Appends one after another at explicit revisions and remembers what was acknowledged. */
class Writer {
  readonly stream: string;
  private readonly client: EventStoreDBClient;
  private readonly credentials: { credentials?: { username: string; password: string } };
  acknowledged = 0;

  constructor(client: EventStoreDBClient, stream: string, way: Way) {
    this.client = client;
    this.stream = stream;
    this.credentials = way === 'unary' ? { credentials: { username: 'any', password: 'any' } } : {};
  }

  /** Undefined when it was taken, else what was said. */
  async append(): Promise<string | undefined> {
    const n = this.acknowledged;
    const event = jsonEvent({ type: 'Filled', data: { n, pad: 'x'.repeat(EVENT_BYTES) } });
    try {
      await this.client.appendToStream(this.stream, event, { expectedRevision: n === 0 ? NO_STREAM : BigInt(n - 1), deadline: 60_000, ...this.credentials });
      this.acknowledged++;
      return undefined;
    } catch (error) {
      return String((error as { message?: unknown }).message);
    }
  }

  /** Appends until one is refused, and gives what was said. */
  async fill(): Promise<string> {
    for (;;) {
      const said = await this.append();
      if (said !== undefined) return said;
    }
  }
}

async function numbers(client: EventStoreDBClient, stream: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { event } of client.readStream<{ type: 'Filled'; data: { n: number } }>(stream)) found.push(event!.data.n);
  return found;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

let disk: SmallDisk;
let server: WatchedServer;
let client: EventStoreDBClient;

async function start(): Promise<void> {
  server = new WatchedServer({ dataDir: disk.dataDir, segmentBytesMax: SEGMENT_BYTES, writeTimeoutMs: 60_000 });
  const { port } = await server.ready();
  client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port}?tls=false`);
}

async function readiness(): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${(await server.ready()).httpPort}/readyz`);
  return { status: response.status, body: await response.json() };
}

afterEach(async () => {
  await client.dispose();
  await server.end();
  disk.remove();
});

const noTmpfs = SmallDisk.refusal(() => SmallDisk.inMemory(MIB));
const onTmpfs = noTmpfs === undefined ? describe : describe.skip;

onTmpfs(`a full disk${noTmpfs === undefined ? '' : ` (skipped, ${noTmpfs})`}`, () => {
  beforeEach(async () => {
    disk = SmallDisk.inMemory(4 * MIB);
    await start();
  });

  it.each(WAYS)('refuses appends with what the system says, serves every reader, and goes on when there is room again, %s', async (way) => {
    const seen: number[] = [];
    const writer = new Writer(client, 'filled', way);
    expect(await writer.append()).toBeUndefined();
    const subscription = client.subscribeToStream<{ type: 'Filled'; data: { n: number } }>('filled', { fromRevision: START });
    subscription.on('data', ({ event }) => void seen.push(event!.data.n));
    const said = await writer.fill();
    // The stock client does not show what a batch append was refused with.
    if (way === 'unary') expect(said).toMatch(/UNAVAILABLE.*ENOSPC/);
    expect(writer.acknowledged).toBeGreaterThan(20);
    for (let again = 0; again < 20; again++) expect(await writer.append()).toBeDefined();
    expect(await numbers(client, 'filled')).toEqual(upTo(writer.acknowledged));
    await until(() => seen.length === writer.acknowledged);
    expect(await readiness()).toEqual({ status: 503, body: { status: 'not_ready', reason: 'disk_refuses_writes' } });
    expect(await server.metric('disk_refuses_writes')).toBe(1);
    expect(server.logged('store_write_refused')).toHaveLength(1);

    disk.remount(8 * MIB);
    for (let more = 0; more < 30; more++) expect(await writer.append()).toBeUndefined();
    expect(await numbers(client, 'filled')).toEqual(upTo(writer.acknowledged));
    await until(() => seen.length === writer.acknowledged);
    expect(seen).toEqual(upTo(writer.acknowledged));
    expect(await readiness()).toEqual({ status: 200, body: { status: 'ready' } });
    expect(server.logged('store_write_recovered')).toHaveLength(1);
    await subscription.unsubscribe();
  });

  it('loses nothing acknowledged and serves nothing refused when the server is killed on it, at whatever byte it was full', async () => {
    const writers = [0, 1, 2, 3].map((n) => new Writer(client, `filled-${n}`, 'unary'));
    for (let round = 0; round < 6; round++) {
      // Each time full at another byte of the log; full to the last one in the end.
      disk.fill(MIB - round * 211_000 > 0 ? MIB - round * 211_000 : 0);
      await Promise.all(writers.map((writer) => writer.fill()));
      await client.dispose();
      await server.end('SIGKILL');
      await start();
      for (const [n, writer] of writers.entries()) {
        expect(await numbers(client, writer.stream).catch(() => [])).toEqual(upTo(writer.acknowledged));
        const next = new Writer(client, writer.stream, 'unary');
        next.acknowledged = writer.acknowledged;
        writers[n] = next;
      }
      // Still full: it starts, serves, and refuses. Then there is room.
      expect(await writers[0]!.fill()).toMatch(/UNAVAILABLE/);
      disk.empty();
      expect(await writers[0]!.append()).toBeUndefined();
    }
    expect(writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBeGreaterThan(20);
  });
});

const noExt4 = SmallDisk.refusal(() => {
  const made = SmallDisk.ext4(16 * MIB);
  try {
    made.goReadOnly();
  } catch (error) {
    made.remove();
    throw error;
  }
  return made;
});
const onExt4 = noExt4 === undefined ? describe : describe.skip;

onExt4(`a disk that the system makes read-only${noExt4 === undefined ? '' : ` (skipped, ${noExt4})`}`, () => {
  beforeEach(async () => {
    disk = SmallDisk.ext4(32 * MIB);
    await start();
  });

  it('refuses appends, serves every reader, and holds all that was acknowledged when it is repaired', async () => {
    const writer = new Writer(client, 'before', 'unary');
    for (let n = 0; n < 30; n++) expect(await writer.append()).toBeUndefined();
    disk.goReadOnly();
    for (let again = 0; again < 3; again++) expect(await writer.append()).toMatch(/UNAVAILABLE.*EROFS/);
    expect(await new Writer(client, 'never', 'batch').append()).toBeDefined();
    expect(await numbers(client, 'before')).toEqual(upTo(30));
    expect(await readiness()).toMatchObject({ status: 503 });
    await client.dispose();
    await server.end('SIGKILL');
    disk.repair();
    await start();
    expect(await numbers(client, 'before')).toEqual(upTo(30));
    await expect(numbers(client, 'never')).rejects.toMatchObject({ type: 'stream-not-found' });
    const next = new Writer(client, 'before', 'unary');
    next.acknowledged = 30;
    expect(await next.append()).toBeUndefined();
  });
});
