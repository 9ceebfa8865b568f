import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventStore } from '@tallystick/ports';
import type { EventStoreOptions } from './connect.ts';
import { connectEventStore } from './connect.ts';
import type { Step } from './testing/scripted-store.ts';
import { ScriptedStore } from './testing/scripted-store.ts';
import { countingMetrics, newEvent, recordingLog, systemPorts, until } from './testing/world.ts';

const DEADLINE_MS = 600;
/** Where the answer is what counts and the machine may be busy. */
const PATIENT_MS = 30_000;
let store: ScriptedStore;
let opened: EventStore[];
const log = recordingLog();
const metrics = countingMetrics();

const connect = (options: Partial<EventStoreOptions> = {}): EventStore => {
  const one = connectEventStore({ url: store.url, ports: systemPorts(), log, metrics, connectionName: 'spec', appendDeadlineMs: DEADLINE_MS, ...options });
  opened.push(one);
  return one;
};

/** Answers the first appends as scripted, the rest normally. */
const script = (...steps: readonly Step[]): void => {
  const left = [...steps];
  store.onAppend = () => left.shift() ?? 'answer';
};

beforeEach(async () => {
  opened = [];
  store = new ScriptedStore();
  await store.start();
});

afterEach(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await store.stop();
});

describe.each(['batch', 'unary'] as const)('an append (%s)', (appendPath) => {
  it('gives revision and position of the last event', async () => {
    const outcome = await connect({ appendPath }).append('order-1', 'no_stream', [newEvent(), newEvent()]);
    expect(outcome).toEqual({ ok: true, revision: 1, position: 20n });
  });

  it('tells the actual revision when another was expected', async () => {
    const one = connect({ appendPath });
    expect(await one.append('order-1', 4, [newEvent()])).toEqual({ ok: false, code: 'WRONG_EXPECTED_REVISION', actual: 'no_stream' });
    await one.append('order-1', 'no_stream', [newEvent()]);
    expect(await one.append('order-1', 'no_stream', [newEvent()])).toEqual({ ok: false, code: 'WRONG_EXPECTED_REVISION', actual: 0 });
  });

  it('is repeated with the same ids and revision when the connection breaks before the answer, and stored once', async () => {
    script('store_and_break');
    const event = newEvent({ qty: '1' });
    expect(await connect({ appendPath }).append('order-1', 'no_stream', [event])).toEqual({ ok: true, revision: 0, position: 10n });
    expect(store.eventsOf('order-1').map(({ id }) => id)).toEqual([event.id]);
    expect(store.arrived).toHaveLength(2);
  });

  it('is asked again on a fresh connection when no answer comes', async () => {
    script('store_and_swallow');
    expect(await connect({ appendPath }).append('order-1', 'no_stream', [newEvent()])).toMatchObject({ ok: true, revision: 0 });
    expect(store.log).toHaveLength(1);
  });

  it('is unknown when no answer comes within its deadline, and a repeat by the caller finds it stored once', async () => {
    store.onAppend = () => 'store_and_swallow';
    const one = connect({ appendPath });
    const event = newEvent();
    expect(await one.append('order-1', 'no_stream', [event])).toMatchObject({ ok: false, code: 'APPEND_OUTCOME_UNKNOWN' });
    store.onAppend = () => 'answer';
    expect(await one.append('order-1', 'no_stream', [event])).toEqual({ ok: true, revision: 0, position: 10n });
    expect(store.log).toHaveLength(1);
  });

  it('is repeated when the store says its write timed out', async () => {
    script({ detail: 'Timeout' }, { detail: 'Timeout' });
    expect(await connect({ appendPath }).append('order-1', 'no_stream', [newEvent()])).toMatchObject({ ok: true, revision: 0 });
    expect(store.arrived).toHaveLength(3);
  });

  it('is unknown, not unavailable, when the store never says more than that it timed out', async () => {
    store.onAppend = () => ({ detail: 'Timeout' });
    expect(await connect({ appendPath }).append('order-1', 'no_stream', [newEvent()])).toMatchObject({ code: 'APPEND_OUTCOME_UNKNOWN' });
  });

  it('is refused when the store refuses it, and asked once', async () => {
    script({ detail: 'AccessDenied' });
    expect(await connect({ appendPath }).append('order-1', 'no_stream', [newEvent()])).toMatchObject({ ok: false, code: 'STORE_REFUSED' });
    expect(store.arrived).toHaveLength(1);
  });

  it('stays unknown when only its repeat is refused', async () => {
    script('store_and_break', { detail: 'AccessDenied' });
    expect(await connect({ appendPath }).append('order-1', 'no_stream', [newEvent()])).toMatchObject({ code: 'APPEND_OUTCOME_UNKNOWN' });
  });

  it('is settled by the wrong revision its repeat meets: the first attempt was not stored', async () => {
    const one = connect({ appendPath });
    await one.append('order-1', 'no_stream', [newEvent()]);
    script({ break: status.UNAVAILABLE });
    expect(await one.append('order-1', 'no_stream', [newEvent()])).toEqual({ ok: false, code: 'WRONG_EXPECTED_REVISION', actual: 0 });
  });

  it('has its position looked up when the store leaves it out', async () => {
    script('answer_without_position');
    expect(await connect({ appendPath }).append('order-1', 'no_stream', [newEvent(), newEvent()])).toEqual({ ok: true, revision: 1, position: 20n });
  });

  it('is unavailable while nothing listens, and works as soon as something does', async () => {
    const { port } = store;
    await store.stop();
    const one = connect({ appendPath });
    const refused = await one.append('order-1', 'no_stream', [newEvent()]);
    expect(refused).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
    expect(JSON.stringify(refused)).toContain('ECONNREFUSED');
    const waiting = one.append('order-1', 'no_stream', [newEvent()]);
    await store.start(port);
    expect(await waiting).toMatchObject({ ok: true, revision: 0 });
  });

  it('goes to the leader when a follower names it', async () => {
    const leader = new ScriptedStore();
    await leader.start();
    try {
      store.onAppend = () => ({ break: status.NOT_FOUND, leaderPort: leader.port });
      const one = connect({ appendPath, appendDeadlineMs: 3_000 });
      expect(await one.append('order-1', 'no_stream', [newEvent()])).toMatchObject({ ok: true, revision: 0 });
      expect([store.log.length, leader.log.length]).toEqual([0, 1]);
    } finally {
      await leader.stop();
    }
  });

  it('is refused unsent when it could harm others or makes no sense', async () => {
    const one = connect({ appendPath });
    const outcomes = await Promise.all([
      one.append('', 'no_stream', [newEvent()]),
      one.append('order-\ud800', 'no_stream', [newEvent()]),
      one.append('order-1', -1, [newEvent()]),
      one.append('order-1', 0.5, [newEvent()]),
      one.append('order-1', 'no_stream', []),
      one.append('order-1', 'no_stream', [{ ...newEvent(), id: 'order-1' }]),
      one.append('order-1', 'no_stream', [{ ...newEvent(), type: '' }]),
    ]);
    expect(outcomes.map((outcome) => !outcome.ok && outcome.code)).toEqual(outcomes.map(() => 'STORE_REFUSED'));
    expect(store.arrived).toEqual([]);
  });

  it('is settled when the adapter closes, and refused after', async () => {
    store.onAppend = () => 'swallow';
    const one = connect({ appendPath });
    const pending = one.append('order-1', 'no_stream', [newEvent()]);
    await until('it arrived', () => store.arrived.length > 0);
    await one.close();
    expect(await pending).toMatchObject({ code: 'APPEND_OUTCOME_UNKNOWN' });
    expect(await one.append('order-1', 'no_stream', [newEvent()])).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('the batch append stream', () => {
  it('is one for many appends', async () => {
    const one = connect({ appendDeadlineMs: PATIENT_MS });
    const outcomes = await Promise.all(Array.from({ length: 500 }, (_, n) => one.append(`order-${n}`, 'no_stream', [newEvent()])));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(store.batchCalls).toBe(1);
  });

  it('is opened again after a clean end, and what was open on it is sent again in its order', async () => {
    const one = connect();
    await one.append('warm', 'no_stream', [newEvent()]);
    let seen = 0;
    store.onAppend = () => ((seen += 1) <= 9 ? 'swallow' : seen === 10 ? 'end' : 'answer');
    const streams = Array.from({ length: 10 }, (_, n) => `order-${n}`);
    const outcomes = await Promise.all(streams.map((stream) => one.append(stream, 'no_stream', [newEvent()])));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(store.arrived).toEqual(['warm', ...streams, ...streams]);
    expect(store.batchCalls).toBe(2);
  });

  it('keeps the order of appends to one stream that are sent without waiting', async () => {
    const one = connect();
    let seen = 0;
    store.onAppend = () => ((seen += 1) === 25 ? 'store_and_break' : 'answer');
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, n) => one.append('order-1', n === 0 ? 'no_stream' : n - 1, [newEvent({ n })])));
    expect(outcomes.map((outcome) => outcome.ok && outcome.revision)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(store.eventsOf('order-1').map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, n) => JSON.stringify({ n })));
  });

  it('fails every append at once when the store turns the call down', async () => {
    store.onAppend = () => ({ break: status.UNAUTHENTICATED });
    // Far longer than the test may take: what ends it is the refusal, not a deadline.
    const one = connect({ appendDeadlineMs: 600_000 });
    const outcomes = await Promise.all([one.append('order-1', 'no_stream', [newEvent()]), one.append('order-2', 'no_stream', [newEvent()])]);
    expect(outcomes.map((outcome) => !outcome.ok && outcome.code)).toEqual(['STORE_REFUSED', 'STORE_REFUSED']);
  });

  it.each([status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED, status.UNKNOWN])('is not lost to the others over one append that ends it (%d)', async (code) => {
    const one = connect({ appendDeadlineMs: 3_000 });
    await one.append('warm', 'no_stream', [newEvent()]);
    store.onAppend = (stream) => (stream === 'poison' ? { break: code } : 'answer');
    const streams = ['order-1', 'order-2', 'poison', 'order-3', 'order-4'];
    const outcomes = await Promise.all(streams.map((stream) => one.append(stream, 'no_stream', [newEvent()])));
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code))).toEqual(['ok', 'ok', 'APPEND_OUTCOME_UNKNOWN', 'ok', 'ok']);
    expect(store.log).toHaveLength(5);
  });

  it('is left when it answers what cannot be read', async () => {
    script('answer_garbage');
    expect(await connect().append('order-1', 'no_stream', [newEvent()])).toMatchObject({ ok: true, revision: 0 });
  });

  it('takes the first of two answers', async () => {
    const one = connect();
    script('answer_twice', 'answer_twice');
    expect(await one.append('order-1', 'no_stream', [newEvent()])).toMatchObject({ ok: true, revision: 0 });
    expect(await one.append('order-1', 0, [newEvent()])).toMatchObject({ ok: true, revision: 1 });
  });

  it.each(['MaximumAppendSizeExceeded', 'StreamDeleted', 'BadRequest', 'AccessDenied'] as const)('passes %s on as a refusal', async (detail) => {
    script({ detail });
    const outcome = await connect().append('order-1', 'no_stream', [newEvent()]);
    expect(outcome).toMatchObject({ ok: false, code: 'STORE_REFUSED' });
    expect(JSON.stringify(outcome)).toContain(detail);
  });

  it('is asked again while the server is not ready, and calls that unavailable: nothing was written', async () => {
    script({ message: 'Server Is Not Ready' });
    const one = connect();
    expect(await one.append('order-1', 'no_stream', [newEvent()])).toMatchObject({ ok: true });
    store.onAppend = () => ({ message: 'Server Is Busy' });
    expect(await one.append('order-2', 'no_stream', [newEvent()])).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
  });

  it('asks again after an error without details', async () => {
    script('answer_without_details');
    expect(await connect().append('order-1', 'no_stream', [newEvent()])).toMatchObject({ ok: true, revision: 0 });
  });

  it('refuses what no message can hold and what is no JSON', async () => {
    const one = connect();
    const huge = 'x'.repeat(3 * 1024 * 1024);
    expect(await one.append('order-1', 'no_stream', [newEvent({ huge })])).toMatchObject({ code: 'STORE_REFUSED' });
    expect(await one.append('order-1', 'no_stream', [newEvent({ n: 1n as never })])).toMatchObject({ code: 'STORE_REFUSED' });
    expect(store.arrived).toEqual([]);
  });

  it('does not concern another adapter when it breaks', async () => {
    const other = new ScriptedStore();
    await other.start();
    try {
      const [mine, theirs] = [connect(), connect({ url: other.url })];
      await Promise.all([mine.append('warm', 'no_stream', [newEvent()]), theirs.append('warm', 'no_stream', [newEvent()])]);
      store.onAppend = () => 'swallow';
      const theirSteps: Step[] = ['swallow'];
      other.onAppend = () => theirSteps.shift() ?? 'answer';
      const [lost, kept] = [mine.append('order-1', 'no_stream', [newEvent()]), theirs.append('order-1', 'no_stream', [newEvent()])];
      await until('both arrived', () => store.arrived.length === 2 && other.arrived.length === 2);
      await store.stop();
      expect(await theirs.append('order-2', 'no_stream', [newEvent()])).toMatchObject({ ok: true });
      expect(other.batchCalls).toBe(1);
      expect(await kept).toMatchObject({ ok: true });
      expect(await lost).toMatchObject({ code: 'APPEND_OUTCOME_UNKNOWN' });
    } finally {
      await other.stop();
    }
  });

  it('counts what it does', async () => {
    const before = metrics.counts.get('tally_store_append_ms ok') ?? 0;
    await connect().append('order-1', 'no_stream', [newEvent()]);
    expect(metrics.counts.get('tally_store_append_ms ok')).toBe(before + 1);
  });
});
