import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { RawConnection, encodeBatchAppend, encodeSubscribe } from '../test/raw-grpc.ts';
import type { RawCall } from '../test/raw-grpc.ts';
import { newDirectory, until } from '../test/support.ts';
import { WatchedServer } from '../test/watched-server.ts';

const READ = '/event_store.client.streams.Streams/Read';
const MIB = 1024 * 1024;
const EVENT_BYTES = 8 * 1024;
const EVENTS = 2_400;
const STALLED = 20;

let dataDir: string;
let server: WatchedServer;
let port: number;
/** Ids of events are numbers, and none may come twice: it would be a repeat. */
let filled = 0;
const connections: RawConnection[] = [];

beforeEach(async () => {
  dataDir = newDirectory();
  server = new WatchedServer({ dataDir, writeTimeoutMs: 60_000 });
  ({ port } = await server.ready());
});
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close();
  await server.end();
  rmSync(dataDir, { recursive: true, force: true });
});

function connect(): RawConnection {
  const connection = new RawConnection(port);
  connections.push(connection);
  return connection;
}

/** On a connection of its own; counts and forgets what comes. */
function subscribe(stream?: string): { readonly call: RawCall; seen: number } {
  const call = connect().open(READ);
  const watch = { call, seen: 0 };
  call.onMessage = () => {
    watch.seen++;
    call.messages.length = 0;
  };
  call.stream.end(encodeSubscribe(stream));
  return watch;
}

/** Appends `count` events of 8 KiB to the stream, each answered before this resolves. */
async function fill(stream: string, count: number): Promise<void> {
  const batch = connect().batch();
  const from = filled;
  filled += count;
  const data = Buffer.from(JSON.stringify({ pad: 'x'.repeat(EVENT_BYTES) }));
  let sent = 0;
  while (sent < count) {
    for (let n = 0; n < 100 && sent < count; n++, sent++) batch.append({ correlation: `${stream}${sent}`, stream, ids: [from + sent], data });
    await until(() => batch.replies.length === sent);
  }
  expect(batch.replies.every(({ error }) => error === undefined)).toBe(true);
}

describe.each([['all streams', undefined], ['one stream', 'big']])('subscribers to %s that stop reading', (_, stream) => {
  it('cost memory that does not grow with what they miss, and nobody else anything; then they get all of it', async () => {
    const stalled = Array.from({ length: STALLED }, () => subscribe(stream));
    await until(() => stalled.every(({ seen }) => seen > 0));
    for (const { call } of stalled) call.stream.pause();
    const quick = subscribe(stream);
    await fill('big', EVENTS / 4);
    await until(async () => (await server.metric('subscription_lag_events_max')) > EVENTS / 8);
    const early = { waiting: await server.metric('subscription_waiting_bytes'), memory: await server.metric('memory_bytes') };
    await fill('big', (EVENTS * 3) / 4);
    await until(() => quick.seen >= EVENTS);
    // 20 times 19 MiB are missed; what waits for a subscriber is a write of 64 KiB and an event, and what the connection took.
    const perSubscriber = 64 * 1024 + 2 * EVENT_BYTES;
    expect(early.waiting).toBeLessThan(2 * STALLED * perSubscriber);
    expect(await server.metric('subscription_waiting_bytes')).toBeLessThan(2 * STALLED * perSubscriber);
    // Besides, the server keeps the newest 32 MiB of the log and caches of 24 MiB, which fill meanwhile.
    expect((await server.metric('memory_bytes')) - early.memory).toBeLessThan(150 * MIB);
    expect(await server.metric('subscriptions')).toBe(STALLED + 1);
    expect(await server.metric('subscription_lag_events_max')).toBeGreaterThan(EVENTS / 2);
    for (const { call } of stalled) call.stream.resume();
    await until(() => stalled.every(({ seen }) => seen >= EVENTS));
    await until(async () => (await server.metric('subscription_lag_events_max')) === 0 && (await server.metric('subscription_waiting_bytes')) === 0);
  });
});

describe('a reader that stops reading', () => {
  it('does not hold up appends or other readers, and is forgotten when it goes away', async () => {
    await fill('big', 1_000);
    const reader = subscribe();
    await until(() => reader.seen > 0);
    reader.call.stream.pause();
    const batch = connect().batch();
    for (let n = 0; n < 500; n++) {
      batch.append({ correlation: `n${n}`, stream: 'other', ids: [n] });
      await until(() => batch.replies.length === n + 1);
    }
    const other = subscribe('other');
    await until(() => other.seen >= 500);
    reader.call.stream.destroy();
    await until(async () => (await server.metric('subscriptions')) === 1);
  });
});

describe('expressions from clients', () => {
  const NAMES = 20_000;
  /** The dearest there is for its length: every `a*` may begin at every character. */
  const DEAR = `${'a*'.repeat(127)}c`;

  it('that are as dear as the limits allow do not stall the server for others', async () => {
    const batch = connect().batch();
    for (let n = 0; n < NAMES; n++) batch.call.send(encodeBatchAppend({ correlation: `n${n}`, stream: `${'a'.repeat(100)}${n}`, ids: [n] }));
    await until(() => batch.replies.length === NAMES);
    const dear = Array.from({ length: 4 }, () => {
      const call = connect().open(READ);
      call.stream.end(encodeSubscribe(undefined, { regex: DEAR }));
      return call;
    });
    await until(() => dear.every(({ messages }) => messages.length > 0));
    // 10 s of matching and more are ahead of it. Each round trip waits for a turn of each of the four, 5 ms and an event.
    const considered = async (): Promise<number> => NAMES - (await server.metric('subscription_lag_events_max'));
    const before = await considered();
    for (let n = 0; n < 20; n++) {
      batch.append({ correlation: `after${n}`, stream: 'after', ids: [n] });
      await until(() => batch.repliesTo(`after${n}`).length === 1);
    }
    const perAppend = ((await considered()) - before) / 20;
    // Counted in events matched, not in time: had each turn been a thousand events, it would be thousands.
    expect(perAppend).toBeLessThan(200);
  });

  it('that could stall it, or are larger than any sensible one, are refused', async () => {
    const connection = connect();
    for (const regex of ['(a)\\1', '(?=a)b', '(?!a)b', '(', '(a{17})', '((a{5}){5}){5}', 'x'.repeat(257)]) {
      const call = connection.open(READ);
      call.stream.end(encodeSubscribe(undefined, { regex }));
      expect(await call.ended).toMatchObject({ code: 3 });
    }
    const call = connection.open(READ);
    call.stream.end(encodeSubscribe(undefined, { prefixes: Array.from({ length: 1_001 }, (_, n) => `p${n}`) }));
    expect(await call.ended).toMatchObject({ code: 3 });
  });
});
