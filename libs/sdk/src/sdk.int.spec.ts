import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { HeartbeatV1, intentKeyOf, orderIdOf, parseIntent } from '@tallystick/contracts';
import { connectBus, createBus, listen, serve, type BusConnection, type ServeOptions } from '@tallystick/messaging';
import type { JsonObject, JsonValue } from '@tallystick/ports';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';
import { connectTally, runStrategy, type Tally } from './index.ts';
import { happened, INPUT, receipt, relayed } from './spec-rig.ts';
import { silentLog, silentMetrics } from './system.ts';

const KEY = intentKeyOf({ policy: 'signal', account: 'acc', mode: 'paper', strategy: 'strat', signal_id: 'cross', window: '20131008T133100Z' });
const ORDER = orderIdOf(KEY, 0);
const START_MS = Date.UTC(2013, 9, 8, 13, 30);

describe('a strategy on a real bus', () => {
  let nats: TestNats;
  let others: BusConnection;
  const open: Tally[] = [];
  const responders: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    nats = await startTestNats();
    others = await connectBus({ servers: nats.url, name: 'others', log: silentLog, metrics: silentMetrics });
  });
  afterEach(async () => {
    await Promise.all([...open.splice(0).map((tally) => tally.close()), ...responders.splice(0).map((responder) => responder.stop())]);
  });
  afterAll(async () => {
    await others.close();
    await nats.stop();
  });

  const connect = async (instanceId: string): Promise<Tally> => {
    const tally = await connectTally({ url: nats.url, strategy: { id: 'strat', version: '1' }, account: 'acc', instanceId, runId: 'run-1' }, {});
    open.push(tally);
    return tally;
  };
  const answering = (subject: string, handler: ServeOptions['handler']): void => void responders.push(serve(others, { subject, queue: 'others', handler }));
  /** The intents service: accepts, and remembers what it was told. */
  const intents = (): string[] => {
    const bodies: string[] = [];
    answering('tally.intent.*', ({ body }) => {
      const parsed = parseIntent(JSON.stringify(body));
      if (!parsed.ok) throw new Error(parsed.detail);
      const key = parsed.intent.intent_key;
      const repeated = bodies.length > 0;
      bodies.push(JSON.stringify(body));
      return Promise.resolve(receipt(key, parsed.intent.orders.map((_, leg) => orderIdOf(key, leg)), { repeated }));
    });
    return bodies;
  };

  it('is heard although nobody was there when it began to ask', async () => {
    const tally = await connect('late');
    const proposed = tally.propose(INPUT);
    const bodies = intents();
    expect(await proposed).toMatchObject({ status: 'accepted', intentKey: KEY });
    expect(bodies).toHaveLength(1);
  });

  it('repeats the same key through a restart of the server', async () => {
    const tally = await connect('restarted');
    let heard = 0;
    const bodies: JsonValue[] = [];
    answering('tally.intent.*', async ({ body }) => {
      heard += 1;
      bodies.push(body);
      // The first answer is lost with the server.
      if (heard === 1) await nats.restart();
      return receipt(KEY, [ORDER]);
    });
    expect(await tally.propose(INPUT)).toMatchObject({ status: 'accepted', intentKey: KEY });
    expect(bodies.length).toBeGreaterThan(1);
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  it('hears from the relay what became of its orders', async () => {
    intents();
    const tally = await connect('hearing');
    const proposal = await tally.propose(INPUT);
    if (proposal.status !== 'accepted') throw new Error(proposal.status);
    const bus = createBus(others);
    const tell = (revision: number, event: Parameters<typeof relayed>[3]): void =>
      bus.announce(`tally.evt.order.${event.type}.acc`, relayed(ORDER, revision, 10 + revision, event) as unknown as JsonObject);
    tell(0, happened.approved(ORDER));
    tell(1, happened.claimed());
    expect(await proposal.handle.decision()).toMatchObject({ ok: true, orders: [{ orderId: ORDER }] });
    tell(2, happened.filled('10', '10', '0'));
    expect(await proposal.handle.settled()).toMatchObject({ ok: true, orders: [{ status: 'FILLED', cumQty: '10', avgPrice: '100' }] });
  });

  it('takes a turn it is asked for and one it is only told of, and registers with its heartbeat', async () => {
    intents();
    const tally = await connect('turning');
    const beats: HeartbeatV1[] = [];
    const stopBeats = listen(others, { subject: 'tally.heartbeat.turning', onMessage: ({ body }) => beats.push(HeartbeatV1.parse(body)) });
    const taken: number[] = [];
    const run = await runStrategy({
      tally, every: '1m',
      onTurn: async (turn, seen) => {
        taken.push(turn.number);
        await seen.propose(INPUT);
      },
    });
    await eventually('a heartbeat with its interval', () => beats.some(({ status, turn_every_ms: every }) => status === 'running' && every === 60_000));
    const bus = createBus(others);
    const turn = (n: number): JsonObject => ({ version: 1, turn: n, time_ms: START_MS + n * 60_000, market_sequence: n, snapshot: { sequence: n, time_ms: START_MS + n * 60_000, source: 'spec', quotes: [] } });
    expect(await bus.request('tally.turn.turning', turn(0), 2_000)).toEqual({ version: 1, turn: 0, intent_keys: [KEY] });
    bus.announce('tally.turn.turning', turn(1));
    await eventually('the announced turn', () => taken.length === 2);
    expect(taken).toEqual([0, 1]);
    bus.announce('tally.control.turning', { version: 1, command: 'stop', reason: 'over', deadline_ms: 1 });
    await run.ended;
    await eventually('its last heartbeat', () => beats.at(-1)?.status === 'stopping');
    stopBeats();
  });

  it('reads the market and asks for the newest snapshot', async () => {
    const snapshot = { sequence: 3, time_ms: START_MS, source: 'spec', quotes: [{ symbol: 'SPY', bid: '1', ask: '2', time_ms: START_MS, sequence: 3, source: 'spec' }] };
    answering('tally.market.current', () => Promise.resolve(snapshot));
    const tally = await connect('reading');
    const seen: number[] = [];
    const stop = tally.market.onSnapshot(({ sequence }) => seen.push(sequence));
    expect(await tally.market.current()).toEqual({ ok: true, snapshot });
    createBus(others).announce('tally.market.snapshot', { ...snapshot, sequence: 4 });
    await eventually('the snapshot', () => seen.includes(4));
    stop();
  });
});
