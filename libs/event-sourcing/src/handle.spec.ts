import { describe, expect, it } from '@jest/globals';
import { appendAfter, handle, handleKnown } from './handle.ts';
import { load, type Loaded } from './load.ts';
import { LogTail } from './log-tail.ts';
import { RecentStreams } from './recent-streams.ts';
import { hashOfRecorded } from './record.ts';
import { added, context, heldTimers, summing, type Sum } from './testing/counter.ts';
import { MemoryStore } from './testing/memory-store.ts';

const add = (store: MemoryStore, cause: string, n: number) => handle(store, summing, 'sum', context, () => [added(cause, n)]);
/** Not started: it has nothing. */
const tailOf = (store: MemoryStore): LogTail => new LogTail(store, { name: 'tail', streamPrefixes: ['sum'], watchedPrefixes: [], timers: heldTimers(), onUnreadable: (error) => { throw error; } });
const totalOf = async (store: MemoryStore): Promise<number> => {
  const read = await load(store, summing, 'sum');
  if (!read.ok) throw new Error(read.detail);
  return read.loaded.state.total;
};

const hashOfLast = (store: MemoryStore): string => {
  const last = store.all().at(-1);
  return last ? hashOfRecorded(last) : '0'.repeat(64);
};

describe('handling', () => {
  it('records what was decided on what was read, and returns the state that leads to', async () => {
    const store = new MemoryStore();
    await add(store, 'a', 1);
    const handled = await handle(store, summing, 'sum', context, ({ state }) => [added('b', state.total + 10), added('c', 100)]);
    expect(handled).toMatchObject({ ok: true, state: { total: 112, revisions: [0, 1, 2] }, revision: 2, recorded: [{ data: { n: 11 } }, { data: { n: 100 } }], position: store.all().at(-1)?.position });
  });

  it('records a fact once, however often it is told, and still returns the state', async () => {
    const store = new MemoryStore();
    await add(store, 'a', 1);
    expect(await add(store, 'a', 1)).toMatchObject({ ok: true, state: { total: 1 }, recorded: [], revision: 0, position: store.all()[0]?.position });
    expect(store.all()).toHaveLength(1);
  });

  it('records the rest of a group that was recorded in part', async () => {
    const store = new MemoryStore();
    await add(store, 'a', 1);
    expect(await handle(store, summing, 'sum', context, () => [added('a', 1), added('b', 2)])).toMatchObject({ ok: true, state: { total: 3 }, recorded: [{ data: { n: 2 } }] });
    expect(await totalOf(store)).toBe(3);
  });

  it('decides again on what is there now when another writer was first', async () => {
    const store = new MemoryStore();
    await add(store, 'a', 1);
    const seen: number[] = [];
    let other: Promise<unknown> | undefined;
    const handled = await handle(store, summing, 'sum', context, ({ state }) => {
      seen.push(state.total);
      // Between this decision and its append somebody else writes.
      other ??= store.append('sum', 0, [{ ...store.all()[0]!, id: added('other', 0).id, data: { n: 5 }, metadata: { prevhash: hashOfLast(store) } }]);
      return [added('mine', state.total)];
    });
    await other;
    expect(seen).toEqual([1, 6]);
    expect(handled).toMatchObject({ ok: true, state: { total: 12 }, revision: 2 });
    expect(await totalOf(store)).toBe(12);
  });

  it('loses nothing and doubles nothing when many write at once', async () => {
    const store = new MemoryStore();
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => add(store, `w${i}`, 1)));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(await totalOf(store)).toBe(8);
  });

  it('gives up when the stream never rests, having recorded nothing', async () => {
    const store = new MemoryStore();
    let round = 0;
    const handled = await handle(store, summing, 'sum', context, () => {
      round += 1;
      void store.append('sum', round === 1 ? 'no_stream' : round - 2, [{ id: added(`noise${round}`, 0).id, type: 'Added', data: { n: 0 }, metadata: { prevhash: hashOfLast(store) } }]);
      return [added('mine', 1)];
    });
    expect(handled).toMatchObject({ ok: false, code: 'STREAM_CONTENDED' });
    expect(await totalOf(store)).toBe(0);
  });

  it.each(['unknown_written', 'unknown_not_written'] as const)('does not guess when the answer is lost (%s); the same fact again is recorded once', async (fault) => {
    const store = new MemoryStore();
    store.failNext('append', fault);
    expect(await add(store, 'a', 1)).toMatchObject({ ok: false, code: 'APPEND_OUTCOME_UNKNOWN' });
    expect(await add(store, 'a', 1)).toMatchObject({ ok: true, state: { total: 1 } });
    expect(await totalOf(store)).toBe(1);
  });

  it('records a fact once even when the lost append lands after its repeat', async () => {
    const store = new MemoryStore();
    store.failNext('append', 'unknown_in_flight');
    await add(store, 'a', 1);
    await add(store, 'a', 1);
    store.land();
    expect(await totalOf(store)).toBe(1);
  });

  it('passes on that the store cannot be reached', async () => {
    const store = new MemoryStore();
    store.failNext('read', 'unavailable');
    expect(await add(store, 'a', 1)).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
    store.failNext('append', 'unavailable');
    expect(await add(store, 'a', 1)).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
    expect(store.all()).toEqual([]);
  });
});

