import { describe, expect, it } from '@jest/globals';
import { uuidOf } from '@tallystick/contracts';
import { load } from './load.ts';
import { OwnedStream } from './owned-stream.ts';
import type { Fact } from './record.ts';
import { context, summing, type Added, type Sum } from './testing/counter.ts';
import { MemoryStore } from './testing/memory-store.ts';

let drawn = 0;
/** Claims and decisions of an owner carry fresh ids. */
const fresh = (n: number): Fact<Added> => ({ id: uuidOf('test/fresh', String((drawn += 1))), event: { type: 'Added', data: { n } } });

const open = async (store: MemoryStore): Promise<OwnedStream<Sum, Added>> => {
  const opened = await OwnedStream.open(store, summing, 'sum');
  if (!opened.ok) throw new Error(opened.detail);
  return opened.owned;
};
const add = (owned: OwnedStream<Sum, Added>, n: number) => owned.submit(context, (state) => ({ facts: [fresh(n)], result: state.total }));
const stored = async (store: MemoryStore): Promise<number> => {
  const read = await load(store, summing, 'sum');
  if (!read.ok) throw new Error(read.detail);
  return read.loaded.state.total;
};
/** Turns of the event loop: enough for everything that needs no answer from outside. */
const turn = () => new Promise((resolve) => setImmediate(resolve));
/** Appends that reached the store. */
const countedStore = () => {
  let appends = 0;
  const store = new MemoryStore({ fault: ({ on }) => void (on === 'append' && (appends += 1)) });
  return { store, appends: () => appends };
};

describe('a stream with one writer', () => {
  it('runs tasks one after the other, each on what the ones before decided', async () => {
    const owned = await open(new MemoryStore());
    const outcomes = await Promise.all([1, 2, 3].map((n) => add(owned, n)));
    expect(outcomes).toMatchObject([{ ok: true, result: 0 }, { ok: true, result: 1 }, { ok: true, result: 3 }]);
    expect(owned.peek().total).toBe(6);
    expect(owned.revision()).toBe(2);
  });

  it('appends what arrives together in one group', async () => {
    const { store, appends } = countedStore();
    const owned = await open(store);
    await Promise.all(Array.from({ length: 100 }, () => add(owned, 1)));
    expect(appends()).toBe(1);
    expect(await stored(store)).toBe(100);
  });

  it('groups what arrives during an append into the next one', async () => {
    const { store, appends } = countedStore();
    const owned = await open(store);
    const release = store.hold();
    const first = add(owned, 1);
    await turn();
    const others = [2, 3, 4].map((n) => add(owned, n));
    release();
    await Promise.all([first, ...others]);
    expect(appends()).toBe(2);
    expect(await stored(store)).toBe(10);
  });

  it('bounds a group by tasks and by bytes', async () => {
    const { store, appends } = countedStore();
    const owned = await open(store);
    await Promise.all(Array.from({ length: 600 }, () => add(owned, 1)));
    expect(appends()).toBe(3);
    const note = 'x'.repeat(200 * 1024);
    const large = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => owned.submit(context, () => ({ facts: [{ ...fresh(n), event: { type: 'Added', data: { n, note } } }], result: n }))));
    expect(large.every(({ ok }) => ok)).toBe(true);
    expect(appends()).toBe(7);
  });

  it('never puts into one append what the store would refuse together', async () => {
    const { store, appends } = countedStore();
    const owned = await open(store);
    const note = 'x'.repeat(400 * 1024);
    const outcomes = await Promise.all([1, 2].map((n) => owned.submit(context, () => ({ facts: [{ ...fresh(n), event: { type: 'Added' as const, data: { n, note } } }], result: n }))));
    expect(outcomes).toMatchObject([{ ok: true, revision: 0 }, { ok: true, revision: 1 }]);
    expect(appends()).toBe(2);
  });

  it('rejects a task that throws, keeps those before it, and forgets what the throw left in memory', async () => {
    const store = new MemoryStore();
    const owned = await open(store);
    const first = add(owned, 1);
    const thrown = owned.submit(context, (state) => {
      (state as { total: number }).total = 999;
      throw new Error('a fault of ours');
    });
    const after = add(owned, 2);
    await expect(thrown).rejects.toThrow('a fault of ours');
    expect(await first).toMatchObject({ ok: true, result: 0 });
    expect(await after).toMatchObject({ ok: true, result: 1 });
    expect(await stored(store)).toBe(3);
  });

  it('answers nothing before it is durable', async () => {
    const store = new MemoryStore();
    const owned = await open(store);
    const release = store.hold();
    const answered: string[] = [];
    const deciding = add(owned, 1).then(() => answered.push('decision'));
    const asking = owned.submit(context, (state) => ({ facts: [], result: state.total })).then(() => answered.push('question'));
    await turn();
    expect(answered).toEqual([]);
    release();
    await Promise.all([deciding, asking]);
    expect(answered).toEqual(['decision', 'question']);
  });

  it('asks the store nothing for a task without facts', async () => {
    const { store, appends } = countedStore();
    const owned = await open(store);
    await add(owned, 5);
    expect(await owned.submit(context, (state) => ({ facts: [], result: state.total }))).toEqual({ ok: true, result: 5, revision: 0, position: store.all()[0]?.position });
    expect(appends()).toBe(1);
  });

  it('takes a task that is handed over in the very turn its predecessor is answered', async () => {
    const owned = await open(new MemoryStore());
    // Each is handed over a different number of turns after the answer before.
    for (let turns = 0; turns < 8; turns += 1) {
      expect(await add(owned, 1)).toMatchObject({ ok: true, revision: turns });
      for (let i = 0; i < turns; i += 1) await Promise.resolve();
    }
  });

  it('answers each task with its own revision', async () => {
    const owned = await open(new MemoryStore());
    const addTwo = () => owned.submit(context, () => ({ facts: [fresh(1), fresh(1)], result: 'two' }));
    expect(await Promise.all([add(owned, 1), addTwo(), add(owned, 1)])).toMatchObject([{ revision: 0 }, { revision: 2 }, { revision: 3 }]);
  });

  it('goes on where the stream ends when it is opened again', async () => {
    const store = new MemoryStore();
    await add(await open(store), 1);
    const owned = await open(store);
    expect(await add(owned, 2)).toMatchObject({ ok: true, result: 1 });
    expect(await stored(store)).toBe(3);
  });

  it('is idle when everything is answered', async () => {
    const owned = await open(new MemoryStore());
    let answered = 0;
    for (let i = 0; i < 5; i += 1) void add(owned, 1).then(() => (answered += 1));
    await owned.idle();
    await turn();
    expect(answered).toBe(5);
  });
});

