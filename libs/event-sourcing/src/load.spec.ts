import { describe, expect, it } from '@jest/globals';
import { eventHashOf, GENESIS_HASH } from '@tallystick/contracts';
import type { RecordedEvent } from '@tallystick/ports';
import { fold, load } from './load.ts';
import { chain, hashOfRecorded, NO_STREAM } from './record.ts';
import { added, context, summing } from './testing/counter.ts';
import { MemoryStore } from './testing/memory-store.ts';

const storeWith = async (...numbers: readonly number[]): Promise<MemoryStore> => {
  const store = new MemoryStore();
  const { events } = chain('sum', NO_STREAM, numbers.map((n, i) => added(`${i}`, n)), context);
  await store.append('sum', 'no_stream', events);
  return store;
};

describe('the chain of a stream', () => {
  it('starts from the genesis hash and carries the hash of the event before', async () => {
    const [first, second] = (await storeWith(1, 2)).all();
    expect(first?.metadata['prevhash']).toBe(GENESIS_HASH);
    expect(second?.metadata['prevhash']).toBe(first && hashOfRecorded(first));
  });

  it('ends where the events lead, so that the next append goes on from there', async () => {
    const store = await storeWith(1, 2);
    const made = chain('sum', NO_STREAM, [added('0', 1), added('1', 2)], context);
    const loaded = await load(store, summing, 'sum');
    expect(loaded.ok && loaded.loaded.end).toEqual(made.end);
  });

  it('is over what will be read back: members that JSON leaves out do not count', () => {
    const fact = { id: added('a', 1).id, event: { type: 'Added' as const, data: { n: 1, note: undefined } } };
    const [given, readBack] = [chain('sum', NO_STREAM, [fact], context), chain('sum', NO_STREAM, [added('a', 1)], context)];
    expect(given.end).toStrictEqual(readBack.end);
    expect(given.bytes).toBe(readBack.bytes);
    expect(JSON.stringify(given.events)).toBe(JSON.stringify(readBack.events));
  });

  it('depends on every part of an event', async () => {
    const [event] = (await storeWith(1)).all();
    if (!event) throw new Error('nothing recorded');
    const changed = [{ stream: 'other' }, { revision: 1 }, { id: added('x', 1).id }, { type: 'Other' }, { data: { n: 2 } }, { metadata: { ...event.metadata, actor: 'x' } }];
    expect(new Set([event, ...changed.map((change) => ({ ...event, ...change }))].map((one) => eventHashOf(one))).size).toBe(changed.length + 1);
  });
});

describe('loading a stream', () => {
  it('folds every event with its revision', async () => {
    expect(await load(await storeWith(1, 2, 3), summing, 'sum')).toMatchObject({ ok: true, loaded: { state: { total: 6, revisions: [0, 1, 2] } } });
  });

  it.each([1, 2_047, 2_048, 2_049, 5_000])('reads a stream of %d events a part at a time, and comes to the same', async (length) => {
    const store = await storeWith(...Array.from({ length }, (_, i) => i));
    const whole = fold(summing, 'sum', store.all());
    expect(await load(store, summing, 'sum')).toEqual(whole);
    store.failNext('read', 'unavailable');
    expect(await load(store, summing, 'sum')).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
  });

  it('fails as a whole when a later part of it cannot be read', async () => {
    const store = await storeWith(...Array.from({ length: 3_000 }, (_, i) => i));
    let reads = 0;
    const flaky: Pick<MemoryStore, 'read'> = { read: (stream, options) => ((reads += 1) === 2 ? Promise.resolve({ ok: false, code: 'STORE_UNAVAILABLE', detail: 'gone' }) : store.read(stream, options)) };
    expect(await load(Object.assign(Object.create(store) as MemoryStore, flaky), summing, 'sum')).toEqual({ ok: false, code: 'STORE_UNAVAILABLE', detail: 'gone' });
  });

  it('gives the initial state for a stream that is not there', async () => {
    expect(await load(new MemoryStore(), summing, 'sum')).toMatchObject({ ok: true, loaded: { state: { total: 0 }, end: NO_STREAM } });
  });

  it('fails, and does not look empty, when the store cannot answer', async () => {
    const store = await storeWith(1);
    store.failNext('read', 'unavailable');
    expect(await load(store, summing, 'sum')).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
  });

  it.each<[string, (event: RecordedEvent) => RecordedEvent]>([
    ['was changed', (event) => ({ ...event, data: { n: 20 } })],
    ['has other metadata than it was chained with', (event) => ({ ...event, metadata: { ...event.metadata, actor: 'x' } })],
    ['was put in another place', (event) => ({ ...event, revision: 7 })],
  ])('refuses a stream in which an event %s', async (_what, change) => {
    const events = (await storeWith(1, 2, 3)).all().map((event, i) => (i === 1 ? change(event) : event));
    expect(fold(summing, 'sum', events)).toMatchObject({ ok: false, code: 'STREAM_UNREADABLE', detail: expect.stringContaining('sum@2') });
  });

  it('refuses a stream from which an event was taken', async () => {
    const events = (await storeWith(1, 2, 3)).all().filter(({ revision }) => revision !== 1);
    expect(fold(summing, 'sum', events)).toMatchObject({ ok: false, code: 'STREAM_UNREADABLE' });
  });

  it('refuses a stream with an event that it cannot read: a state made of the rest would be a guess', async () => {
    const store = await storeWith(1);
    const read = await load(store, summing, 'sum');
    if (!read.ok) throw new Error(read.code);
    const { events } = chain('sum', read.loaded.end, [{ id: added('odd', 1).id, event: { type: 'Odd', data: {} } }], context);
    await store.append('sum', 0, events);
    expect(await load(store, summing, 'sum')).toEqual({ ok: false, code: 'STREAM_UNREADABLE', detail: 'sum@1: no Added' });
  });
});
