import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventStore } from '@tallystick/ports';
import { newEvent } from '../testing/world.ts';
import type { Target } from './target.ts';
import { openTarget } from './target.ts';
import { codeOf, ContractWorld, expectNumbered, mustAppend, mustRead, writeAll } from './world.ts';

const world = new ContractWorld();
let target: Target;

beforeAll(async () => {
  target = await openTarget();
});

afterAll(async () => {
  await world.close();
  await target.dispose();
});

describe.each(['batch', 'unary'] as const)('the contract of appends (%s)', (appendPath) => {
  let store: EventStore;
  beforeAll(() => {
    store = world.open(target.url, { appendPath });
  });

  it('numbers the events of a stream from 0 and orders them in the log', async () => {
    const stream = world.stream();
    const first = await mustAppend(store, stream, 'no_stream', [newEvent({ n: 0 })]);
    const second = await mustAppend(store, stream, 0, [newEvent({ n: 1 }), newEvent({ n: 2 })]);
    expect([first.revision, second.revision]).toEqual([0, 2]);
    expect(second.position).toBeGreaterThan(first.position);
    const events = await mustRead(store, stream);
    expect(events.map(({ revision }) => revision)).toEqual([0, 1, 2]);
    expect(events[0]?.position).toBe(first.position);
    expect(events[2]?.position).toBe(second.position);
  });

  it('gives back what was written', async () => {
    const stream = world.stream();
    const event = { ...newEvent({ qty: '1.50', nested: { list: [1, null, 'x'] } }, 'OrderAccepted'), metadata: { actor: 'pm', n: 1 } };
    const beforeMs = Date.now();
    const { position } = await mustAppend(store, stream, 'no_stream', [event]);
    const [read] = await mustRead(store, stream);
    const spelled = { data: Buffer.from(JSON.stringify(event.data)), metadata: Buffer.from(JSON.stringify(event.metadata)) };
    expect(read).toEqual({ ...event, stream, revision: 0, position, recordedAtMs: read?.recordedAtMs, spelled });
    // The clock of a store elsewhere may differ; minutes would be a wrong unit.
    expect(Math.abs((read?.recordedAtMs ?? 0) - beforeMs)).toBeLessThan(60_000);
  });

  it('tells the actual revision to who expected another', async () => {
    const stream = world.stream();
    expect(await store.append(stream, 3, [newEvent()])).toEqual({ ok: false, code: 'WRONG_EXPECTED_REVISION', actual: 'no_stream' });
    await mustAppend(store, stream, 'no_stream', [newEvent(), newEvent(), newEvent()]);
    for (const expected of ['no_stream', 0, 1, 3, 100] as const) {
      expect(await store.append(stream, expected, [newEvent()])).toEqual({ ok: false, code: 'WRONG_EXPECTED_REVISION', actual: 2 });
    }
    expect(await mustRead(store, stream)).toHaveLength(3);
  });

  it('answers a repeat of the same ids at the same revision with the first answer, also when the stream has gone on', async () => {
    const stream = world.stream();
    const events = [newEvent(), newEvent()];
    const first = await mustAppend(store, stream, 'no_stream', events);
    expect(await store.append(stream, 'no_stream', events)).toEqual(first);
    const more = await mustAppend(store, stream, 1, [newEvent()]);
    expect(await store.append(stream, 'no_stream', events)).toEqual(first);
    expect((await mustRead(store, stream)).at(-1)?.position).toBe(more.position);
    expect(await mustRead(store, stream)).toHaveLength(3);
  });

  it('does not take half a repeat for a repeat', async () => {
    const stream = world.stream();
    const [a, b, c] = [newEvent(), newEvent(), newEvent()];
    await mustAppend(store, stream, 'no_stream', [a, b]);
    for (const events of [[a, c], [c, b], [a, b, c], [b]]) {
      expect(await store.append(stream, 'no_stream', events)).toEqual({ ok: false, code: 'WRONG_EXPECTED_REVISION', actual: 1 });
    }
    expect(await mustRead(store, stream)).toHaveLength(2);
  });

  it('lets exactly one of 64 win a stream that does not exist', async () => {
    const stream = world.stream();
    const outcomes = await Promise.all(Array.from({ length: 64 }, (_, n) => store.append(stream, 'no_stream', [newEvent({ n })])));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(outcomes.filter((outcome) => codeOf(outcome) === 'WRONG_EXPECTED_REVISION')).toHaveLength(63);
    const winner = outcomes.findIndex(({ ok }) => ok);
    expect((await mustRead(store, stream)).map(({ data }) => data['n'])).toEqual([winner]);
  });

  it('lets exactly one of 64 win every revision of one stream', async () => {
    const stream = world.stream();
    await mustAppend(store, stream, 'no_stream', [newEvent({ writer: 'first' })]);
    const writers = Array.from({ length: 64 }, async (_, writer) => {
      let expected = 0;
      for (;;) {
        const outcome = await store.append(stream, expected, [newEvent({ writer })]);
        if (outcome.ok) return outcome.revision;
        if (outcome.code !== 'WRONG_EXPECTED_REVISION' || outcome.actual === 'no_stream') throw new Error(JSON.stringify(outcome));
        expected = outcome.actual;
      }
    });
    const revisions = await Promise.all(writers);
    expect([...revisions].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, n) => n + 1));
    const events = await mustRead(store, stream);
    expect(revisions.every((revision, writer) => events[revision]?.data['writer'] === writer)).toBe(true);
  });

  it('keeps what 64 writers write side by side', async () => {
    const streams = Array.from({ length: 64 }, () => world.stream());
    await Promise.all(streams.map((stream) => writeAll(store, stream, 20)));
    for (const stream of streams) await expectNumbered(store, stream, 20);
  });

  it('writes an append of several events whole or not at all', async () => {
    const stream = world.stream();
    const events = Array.from({ length: 200 }, (_, n) => newEvent({ n }));
    const outcome = await mustAppend(store, stream, 'no_stream', events);
    expect(outcome.revision).toBe(199);
    expect((await mustRead(store, stream)).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
  });

  it('holds events of 900 KB, and refuses what is too large without harm to others', async () => {
    const [big, tooBig, small] = [world.stream(), world.stream(), world.stream()];
    const payload = 'é'.repeat(450_000);
    const outcomes = await Promise.all([
      store.append(big, 'no_stream', [newEvent({ payload })]),
      store.append(tooBig, 'no_stream', [newEvent({ payload: 'x'.repeat(1_100_000) })]),
      store.append(small, 'no_stream', [newEvent()]),
    ]);
    expect(outcomes.map(codeOf)).toEqual(['ok', 'STORE_REFUSED', 'ok']);
    expect((await mustRead(store, big))[0]?.data['payload']).toBe(payload);
    expect(await store.read(tooBig)).toEqual({ ok: true, exists: false, events: [] });
  });

  it('keeps every kind of text', async () => {
    const stream = world.stream('bestellung-größe-注文-🧾');
    const event = { ...newEvent({ 'schlüssel': 'Ω≈ç√ 訂單 🧾\u0000\u2028', lone: '\ud800' }, 'Aufträge·受付'), metadata: { 名: '値' } };
    await mustAppend(store, stream, 'no_stream', [event]);
    expect(await mustRead(store, stream)).toMatchObject([{ ...event, stream }]);
  });

  it('answers a wrong revision on a stream with every kind of text', async () => {
    const stream = world.stream('größe-🧾');
    await mustAppend(store, stream, 'no_stream', [newEvent()]);
    expect(await store.append(stream, 'no_stream', [newEvent()])).toEqual({ ok: false, code: 'WRONG_EXPECTED_REVISION', actual: 0 });
  });
});