describe('a failed append', () => {
  it.each(['unavailable', 'refused', 'unknown_not_written'] as const)('%s: fails the tasks of its group, and the next task decides on what is stored', async (fault) => {
    const store = new MemoryStore();
    const owned = await open(store);
    await add(owned, 1);
    store.failNext('append', fault);
    const failed = await Promise.all([add(owned, 10), add(owned, 20)]);
    expect(failed.map(({ ok }) => ok)).toEqual([false, false]);
    expect(await add(owned, 2)).toMatchObject({ ok: true, result: 1 });
    expect(await stored(store)).toBe(3);
  });

  it('whose answer was lost but not its events: the next task decides on them', async () => {
    const store = new MemoryStore();
    const owned = await open(store);
    store.failNext('append', 'unknown_written');
    expect(await add(owned, 10)).toMatchObject({ ok: false, code: 'APPEND_OUTCOME_UNKNOWN' });
    expect(await add(owned, 1)).toMatchObject({ ok: true, result: 10 });
    expect(await stored(store)).toBe(11);
  });

  it('that lands late is fenced by the revision: it never stands beside what was decided without it', async () => {
    const store = new MemoryStore();
    const owned = await open(store);
    store.failNext('append', 'unknown_in_flight');
    await add(owned, 10);
    expect(await add(owned, 1)).toMatchObject({ ok: true, result: 0 });
    store.land();
    expect(await stored(store)).toBe(1);
  });

  it('fails tasks one by one while the stream cannot be read again, and recovers when it can', async () => {
    const store = new MemoryStore();
    const owned = await open(store);
    store.failNext('append', 'unavailable');
    await add(owned, 1);
    store.failNext('read', 'unavailable', 2);
    expect(await Promise.all([add(owned, 1), add(owned, 2), add(owned, 4)])).toMatchObject([
      { ok: false, code: 'STORE_UNAVAILABLE' }, { ok: false, code: 'STORE_UNAVAILABLE' }, { ok: true, result: 0 },
    ]);
    expect(await stored(store)).toBe(4);
  });

  it('does not go on over a stream that it cannot read', async () => {
    const store = new MemoryStore();
    const owned = await open(store);
    await add(owned, 1);
    await store.append('sum', 0, [{ id: fresh(0).id, type: 'Added', data: { n: 100 }, metadata: { prevhash: 'forged' } }]);
    expect(await add(owned, 1)).toMatchObject({ ok: false, code: 'OWNERSHIP_LOST' });
    expect(await add(owned, 1)).toMatchObject({ ok: false, code: 'STREAM_UNREADABLE' });
  });
});

describe('of two writers', () => {
  it('only one wins, and the other hears OWNERSHIP_LOST for everything it had in hand', async () => {
    const store = new MemoryStore();
    const [old, now] = [await open(store), await open(store)];
    await add(now, 1);
    const release = store.hold();
    const first = add(old, 10);
    await turn();
    const queued = add(old, 20);
    release();
    expect(await first).toMatchObject({ ok: false, code: 'OWNERSHIP_LOST', detail: 'sum is at 0, this writer was at no_stream' });
    expect(await queued).toMatchObject({ ok: false, code: 'OWNERSHIP_LOST' });
    expect(await stored(store)).toBe(1);
  });

  it('one that is asked again decides on what the other wrote', async () => {
    const store = new MemoryStore();
    const [old, now] = [await open(store), await open(store)];
    await add(now, 1);
    await add(old, 10);
    expect(await add(old, 10)).toMatchObject({ ok: true, result: 1 });
    expect(await stored(store)).toBe(11);
  });
});
