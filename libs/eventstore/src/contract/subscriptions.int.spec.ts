import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventStore, Position, RecordedEvent, SubscribeAllOptions, Subscription } from '@tallystick/ports';
import { newEvent, until } from '../testing/world.ts';
import type { Target } from './target.ts';
import { openTarget } from './target.ts';
import { ContractWorld, mustAppend, mustRead, writeAll } from './world.ts';

const world = new ContractWorld();
const running: Subscription[] = [];
let target: Target;
let store: EventStore;

const follow = (prefix: string, options: Partial<SubscribeAllOptions> = {}): { readonly events: RecordedEvent[]; readonly subscription: Subscription; readonly failures: unknown[] } => {
  const events: RecordedEvent[] = [];
  const failures: unknown[] = [];
  const subscription = store.subscribeAll({
    after: 'start',
    streamPrefixes: [prefix],
    onEvent: (event) => void events.push(event),
    onFailed: (error) => void failures.push(error),
    name: 'contract',
    ...options,
  });
  running.push(subscription);
  return { events, subscription, failures };
};

beforeAll(async () => {
  target = await openTarget();
  store = world.open(target.url);
});

afterAll(async () => {
  await Promise.all(running.map((subscription) => subscription.stop()));
  await world.close();
  await target.dispose();
});

describe('the contract of subscriptions', () => {
  it('brings history and what comes after, in the order of the log, of the prefixes alone', async () => {
    const [a, b, other] = [world.stream('sub1a'), world.stream('sub1b'), world.stream('else')];
    const prefixes = [`${world.prefix}_sub1a`, `${world.prefix}_sub1b`];
    await mustAppend(store, a, 'no_stream', [newEvent({ n: 0 })]);
    await mustAppend(store, other, 'no_stream', [newEvent({ n: -1 })]);
    await mustAppend(store, b, 'no_stream', [newEvent({ n: 1 })]);
    let caughtUp = 0;
    const { events, subscription } = follow('', { streamPrefixes: prefixes, onCaughtUp: () => void (caughtUp += 1) });
    await until('caught up', () => caughtUp > 0);
    expect(subscription.isLive()).toBe(true);
    await mustAppend(store, a, 0, [newEvent({ n: 2 })]);
    await until('three events', () => events.length === 3);
    expect(events.map(({ data }) => data['n'])).toEqual([0, 1, 2]);
    expect(events.map(({ stream }) => stream)).toEqual([a, b, a]);
    // What is pushed is parsed when it is asked for: taken apart, to be compared.
    const whole = ({ id, type, stream, revision, position, recordedAtMs, data, metadata, spelled }: RecordedEvent): RecordedEvent => ({ id, type, stream, revision, position, recordedAtMs, data, metadata, ...(spelled && { spelled }) });
    expect(events.map(whole)).toEqual([...(await mustRead(store, a)), ...(await mustRead(store, b))].sort((x, y) => Number(x.position - y.position)));
    expect(subscription.position()).toBeGreaterThanOrEqual(events[2]?.position ?? 0n);
  });

  it('starts after a position, without the event there', async () => {
    const stream = world.stream('sub2');
    await mustAppend(store, stream, 'no_stream', Array.from({ length: 5 }, (_, n) => newEvent({ n })));
    const [, , third] = await mustRead(store, stream);
    const { events } = follow(`${world.prefix}_sub2`, { after: third?.position ?? 0n });
    await until('two events', () => events.length >= 2);
    expect(events.map(({ data }) => data['n'])).toEqual([3, 4]);
  });

  it('starts at the end without history', async () => {
    const stream = world.stream('sub3');
    await mustAppend(store, stream, 'no_stream', [newEvent({ n: 0 })]);
    const { events, subscription } = follow(`${world.prefix}_sub3`, { after: 'end' });
    await until('live', () => subscription.isLive());
    await mustAppend(store, stream, 0, [newEvent({ n: 1 })]);
    await until('an event', () => events.length > 0);
    expect(events.map(({ data }) => data['n'])).toEqual([1]);
  });

  it('gives checkpoints from which nothing is lost and nothing comes twice', async () => {
    const prefix = `${world.prefix}_sub4`;
    const matching = world.stream('sub4');
    const noise = world.stream('noise');
    for (let n = 0; n < 4; n += 1) {
      await mustAppend(store, noise, n === 0 ? 'no_stream' : n * 400 - 1, Array.from({ length: 400 }, () => newEvent()));
      await mustAppend(store, matching, n === 0 ? 'no_stream' : n - 1, [newEvent({ n })]);
    }
    const checkpoints: { readonly at: Position; readonly handled: number }[] = [];
    const { events, subscription } = follow(prefix, { onCheckpoint: (at) => void checkpoints.push({ at, handled: events.length }) });
    await until('all events', () => events.length === 4 && subscription.isLive());
    expect(events.map(({ data }) => data['n'])).toEqual([0, 1, 2, 3]);
    // A store that catches up may give only such checkpoints as cannot be passed on; it is then resumed from events.
    for (const { at, handled } of checkpoints.slice(0, 5)) {
      const again = follow(prefix, { after: at });
      await until('caught up', () => again.subscription.isLive());
      expect(again.events.map(({ data }) => data['n'])).toEqual([0, 1, 2, 3].slice(handled));
    }
    expect(target.owned ? checkpoints.length : 1).toBeGreaterThan(0);
  });

  it('waits for a slow handler and leaves nothing out; a quick one is not held up', async () => {
    const prefix = `${world.prefix}_sub5`;
    const total = 400;
    const stream = world.stream('sub5');
    let slowSeen = 0;
    const slow = follow(prefix, {
      onEvent: async () => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        slowSeen += 1;
      },
    });
    const quick = follow(prefix);
    await until('live', () => slow.subscription.isLive() && quick.subscription.isLive());
    const writing = writeAll(store, stream, total);
    await until('the quick one', () => quick.events.length === total);
    expect(slowSeen).toBeLessThanOrEqual(total);
    await writing;
    await until('the slow one', () => slowSeen === total);
    expect(quick.events.map(({ data }) => data['n'])).toEqual(Array.from({ length: total }, (_, n) => n));
  });

  it('brings big events and every kind of text', async () => {
    const stream = world.stream('sub6-größe-🧾');
    const big = newEvent({ payload: 'é'.repeat(450_000) });
    const { events } = follow(`${world.prefix}_sub6-größe`);
    await mustAppend(store, stream, 'no_stream', [big]);
    await mustAppend(store, stream, 0, [newEvent({ text: '訂單' })]);
    await until('both', () => events.length === 2);
    expect(events[0]?.data).toEqual(big.data);
    expect(events[1]).toMatchObject({ stream, data: { text: '訂單' } });
  });

  it('ends for good when its handler fails, and others go on', async () => {
    const prefix = `${world.prefix}_sub7`;
    const stream = world.stream('sub7');
    const failing = follow(prefix, { onEvent: () => Promise.reject(new Error('handler')) });
    const sound = follow(prefix);
    await mustAppend(store, stream, 'no_stream', [newEvent(), newEvent()]);
    await until('it failed', () => failing.failures.length > 0);
    await until('the sound one', () => sound.events.length === 2);
    expect(failing.failures).toHaveLength(1);
    expect(failing.subscription.isLive()).toBe(false);
  });
});