describe('the contract of reads', () => {
  let store: EventStore;
  let stream: string;
  const revisions = async (options?: Parameters<EventStore['read']>[1]): Promise<readonly number[]> => (await mustRead(store, stream, options)).map(({ revision }) => revision);

  beforeAll(async () => {
    store = world.open(target.url);
    stream = world.stream();
    await mustAppend(store, stream, 'no_stream', Array.from({ length: 10 }, (_, n) => newEvent({ n })));
  });

  it('reads forwards from a revision on, with it, as many as asked', async () => {
    expect(await revisions()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await revisions({ from: 7 })).toEqual([7, 8, 9]);
    expect(await revisions({ from: 3, maxCount: 2 })).toEqual([3, 4]);
  });

  it('reads backwards from a revision on, with it, or from the end', async () => {
    expect(await revisions({ direction: 'backwards', maxCount: 1 })).toEqual([9]);
    expect(await revisions({ direction: 'backwards', from: 2 })).toEqual([2, 1, 0]);
    expect(await revisions({ direction: 'backwards', from: 'end', maxCount: 3 })).toEqual([9, 8, 7]);
  });

  it('finds nothing beyond the end of a stream that exists, and no stream where there is none', async () => {
    expect(await store.read(stream, { from: 10 })).toEqual({ ok: true, exists: true, events: [] });
    expect(await store.read(world.stream())).toEqual({ ok: true, exists: false, events: [] });
  });

  it('knows the newest event of the log', async () => {
    const { position } = await mustAppend(store, stream, 9, [newEvent()]);
    const head = await store.head();
    expect(head.ok && head.position !== undefined && head.position >= position).toBe(true);
  });
});
