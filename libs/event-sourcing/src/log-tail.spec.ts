import { describe, expect, it } from '@jest/globals';
import { handle } from './handle.ts';
import { LogTail } from './log-tail.ts';
import { added, context, heldTimers, summing } from './testing/counter.ts';
import { MemoryStore } from './testing/memory-store.ts';

const add = (store: MemoryStore, stream: string, cause: string, n: number) => handle(store, summing, stream, context, () => [added(cause, n)]);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const following = async (store: MemoryStore) => {
  const failures: unknown[] = [];
  const timers = heldTimers();
  const tail = new LogTail(store, { name: 'tail', streamPrefixes: ['order-'], watchedPrefixes: ['kill'], timers, onUnreadable: (error) => void failures.push(error) });
  tail.start();
  await store.settled();
  return { tail, timers, failures };
};

describe('the tail of the log', () => {
  it('has the streams that began after it did, folded as far as they were handed over', async () => {
    const store = new MemoryStore();
    await add(store, 'order-old', 'a', 1);
    const { tail } = await following(store);
    await add(store, 'order-old', 'b', 2);
    await add(store, 'order-new', 'c', 3);
    await store.settled();
    expect(tail.loaded(summing, 'order-old')).toBeUndefined();
    expect(tail.loaded(summing, 'order-new')).toMatchObject({ state: { total: 3 }, end: { revision: 0 } });
    await add(store, 'order-new', 'd', 4);
    await store.settled();
    expect(tail.loaded(summing, 'order-new')).toMatchObject({ state: { total: 7 }, end: { revision: 1 }, position: store.all().at(-1)?.position });
    expect(tail.loaded(summing, 'intent-1')).toBeUndefined();
  });

  it('leaves what it gave out as it was when more comes', async () => {
    const store = new MemoryStore();
    const { tail } = await following(store);
    await add(store, 'order-1', 'a', 1);
    await store.settled();
    const before = tail.loaded(summing, 'order-1');
    await add(store, 'order-1', 'b', 2);
    await store.settled();
    tail.loaded(summing, 'order-1');
    expect(before).toMatchObject({ state: { total: 1 }, end: { revision: 0 } });
    expect([...(before?.ids ?? [])]).toEqual([added('a', 1).id]);
  });

  it('does not have a stream whose chain is broken, nor one it was told to forget', async () => {
    const store = new MemoryStore();
    const { tail } = await following(store);
    await add(store, 'order-1', 'a', 1);
    const [first] = store.all();
    if (first) await store.append('order-1', 0, [{ ...first, id: added('forged', 0).id }]);
    await add(store, 'order-2', 'b', 1);
    await store.settled();
    expect(tail.loaded(summing, 'order-1')).toBeUndefined();
    expect(tail.loaded(summing, 'order-2')).toBeDefined();
    tail.forget('order-2');
    expect(tail.loaded(summing, 'order-2')).toBeUndefined();
  });

  it('knows the newest revision of what is watched, from when it began', async () => {
    const store = new MemoryStore();
    await add(store, 'kill', 'a', 1);
    const { tail } = await following(store);
    expect(tail.head('kill')).toBeUndefined();
    await add(store, 'kill', 'b', 1);
    await store.settled();
    expect(tail.head('kill')).toBe(1);
  });

  it('has reached a position when everything up to it was handed over, what is watched included', async () => {
    const store = new MemoryStore();
    const { tail } = await following(store);
    const release = store.hold();
    const appends = [add(store, 'kill', 'engaged', 1), add(store, 'order-1', 'claimed', 1)];
    release();
    const [, claimed] = await Promise.all(appends);
    if (!claimed?.ok || claimed.position === undefined) throw new Error('not claimed');
    expect(await tail.reached(claimed.position)).toBe(true);
    expect(tail.head('kill')).toBe(0);
  });

  it('says so when a position is not reached in time, and when it stops', async () => {
    const store = new MemoryStore();
    const { tail, timers } = await following(store);
    const never = tail.reached(1_000_000n);
    timers.ring();
    await turn();
    timers.ring();
    expect(await never).toBe(false);
    const cut = tail.reached(1_000_000n);
    await tail.stop();
    expect(await cut).toBe(false);
    expect(await tail.reached(1_000_000n)).toBe(false);
  });
});
