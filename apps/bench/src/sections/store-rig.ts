import { connectEventStore } from '@tallystick/eventstore';
import { silentLog, systemPorts } from '@tallystick/platform';
import type { EventStore, NewEvent, Ports } from '@tallystick/ports';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectEcho, type EchoClient } from '../load/echo-client.ts';
import { startChild, startPrinting, type Child } from '../machine/children.ts';
import { sumsOf } from '../processes/channel.ts';

const STORE = fileURLToPath(new URL('../../../eventstore/dist/main.js', import.meta.url));
const ECHO = fileURLToPath(new URL('../processes/grpc-echo.js', import.meta.url));
/** Longer than any read here takes: a benchmark is no test of deadlines. */
const DEADLINE_MS = 120_000;

/** What an order's event weighs, and what a message with it and its answer do on the wire. */
const PADDING = 'x'.repeat(540);
export const EVENT_BYTES = 600;
export const APPEND_REQUEST_BYTES = 760;
export const APPEND_ANSWER_BYTES = 100;
/** The unary call's: where to, the event, the answer. */
export const UNARY_BYTES = { target: 50, event: 720, answer: 20 };
export const READ_EVENT_BYTES = 760;

export const orderEvent = (n: number): NewEvent => ({ id: randomUUID(), type: 'OrderMeasured', data: { n, padding: PADDING }, metadata: { actor: 'bench' } });

export interface RunningStore {
  readonly child: Child;
  readonly url: string;
  /** Start of the process to its first line that says it serves. */
  readonly readyMs: number;
  counts(): Promise<Readonly<Record<string, number>>>;
}

let starts = 0;

/** The product's event store as a process of its own, on a directory that is kept between starts. */
export const startStore = async (dir: string, dataDir: string): Promise<RunningStore> => {
  starts += 1;
  const startedMs = performance.now();
  const { child, ready } = await startPrinting(`store-${starts}`, STORE, dir, { TALLY_STORE_DATA_DIR: dataDir, TALLY_STORE_PORT: '0', TALLY_STORE_HTTP_PORT: '0' });
  const readyMs = performance.now() - startedMs;
  const metrics = `http://127.0.0.1:${String(ready['http_port'])}/metrics`;
  return { child, readyMs, url: `esdb://127.0.0.1:${String(ready['port'])}?tls=false`, counts: async () => sumsOf(await (await fetch(metrics)).text()) };
};

/** Ends it as a crash would. */
export const killStore = async ({ child }: RunningStore): Promise<void> => {
  process.kill(child.pid, 'SIGKILL');
  await child.stop();
};

export const connect = (url: string, ports: Ports, appendPath: 'batch' | 'unary' = 'batch'): EventStore =>
  connectEventStore({ url, ports, log: silentLog, connectionName: 'bench', appendPath, appendDeadlineMs: DEADLINE_MS, readDeadlineMs: DEADLINE_MS });

/** Throws unless it was written. */
export const mustAppend = async (store: EventStore, stream: string, revision: number, events: readonly NewEvent[]): Promise<void> => {
  const outcome = await store.append(stream, revision < 0 ? 'no_stream' : revision, events);
  if (!outcome.ok) throw new Error(`append: ${outcome.code}`);
};

/** A store with clients of both kinds, and a bare echo beside it. */
export interface StoreRig {
  readonly dir: string;
  readonly ports: Ports;
  readonly store: RunningStore;
  readonly batch: EventStore;
  readonly unary: EventStore;
  readonly echoChild: Child;
  readonly echo: EchoClient;
  stop(): Promise<void>;
}

export const openRig = async (dir: string): Promise<StoreRig> => {
  const ports = systemPorts();
  const store = await startStore(dir, mkdtempSync(join(dir, 'data-')));
  const echoProcess = await startChild<{ readonly port: number }>({ name: 'echo', entry: ECHO, dir, env: {} });
  const echo = connectEcho(echoProcess.ready.port, APPEND_ANSWER_BYTES);
  const [batch, unary] = [connect(store.url, ports), connect(store.url, ports, 'unary')];
  return {
    dir, ports, store, batch, unary, echo, echoChild: echoProcess.child,
    stop: async () => {
      echo.close();
      await Promise.all([batch.close(), unary.close()]);
      await Promise.all([store.child.stop(), echoProcess.child.stop()]);
    },
  };
};
