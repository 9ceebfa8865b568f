import { describe, expect, it } from '@jest/globals';
import { uuidOf } from '@tallystick/contracts';
import type { AppendOutcome, NewEvent } from '@tallystick/ports';
import { MemoryStore } from './memory-store.ts';

const event = (name: string): NewEvent => ({ id: uuidOf('test', name), type: 'Happened', data: { name }, metadata: {} });
const events = (names: string): NewEvent[] => [...names].map(event);
const short = (outcome: AppendOutcome): string => (outcome.ok ? `@${outcome.revision}` : outcome.code === 'WRONG_EXPECTED_REVISION' ? `wrong, at ${outcome.actual}` : outcome.code);

const storeWith = async (names: string): Promise<MemoryStore> => {
  const store = new MemoryStore();
  for (const [i, name] of [...names].entries()) await store.append('s', i === 0 ? 'no_stream' : i - 1, [event(name)]);
  return store;
};

describe('appends', () => {
  // The store's idempotency table: what is in the stream, what the writer expects, what it sends, what it hears.
  it.each([
    ['', 'no_stream', 'a', '@0'],
    ['', 0, 'a', 'wrong, at no_stream'],
    ['abc', 2, 'd', '@3'],
    ['abc', 2, 'de', '@4'],
    ['abc', 'no_stream', 'a', '@0'],
    ['abc', 'no_stream', 'abc', '@2'],
    ['abc', 0, 'b', '@1'],
    ['abc', 0, 'bc', '@2'],
    ['abc', 1, 'b', 'wrong, at 2'],
    ['abc', 0, 'x', 'wrong, at 2'],
    ['abc', 0, 'bx', 'wrong, at 2'],
    ['abc', 0, 'bcd', 'wrong, at 2'],
    ['abc', 'no_stream', 'x', 'wrong, at 2'],
    ['abc', 7, 'd', 'wrong, at 2'],
    // At the head the store writes, ids known or not: only the writer can know better.
    ['abc', 2, 'c', '@3'],
  ] as const)('in %j, expecting %s, giving %j: %s', async (before, expected, given, heard) => {
    const store = await storeWith(before);
    expect(short(await store.append('s', expected, events(given)))).toBe(heard);
    if (heard.startsWith('wrong')) expect(store.all()).toHaveLength(before.length);
  });

  it('answer a repeat with the place of the first time and write nothing', async () => {
    const store = await storeWith('ab');
    const first = await store.append('s', 1, events('cd'));
    expect(await store.append('s', 1, events('cd'))).toEqual(first);
    expect(store.all()).toHaveLength(4);
  });

  it('refuse what the store refuses: nothing, no UUID, a megabyte', async () => {
    const store = new MemoryStore();
    expect(short(await store.append('s', 'no_stream', []))).toBe('STORE_REFUSED');
    expect(short(await store.append('s', 'no_stream', [{ ...event('a'), id: 'a' }]))).toBe('STORE_REFUSED');
    expect(short(await store.append('s', 'no_stream', [{ ...event('a'), data: { text: 'x'.repeat(1024 * 1024) } }]))).toBe('STORE_REFUSED');
    expect(store.all()).toEqual([]);
  });

  it('take what is given when it is given', async () => {
    const store = new MemoryStore();
    const data = { name: 'before' };
    const appending = store.append('s', 'no_stream', [{ ...event('a'), data }]);
    data.name = 'after';
    await appending;
    expect(store.all()[0]?.data).toEqual({ name: 'before' });
  });

  it('go wrong as planned, written or not', async () => {
    const store = new MemoryStore();
    store.failNext('append', 'unavailable');
    expect(short(await store.append('s', 'no_stream', events('a')))).toBe('STORE_UNAVAILABLE');
    store.failNext('append', 'unknown_not_written');
    expect(short(await store.append('s', 'no_stream', events('a')))).toBe('APPEND_OUTCOME_UNKNOWN');
    expect(store.all()).toHaveLength(0);
    store.failNext('append', 'unknown_written');
    expect(short(await store.append('s', 'no_stream', events('a')))).toBe('APPEND_OUTCOME_UNKNOWN');
    expect(short(await store.append('s', 'no_stream', events('a')))).toBe('@0');
    store.failNext('append', 'unknown_in_flight');
    expect(short(await store.append('s', 0, events('b')))).toBe('APPEND_OUTCOME_UNKNOWN');
    expect(store.all()).toHaveLength(1);
    store.land();
    expect(store.all()).toHaveLength(2);
  });

  it('wait while they are held', async () => {
    const store = new MemoryStore();
    const release = store.hold();
    const appending = store.append('s', 'no_stream', events('a'));
    expect(await store.read('s')).toEqual({ ok: true, exists: false, events: [] });
    release();
    expect(short(await appending)).toBe('@0');
  });
});

