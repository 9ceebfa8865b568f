import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { EventStoreDBClient, NO_STREAM, START, jsonEvent, streamNameFilter } from '@eventstore/db-client';
import { ServerProcess } from '../test/server-process.ts';
import { newDirectory } from '../test/support.ts';

let dataDir: string;
const servers: ServerProcess[] = [];

beforeEach(() => {
  dataDir = newDirectory();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.end('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

function start(): ServerProcess {
  const server = new ServerProcess(dataDir);
  servers.push(server);
  return server;
}

function connect(port: number): EventStoreDBClient {
  return EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port}?tls=false`);
}

function isWrongVersion(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'wrong-expected-version';
}

/**
 * Appends deterministic events at explicit revisions, each until it is acknowledged, and notes what was. Unary: the stock
 * client's batch append throws out of turn when a connection breaks with appends pending.
 */
class Writer {
  readonly stream: string;
  acknowledged = 0;
  conflicts = 0;
  private stopped = false;

  constructor(n: number) {
    this.stream = `load-${n}`;
  }

  stop(): void {
    this.stopped = true;
  }

  async run(client: () => EventStoreDBClient): Promise<void> {
    // An append whose outcome is not known is repeated also after the stop.
    let isUnknown = false;
    while (!this.stopped || isUnknown) {
      const n = this.acknowledged;
      const id = `00000000-0000-4000-9000-${this.stream.slice(5).padStart(4, '0')}${String(n).padStart(8, '0')}`;
      try {
        await client().appendToStream(this.stream, jsonEvent({ id, type: 'Load', data: { n, pad: 'x'.repeat(300) } }), {
          expectedRevision: n === 0 ? NO_STREAM : BigInt(n - 1),
          credentials: { username: 'any', password: 'any' },
          deadline: 1_000,
        });
        this.acknowledged++;
        isUnknown = false;
      } catch (error) {
        isUnknown = !isWrongVersion(error);
        if (!isUnknown) this.conflicts++;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }
}

describe('a server killed under load', () => {
  it('loses nothing acknowledged and stores nothing twice over kills under load', async () => {
    const writers = Array.from({ length: 24 }, (_, n) => new Writer(n));
    let server = start();
    let client = connect(await server.port());
    const running = writers.map((writer) => writer.run(() => client));
    const total = (): number => writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
    for (let kill = 0; kill < 4; kill++) {
      const enough = total() + 400;
      while (total() < enough) await new Promise((resolve) => setTimeout(resolve, 5));
      await server.end('SIGKILL');
      server = start();
      const old = client;
      client = connect(await server.port());
      await old.dispose();
    }
    for (const writer of writers) writer.stop();
    await Promise.all(running);
    for (const writer of writers) {
      expect(writer.conflicts).toBe(0);
      let n = 0;
      for await (const { event } of client.readStream<{ type: 'Load'; data: { n: number } }>(writer.stream)) {
        expect(event).toMatchObject({ revision: BigInt(n), data: { n } });
        n++;
      }
      expect(n).toBe(writer.acknowledged);
    }
    // The log's own first event has position 1.
    let last = 1n;
    let count = 0;
    const subscription = client.subscribeToAll({ fromPosition: START, filter: streamNameFilter({ prefixes: ['load-'] }) });
    for await (const { event } of subscription) {
      expect(event!.position!.commit).toBe(last + 1n);
      last = event!.position!.commit;
      if (++count === total()) break;
    }
    await subscription.unsubscribe();
    await client.dispose();
  });
});
