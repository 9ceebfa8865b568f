import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@tallystick/ports';
import { newEvent, until } from '../testing/world.ts';
import { Proxy } from './proxy.ts';
import type { Target } from './target.ts';
import { openTarget, ServerProcess } from './target.ts';
import { codeOf, ContractWorld, expectNumbered, mustAppend, mustRead, writeAll } from './world.ts';

const world = new ContractWorld();
const proxies: Proxy[] = [];
const foreignUrl = process.env['ESDB_URL'] ?? '';
// A store that runs elsewhere is not ours to kill, and a proxy cannot stand in for a host that must prove its name.
const whenOwned = foreignUrl === '' ? it : it.skip;
const whenPlain = foreignUrl === '' || foreignUrl.includes('tls=false') ? it : it.skip;
let target: Target;

const proxy = async (): Promise<Proxy> => {
  const one = await Proxy.before(target.url);
  proxies.push(one);
  return one;
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(async () => {
  target = await openTarget();
});

afterAll(async () => {
  for (const one of proxies) one.close();
  await world.close();
  await target.dispose();
});

describe.each(['batch', 'unary'] as const)('the contract under faults (%s)', (appendPath) => {
  whenPlain('answers are lost: the append is unknown at its deadline, and a repeat finds it stored exactly once', async () => {
    const between = await proxy();
    const [store, direct] = [world.open(between.url, { appendPath, appendDeadlineMs: 1_500 }), world.open(target.url)];
    await mustAppend(store, world.stream(), 'no_stream', [newEvent()]);
    const stream = world.stream();
    const event = newEvent();
    between.swallowing = true;
    expect(codeOf(await store.append(stream, 'no_stream', [event]))).toBe('APPEND_OUTCOME_UNKNOWN');
    expect(between.swallowedBytes).toBeGreaterThan(0);
    await until('it is stored all the same', async () => (await mustRead(direct, stream)).length === 1);
    between.swallowing = false;
    between.cut();
    expect(await mustAppend(store, stream, 'no_stream', [event])).toMatchObject({ revision: 0 });
    expect(await mustRead(direct, stream)).toHaveLength(1);
  });

  whenPlain('one connection swallows answers: the append is made on another within its deadline', async () => {
    const between = await proxy();
    const store = world.open(between.url, { appendPath, appendDeadlineMs: 8_000 });
    await mustAppend(store, world.stream(), 'no_stream', [newEvent()]);
    const stream = world.stream();
    between.deafen();
    expect(codeOf(await store.append(stream, 'no_stream', [newEvent()]))).toBe('ok');
    expect(between.swallowedBytes).toBeGreaterThan(0);
    expect(await mustRead(store, stream)).toHaveLength(1);
  });

  whenPlain('connections break while 32 writers write: nothing is lost, nothing is doubled', async () => {
    const between = await proxy();
    const store = world.open(between.url, { appendPath });
    const streams = Array.from({ length: 32 }, () => world.stream());
    let done = false;
    const writing = Promise.all(streams.map((stream) => writeAll(store, stream, 40))).finally(() => (done = true));
    let cuts = 0;
    // Then they are let through: a busy machine gets nothing done between cuts.
    while (!done && cuts < 20) {
      await sleep(60);
      between.cut();
      cuts += 1;
    }
    await writing;
    expect(cuts).toBeGreaterThan(1);
    for (const stream of streams) await expectNumbered(store, stream, 40);
  });

  whenOwned('the server is killed and restarted while 32 writers write: nothing is lost, nothing is doubled', async () => {
    const store = world.open(target.url, { appendPath });
    const streams = Array.from({ length: 32 }, () => world.stream());
    let done = false;
    const writing = Promise.all(streams.map((stream) => writeAll(store, stream, 120))).finally(() => (done = true));
    let kills = 0;
    while (kills < 4 && !done) {
      await sleep(150);
      await target.kill();
      await target.start();
      kills += 1;
    }
    await writing;
    expect(kills).toBeGreaterThan(1);
    for (const stream of streams) await expectNumbered(store, stream, 120);
  });

  whenOwned('the server shuts down in order while appends are under way: each is settled, and none twice', async () => {
    const store = world.open(target.url, { appendPath });
    const streams = Array.from({ length: 16 }, () => world.stream());
    const writing = Promise.all(streams.map((stream) => writeAll(store, stream, 40)));
    await sleep(40);
    await target.shutDown();
    await target.start();
    await writing;
    for (const stream of streams) await expectNumbered(store, stream, 40);
  });

  whenOwned('a repeat is answered with success across a restart of the server', async () => {
    const store = world.open(target.url, { appendPath });
    const stream = world.stream();
    const events = [newEvent(), newEvent()];
    const first = await mustAppend(store, stream, 'no_stream', events);
    await mustAppend(store, stream, 1, [newEvent()]);
    await target.kill();
    await target.start();
    await until('the first answer again', async () => JSON.stringify(bare(await store.append(stream, 'no_stream', events))) === JSON.stringify(bare(first)));
    expect(await mustRead(store, stream)).toHaveLength(3);
  });

  whenOwned('the server is down: appends and reads say so, and go on when it is back', async () => {
    const store = world.open(target.url, { appendPath });
    const stream = world.stream();
    await mustAppend(store, stream, 'no_stream', [newEvent()]);
    await target.kill();
    try {
      // The first may find the connection still there; from the second on nothing can have been written.
      await store.append(world.stream(), 'no_stream', [newEvent()]);
      expect(codeOf(await store.append(stream, 0, [newEvent()]))).toBe('STORE_UNAVAILABLE');
      expect(await store.read(stream)).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
      expect(await store.head()).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
    } finally {
      await target.start();
    }
    expect(codeOf(await store.append(stream, 0, [newEvent()]))).toBe('ok');
  });

  whenOwned('one of two servers dies: the other adapter does not notice', async () => {
    const other = new ServerProcess();
    await other.start();
    try {
      const [mine, theirs] = [world.open(target.url, { appendPath }), world.open(other.url, { appendPath })];
      const streams = Array.from({ length: 16 }, () => world.stream());
      let theirsDone = false;
      const theirWriting = Promise.all(streams.map((stream) => writeAll(theirs, stream, 60))).finally(() => (theirsDone = true));
      const myWriting = Promise.all(streams.map((stream) => writeAll(mine, stream, 60)));
      await sleep(50);
      expect(theirsDone).toBe(false);
      await target.kill();
      // Each append of theirs was answered at the first time of asking, while mine had no server at all.
      expect(await theirWriting).toEqual(streams.map(() => 0));
      await target.start();
      await myWriting;
      for (const stream of streams) await expectNumbered(mine, stream, 60);
      for (const stream of streams) await expectNumbered(theirs, stream, 60);
    } finally {
      await other.dispose();
    }
  });
});

describe('subscriptions under faults', () => {
  whenOwned('go on across restarts of the server without a gap and without a repeat', async () => {
    const store = world.open(target.url);
    const stream = world.stream('restarts');
    const total = 300;
    const events: RecordedEvent[] = [];
    const failures: unknown[] = [];
    const subscription = store.subscribeAll({
      after: 'start',
      streamPrefixes: [`${world.prefix}_restarts`],
      onEvent: async (event) => {
        if (events.length % 10 === 0) await sleep(1);
        events.push(event);
      },
      onFailed: (error) => void failures.push(error),
      name: 'contract',
    });
    let done = false;
    const writing = writeAll(store, stream, total).finally(() => (done = true));
    let stops = 0;
    while (!done && stops < 6) {
      await sleep(120);
      await (stops % 2 === 0 ? target.kill() : target.shutDown());
      await target.start();
      stops += 1;
    }
    await writing;
    await until('all events', () => events.length >= total);
    await until('live again', () => subscription.isLive());
    await subscription.stop();
    expect(failures).toEqual([]);
    expect(stops).toBeGreaterThan(1);
    expect(events.map(({ data }) => data['n'])).toEqual(Array.from({ length: total }, (_, n) => n));
  });

  whenPlain('go on when their connection is cut in the middle of history', async () => {
    const between = await proxy();
    const [store, direct] = [world.open(between.url), world.open(target.url)];
    const stream = world.stream('cut');
    const total = 3_000;
    for (let n = 0; n < total; n += 500) {
      await mustAppend(direct, stream, n === 0 ? 'no_stream' : n - 1, Array.from({ length: 500 }, (_, m) => newEvent({ n: n + m, padding: 'x'.repeat(500) })));
    }
    const seen: unknown[] = [];
    const subscription = store.subscribeAll({
      after: 'start',
      streamPrefixes: [`${world.prefix}_cut`],
      onEvent: ({ data }) => {
        seen.push(data['n']);
        if (seen.length % 700 === 0) between.cut();
      },
      onFailed: (error) => void seen.push(error),
      name: 'contract',
    });
    await until('all events', () => seen.length >= total);
    await subscription.stop();
    expect(seen).toEqual(Array.from({ length: total }, (_, n) => n));
  });

  whenPlain('are given up with a connection that does not answer appends, and resume on the next', async () => {
    const between = await proxy();
    const [store, direct] = [world.open(between.url, { appendDeadlineMs: 1_000 }), world.open(target.url)];
    const stream = world.stream('deaf');
    const seen: unknown[] = [];
    const subscription = store.subscribeAll({
      after: 'start',
      streamPrefixes: [`${world.prefix}_deaf`],
      onEvent: ({ data }) => void seen.push(data['n']),
      onFailed: (error) => void seen.push(error),
      name: 'contract',
    });
    await mustAppend(store, stream, 'no_stream', [newEvent({ n: 0 })]);
    await until('the first event', () => seen.length === 1);
    between.deafen();
    await mustAppend(direct, stream, 0, [newEvent({ n: 1 })]);
    await store.append(world.stream(), 'no_stream', [newEvent()]);
    await until('the second event', () => seen.length === 2);
    await subscription.stop();
    expect(seen).toEqual([0, 1]);
  });
});

const bare = (outcome: { readonly ok: boolean; readonly revision?: number; readonly position?: bigint } | { readonly ok: false }): unknown =>
  'position' in outcome ? [outcome.revision, String(outcome.position)] : undefined;