describe('reads', () => {
  it.each([
    [{}, [0, 1, 2, 3]],
    [{ from: 2 }, [2, 3]],
    [{ from: 1, maxCount: 2 }, [1, 2]],
    [{ from: 'end' }, []],
    [{ from: 9 }, []],
    [{ direction: 'backwards', maxCount: 1 }, [3]],
    [{ direction: 'backwards', from: 2 }, [2, 1, 0]],
    [{ direction: 'backwards', from: 'end', maxCount: 2 }, [3, 2]],
    [{ direction: 'backwards', from: 'start' }, [0]],
  ] as const)('%j give the revisions %j', async (options, revisions) => {
    const read = await (await storeWith('abcd')).read('s', options);
    expect(read.ok && read.events.map(({ revision }) => revision)).toEqual(revisions);
  });

  it('tell a stream that is not there from a store that cannot answer', async () => {
    const store = new MemoryStore();
    expect(await store.read('s')).toEqual({ ok: true, exists: false, events: [] });
    store.failNext('read', 'unavailable');
    expect(await store.read('s')).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
    await store.close();
    expect(await store.head()).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
  });
});

describe('subscriptions', () => {
  const none = { onFailed: () => undefined, name: 'test' };

  it('deliver the log in order, of the streams asked for, after the place given, one at a time', async () => {
    const store = new MemoryStore();
    const seen: string[] = [];
    let busy = 0;
    for (const [i, name] of [...'abc'].entries()) {
      await store.append(`x-${name}`, 'no_stream', [event(`x${i}`)]);
      await store.append(`y-${name}`, 'no_stream', [event(`y${i}`)]);
    }
    const first = store.all()[0]?.position ?? 0n;
    const subscription = store.subscribeAll({ ...none, after: first, streamPrefixes: ['x-'], onEvent: async ({ stream }) => {
      busy += 1;
      expect(busy).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(stream);
      busy -= 1;
    } });
    await store.settled();
    expect(seen).toEqual(['x-b', 'x-c']);
    await store.append('x-d', 'no_stream', [event('d')]);
    await store.settled();
    expect(seen).toEqual(['x-b', 'x-c', 'x-d']);
    expect(subscription.isLive()).toBe(true);
    expect(subscription.position()).toBe(store.all().at(-1)?.position);
  });

  it('start at the end without what was there before', async () => {
    const store = await storeWith('ab');
    const seen: number[] = [];
    store.subscribeAll({ ...none, after: 'end', streamPrefixes: ['s'], onEvent: ({ revision }) => void seen.push(revision) });
    await store.append('s', 1, events('c'));
    await store.settled();
    expect(seen).toEqual([2]);
  });

  it('end when the handler throws, and say so', async () => {
    const store = await storeWith('ab');
    const failures: unknown[] = [];
    const subscription = store.subscribeAll({ after: 'start', streamPrefixes: ['s'], name: 'test', onFailed: (error) => failures.push(error), onEvent: () => Promise.reject(new Error('broken')) });
    await subscription.stop();
    expect(failures).toEqual([]);
    const other = store.subscribeAll({ after: 'start', streamPrefixes: ['s'], name: 'test', onFailed: (error) => failures.push(error), onEvent: () => Promise.reject(new Error('broken')) });
    await store.settled();
    expect(failures).toEqual([new Error('broken')]);
    expect(other.isLive()).toBe(false);
  });

  it('deliver nothing once stopped', async () => {
    const store = await storeWith('a');
    const seen: number[] = [];
    const subscription = store.subscribeAll({ ...none, after: 'start', streamPrefixes: ['s'], onEvent: ({ revision }) => void seen.push(revision) });
    await store.settled();
    await subscription.stop();
    await store.append('s', 0, events('b'));
    expect(seen).toEqual([0]);
  });
});
