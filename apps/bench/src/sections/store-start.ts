import { systemPorts } from '@tallystick/platform';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { residentOf } from '../machine/machine.ts';
import { connect, killStore, mustAppend, orderEvent, startStore, type RunningStore } from './store-rig.ts';

export interface StartResult {
  readonly events: number;
  readonly log_bytes: number;
  /** Of the process that wrote them all, at the end. */
  readonly filled_resident_mib: number;
  /** Process start to serving, each time after some more appends. */
  readonly after_stop_ms: readonly number[];
  readonly after_kill_ms: readonly number[];
  /** When it serves, and when all of the log has been read once after that. */
  readonly started_resident_mib: number;
  readonly read_resident_mib: number;
}

/** As the product: an append holds two events or three, an order ten. */
const EVENTS_PER_APPEND = 2;
const EVENTS_PER_STREAM = 10;
const WRITERS = 256;
/** Between two starts, so that each finds a file that was being written. */
const APPENDS_BETWEEN = 5_000;

const mib = (bytes: number): number => bytes / 2 ** 20;

/** Streams of ten events each, by so many at a time. */
const fill = async (url: string, events: number, prefix: string): Promise<void> => {
  const store = connect(url, systemPorts());
  const streams = Math.ceil(events / EVENTS_PER_STREAM);
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let stream = next++; stream < streams; stream = next++) {
      for (let n = 0; n < EVENTS_PER_STREAM; n += EVENTS_PER_APPEND) {
        await mustAppend(store, `order-${prefix}-${String(stream).padStart(26, '0')}`, n - 1, Array.from({ length: EVENTS_PER_APPEND }, (_, i) => orderEvent(n + i)));
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  await store.close();
};

const readAll = async (url: string): Promise<void> => {
  const store = connect(url, systemPorts());
  await new Promise<void>((resolve, reject) => {
    const subscription = store.subscribeAll({
      name: 'bench-start', after: 'start', streamPrefixes: ['order-'], onEvent: () => undefined, onFailed: reject,
      onCaughtUp: () => void subscription.stop().then(resolve),
    });
  });
  await store.close();
};

/** A log of so many events: how long a start takes after a clean stop and after `kill -9`, and how much memory it needs. */
export const measureStoreStart = async (dir: string, events: number, rounds: number, note: (text: string) => void): Promise<StartResult> => {
  const dataDir = mkdtempSync(join(dir, 'large-'));
  note(`store: writing ${events.toLocaleString('en-US')} events`);
  let store = await startStore(dir, dataDir);
  await fill(store.url, events, 'a');
  const filled = mib(residentOf(store.child.pid));
  const logBytes = readdirSync(dataDir).filter((name) => name.endsWith('.log')).reduce((sum, name) => sum + statSync(join(dataDir, name)).size, 0);
  const times = { stop: [] as number[], kill: [] as number[] };
  let started = 0;
  const ends: readonly (readonly ['stop' | 'kill', (store: RunningStore) => Promise<void>])[] = [['kill', killStore], ['stop', ({ child }) => child.stop()]];
  for (let n = 1; n <= rounds; n += 1) {
    for (const [how, end] of ends) {
      note(`store: start after ${how === 'kill' ? 'kill -9' : 'a stop'}, round ${n} of ${rounds}`);
      await fill(store.url, APPENDS_BETWEEN * EVENTS_PER_APPEND, `${how}-${n}`);
      await end(store);
      store = await startStore(dir, dataDir);
      times[how].push(store.readyMs);
      started = Math.max(started, mib(residentOf(store.child.pid)));
    }
  }
  note('store: reading all of it');
  await readAll(store.url);
  const read = mib(residentOf(store.child.pid));
  await store.child.stop();
  return { events, log_bytes: logBytes, filled_resident_mib: filled, after_stop_ms: times.stop, after_kill_ms: times.kill, started_resident_mib: started, read_resident_mib: read };
};