describe('one append after what was loaded', () => {
  it('is not tried again when another writer was first: for a claim, losing is the answer', async () => {
    const store = new MemoryStore();
    const read = await load(store, summing, 'sum');
    if (!read.ok) throw new Error(read.code);
    const loaded: Loaded<Sum> = read.loaded;
    expect(await appendAfter(store, summing, 'sum', context, loaded, [added('claim-1', 1)])).toMatchObject({ ok: true, state: { total: 1 } });
    expect(await appendAfter(store, summing, 'sum', context, loaded, [added('claim-2', 1)])).toMatchObject({ ok: false, code: 'WRONG_EXPECTED_REVISION', detail: expect.stringContaining('sum') });
    expect(await totalOf(store)).toBe(1);
  });
});

describe('handling what was just seen', () => {
  const remembering = (store: MemoryStore, recent: RecentStreams<Sum>, cause: string, n: number) => handleKnown(store, summing, 'sum', context, () => [added(cause, n)], { recent, tail: tailOf(store) });

  it('reads nothing for what it has recorded before', async () => {
    const store = new MemoryStore();
    const recent = new RecentStreams<Sum>(2);
    await remembering(store, recent, 'a', 1);
    store.failNext('read', 'unavailable');
    expect(await remembering(store, recent, 'a', 1)).toMatchObject({ ok: true, state: { total: 1 }, recorded: [], revision: 0 });
    expect(await load(store, summing, 'sum')).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
    expect(await totalOf(store)).toBe(1);
  });

  it('chains to what is there, also when another process recorded the same fact in its own words', async () => {
    const store = new MemoryStore();
    const [ours, theirs] = [new RecentStreams<Sum>(2), new RecentStreams<Sum>(2)];
    const later = { ...context, time: '2024-01-02T00:00:01.000Z' };
    const both = (when: typeof context, recent: RecentStreams<Sum>) => handleKnown(store, summing, 'sum', when, () => [added('same', 1)], { recent, tail: tailOf(store) });
    const release = store.hold();
    const racing = [both(context, ours), both(later, theirs)];
    release();
    expect(await Promise.all(racing)).toMatchObject([{ ok: true }, { ok: true }]);
    for (const [i, recent] of [ours, theirs].entries()) expect(await remembering(store, recent, `next-${i}`, 10)).toMatchObject({ ok: true });
    expect(await load(store, summing, 'sum')).toMatchObject({ ok: true, loaded: { state: { total: 21 } } });
  });

  it('decides again on what is there when somebody else wrote meanwhile', async () => {
    const store = new MemoryStore();
    const recent = new RecentStreams<Sum>(2);
    await remembering(store, recent, 'a', 1);
    await add(store, 'other', 10);
    expect(await remembering(store, recent, 'b', 2)).toMatchObject({ ok: true, state: { total: 13, revisions: [0, 1, 2] }, revision: 2 });
    expect(await totalOf(store)).toBe(13);
  });

  it('reads again after a failure, whatever came of it', async () => {
    const store = new MemoryStore();
    const recent = new RecentStreams<Sum>(2);
    await remembering(store, recent, 'a', 1);
    store.failNext('append', 'unknown_written');
    expect(await remembering(store, recent, 'b', 2)).toMatchObject({ ok: false });
    expect(recent.take('sum')).toBeUndefined();
    expect(await remembering(store, recent, 'b', 2)).toMatchObject({ ok: true, state: { total: 3 } });
  });

  it('keeps no more streams than it was told, the newest', () => {
    const recent = new RecentStreams<number>(2);
    for (const n of [1, 2, 3]) recent.keep(`s${n}`, { state: n, end: { revision: 0, hash: '' }, ids: new Set() });
    expect([recent.take('s1'), recent.take('s2')?.state, recent.take('s3')?.state]).toEqual([undefined, 2, 3]);
  });
});

describe('handling what the log handed over', () => {
  const followed = async (store: MemoryStore): Promise<{ readonly recent: RecentStreams<Sum>; readonly tail: LogTail }> => {
    const tail = tailOf(store);
    tail.start();
    await store.settled();
    return { recent: new RecentStreams<Sum>(2), tail };
  };
  const known = (store: MemoryStore, from: { readonly recent: RecentStreams<Sum>; readonly tail: LogTail }, cause: string, n: number) =>
    handleKnown(store, summing, 'sum', context, () => [added(cause, n)], from);

  it('appends without reading', async () => {
    const store = new MemoryStore();
    const from = await followed(store);
    await add(store, 'other', 10);
    await store.settled();
    store.failNext('read', 'unavailable');
    expect(await known(store, from, 'a', 1)).toMatchObject({ ok: true, state: { total: 11 }, revision: 1 });
    expect(await load(store, summing, 'sum')).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
    expect(await totalOf(store)).toBe(11);
  });

  it('reads when the log has moved on since, or has not come as far as this process left it', async () => {
    const store = new MemoryStore();
    const from = await followed(store);
    await add(store, 'one', 1);
    await store.settled();
    // Between what was handed over and the append another writer is first.
    const release = store.hold();
    const racing = [add(store, 'two', 2), known(store, from, 'a', 10)];
    release();
    expect(await Promise.all(racing)).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await known(store, from, 'b', 100)).toMatchObject({ ok: true, state: { total: 113 }, revision: 3 });
    expect(await totalOf(store)).toBe(113);
  });
});
