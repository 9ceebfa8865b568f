import { describe, expect, it } from '@jest/globals';
import { intentKeyOf, orderIdOf, type TurnRequestV1 } from '@tallystick/contracts';
import type { JsonObject, JsonValue } from '@tallystick/ports';
import { receipt, scriptedWire, SETTINGS, type Asked } from '../spec-rig.ts';
import { machine, silentLog } from '../system.ts';
import { createTally } from '../tally.ts';
import { runStrategy, type Turn, type TurnTally } from './run-strategy.ts';

const START_MS = Date.UTC(2013, 9, 8, 13, 30);
const SUBJECT = 'tally.turn.strat-1';

const turnAt = (turn: number, timeMs: number, position?: string): JsonObject => ({
  version: 1, turn, time_ms: timeMs, market_sequence: turn + 1, snapshot: { sequence: turn + 1, time_ms: timeMs, source: 'spec', quotes: [] }, ...(position === undefined ? {} : { position }),
}) satisfies TurnRequestV1;

const keyFor = (window: string): string => intentKeyOf({ policy: 'signal', account: 'acc', mode: 'paper', strategy: 'strat', signal_id: 'cross', window });

/** Accepts every intent of one order whose window it finds in the body. */
const accepting = ({ subject, body }: Asked): JsonValue | undefined => {
  if (!subject.startsWith('tally.intent.')) return undefined;
  const { window } = (body as unknown as { key: { window: string } }).key;
  return receipt(keyFor(window), [orderIdOf(keyFor(window), 0)]);
};

const proposing = (turn: Turn, tally: TurnTally) => tally.propose({ key: { policy: 'signal', signal_id: 'cross', window: `w${turn.slotMs}` }, orders: [{ symbol: 'SPY', side: 'buy', qty: '1', order_type: 'market' }] });

const running = async (onTurn: (turn: Turn, tally: TurnTally) => Promise<unknown>, script: (asked: Asked, n: number) => JsonValue | undefined = accepting) => {
  const wire = scriptedWire(script);
  const tally = createTally(wire, SETTINGS, machine(silentLog), silentLog);
  const run = await runStrategy({ every: '1m', tally, onTurn: async (turn, seen) => void (await onTurn(turn, seen)) });
  return { wire, tally, run, ask: (body: JsonObject) => wire.request(SUBJECT, body) };
};

describe('turns', () => {
  it('are answered with the keys of the intents that were accepted', async () => {
    const { wire, run, ask } = await running(proposing);
    expect(await ask(turnAt(0, START_MS))).toEqual({ version: 1, turn: 0, intent_keys: [keyFor(`w${START_MS}`)] });
    expect(wire.asked[0]?.body).toMatchObject({ market_sequence: 1 });
    await run.stop();
  });

  it('are taken once, however often they are asked for', async () => {
    const taken: number[] = [];
    const { run, ask, wire } = await running(async (turn, tally) => {
      taken.push(turn.number);
      return proposing(turn, tally);
    });
    wire.hear(SUBJECT, turnAt(0, START_MS));
    const [first, second] = await Promise.all([ask(turnAt(0, START_MS)), ask(turnAt(0, START_MS))]);
    const later = await ask(turnAt(0, START_MS));
    const renumbered = await ask(turnAt(5, START_MS + 59_999));
    expect([second, later]).toEqual([first, first]);
    expect(renumbered).toEqual({ ...(first as JsonObject), turn: 5 });
    expect(taken).toEqual([0]);
    await run.stop();
  });

  it('are taken one after the other, in the order they came', async () => {
    const log: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { run, ask } = await running(async (turn) => {
      log.push(`begin ${turn.number}`);
      if (turn.number === 0) await held;
      log.push(`end ${turn.number}`);
    });
    const replies = [ask(turnAt(0, START_MS)), ask(turnAt(1, START_MS + 60_000))];
    release();
    await Promise.all(replies);
    expect(log).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1']);
    await run.stop();
  });

  it('are taken again after a failure, with the same keys', async () => {
    let tries = 0;
    const { run, ask, wire } = await running(async (turn, tally) => {
      await proposing(turn, tally);
      tries += 1;
      if (tries === 1) throw new Error('tripped after it proposed');
    });
    await expect(ask(turnAt(0, START_MS))).rejects.toThrow('tripped');
    expect(await ask(turnAt(0, START_MS))).toEqual({ version: 1, turn: 0, intent_keys: [keyFor(`w${START_MS}`)] });
    expect(new Set(wire.asked.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    await run.stop();
  });

  it('fail when it is not known what became of a proposal', async () => {
    const { run, ask } = await running(async (turn, tally) => tally.propose(
      { key: { policy: 'explicit', key: `k${turn.slotMs}` }, orders: [{ symbol: 'SPY', side: 'buy', qty: '1', order_type: 'market' }] }, { withinMs: 60 }), () => undefined);
    await expect(ask(turnAt(0, START_MS))).rejects.toThrow('PROPOSAL_UNANSWERED');
    await run.stop();
  });

  it('ask their questions as of the log position they may rely on', async () => {
    const { wire, run, ask } = await running((_turn, tally) => tally.positions(), () => ({ version: 1, items: [], position: '77' }));
    await ask(turnAt(0, START_MS, '77'));
    expect(wire.asked[0]?.body).toMatchObject({ as_of: '77', min_position: '77' });
    await run.stop();
  });

  it('that nobody waits for are dropped, the oldest first, when too many wait', async () => {
    const taken: number[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { wire, run, ask } = await running(async (turn) => {
      if (turn.number === 0) await held;
      taken.push(turn.number);
    });
    for (let turn = 0; turn < 40; turn += 1) wire.hear(SUBJECT, turnAt(turn, START_MS + turn * 60_000));
    release();
    await ask(turnAt(40, START_MS + 40 * 60_000));
    expect(taken).toEqual([0, ...Array.from({ length: 16 }, (_, i) => 24 + i), 40]);
    await run.stop();
  });

  it('are wanted at an interval that every heartbeat says', async () => {
    const { wire, run } = await running(() => Promise.resolve());
    const beats = wire.announced.filter(({ subject }) => subject === 'tally.heartbeat.strat-1').map(({ message }) => [message['status'], message['turn_every_ms']]);
    expect(beats).toEqual([['starting', undefined], ['running', 60_000]]);
    await run.stop();
    expect(wire.announced.at(-1)?.message).toMatchObject({ status: 'stopping', instance_id: 'strat-1', run_id: 'run-1' });
  });

  it('end when a control message says so, after the turn in hand', async () => {
    const log: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { wire, tally, run, ask } = await running(async () => {
      await held;
      log.push('turn over');
    });
    tally.control.onStop(({ reason }) => log.push(reason));
    const inHand = ask(turnAt(0, START_MS));
    const waiting = ask(turnAt(1, START_MS + 60_000));
    wire.hear('tally.control.strat-1', { version: 1, command: 'stop', reason: 'go home', deadline_ms: 1 });
    await expect(waiting).rejects.toThrow('STOPPING');
    release();
    await inHand;
    await run.ended;
    expect(log).toEqual(['go home', 'turn over']);
  });
});
