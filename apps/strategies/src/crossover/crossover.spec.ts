import { describe, expect, it } from '@jest/globals';
import { IntentV1 } from '@tallystick/contracts';
import { decimal } from '@tallystick/domain';
import { silentLog } from '@tallystick/platform';
import type { IntentInput, Turn, TurnTally } from '@tallystick/sdk';
import { touchOf } from '../shared/grid.ts';
import { crossing, observed, type History } from './averages.ts';
import { draw, orderOn, symbolName } from './order.ts';
import { CrossoverParameters } from './parameters.ts';
import { crossoverStrategy } from './strategy.ts';

const START_MS = Date.UTC(2013, 9, 8, 13, 30);
const MINUTE_MS = 60_000;
const historyOf = (...mids: string[]): History => mids.map((mid, i) => ({ slotMs: START_MS + i * MINUTE_MS, mid: decimal(mid) }));

describe('averages', () => {
  it('cross upwards to buy, downwards to sell, and only at the turn of the crossing', () => {
    expect(crossing(historyOf('10', '9', '8', '12'), 1, 3)).toBe('buy');
    expect(crossing(historyOf('10', '11', '12', '8'), 1, 3)).toBe('sell');
    expect(crossing(historyOf('10', '11', '12', '13'), 1, 3)).toBeUndefined();
  });

  it('say nothing while there is too little history', () => {
    expect(crossing(historyOf('9', '8', '12'), 1, 3)).toBeUndefined();
  });

  it('count a turn that is seen twice once, and begin anew from an earlier one', () => {
    const seen = historyOf('1', '2', '3');
    const again = observed(seen, START_MS + 2 * MINUTE_MS, decimal('4'), 9);
    expect(again.map(({ mid }) => mid.toFixed())).toEqual(['1', '2', '4']);
    expect(observed(again, START_MS, decimal('5'), 9).map(({ mid }) => mid.toFixed())).toEqual(['5']);
    expect(observed(seen, START_MS + 3 * MINUTE_MS, decimal('4'), 2).map(({ mid }) => mid.toFixed())).toEqual(['3', '4']);
  });
});

const touch = touchOf({ symbol: 'SPY', bid: '99.99', ask: '100.01', bid_size: '300', ask_size: '200', time_ms: START_MS, sequence: 1, source: 'spec' });
const only = (share: object) => CrossoverParameters.parse({ big: '0', far: '0', ambition: '0', ...share });
const orderWith = (parameters: CrossoverParameters, side: 'buy' | 'sell' = 'buy', slot = 0) => {
  if (!touch) throw new Error('no touch');
  return orderOn(parameters, 'SPY', START_MS + slot * MINUTE_MS, side, touch);
};

describe('orders on a crossing', () => {
  it('differ in size, by the turn alone', () => {
    const sizes = Array.from({ length: 20 }, (_, slot) => orderWith(only({}), 'buy', slot).qty);
    expect(new Set(sizes).size).toBeGreaterThan(10);
    expect(sizes).toEqual(Array.from({ length: 20 }, (_, slot) => orderWith(only({}), 'buy', slot).qty));
    for (const qty of sizes) expect(Number(qty)).toBeGreaterThanOrEqual(29);
    for (const qty of sizes) expect(Number(qty)).toBeLessThanOrEqual(91);
  });

  it('ask for more than is quoted when they are big', () => {
    expect(orderWith(only({ big: '1' }), 'buy').qty).toBe('361');
    expect(orderWith(only({ big: '1' }), 'sell').qty).toBe('541');
    expect(orderWith(only({ big: '1', big_notional_max: '25000' }), 'sell').qty).toBe('250');
  });

  it('wait away from the market when they are far', () => {
    expect(orderWith(only({ far: '1' }), 'buy')).toMatchObject({ order_type: 'limit', limit_price: '99.95' });
    expect(orderWith(only({ far: '1' }), 'sell')).toMatchObject({ order_type: 'limit', limit_price: '100.05' });
  });

  it('are worth far too much when they are ambitious', () => {
    expect(orderWith(only({ ambition: '1' })).qty).toBe('20000');
  });

  it('come in the shares that were asked for', () => {
    const draws = Array.from({ length: 4_000 }, (_, slot) => draw('big', 'SPY', START_MS + slot * MINUTE_MS));
    const share = draws.filter((value) => value < 0.3).length / draws.length;
    expect(share).toBeGreaterThan(0.27);
    expect(share).toBeLessThan(0.33);
  });

  it('never give two symbols one name', () => {
    expect(new Set(['BRK.B', 'BRK-B', 'BRK/B', 'BRK_B', 'BRKB'].map(symbolName)).size).toBe(5);
  });
});

const turnAt = (n: number, mid: number): Turn => ({
  number: n, timeMs: START_MS + n * MINUTE_MS + 500, slotMs: START_MS + n * MINUTE_MS, marketSequence: n,
  snapshot: {
    sequence: n, time_ms: START_MS + n * MINUTE_MS, source: 'spec',
    quotes: ['BRK.B', 'SPY'].map((symbol) => ({ symbol, bid: (mid - 0.01).toFixed(2), ask: (mid + 0.01).toFixed(2), bid_size: '500', ask_size: '500', time_ms: START_MS, sequence: n, source: 'spec' })),
  },
});
const WAVE = Array.from({ length: 60 }, (_, n) => turnAt(n, 100 + 3 * Math.sin(n / 4)));

const recording = () => {
  const proposed: IntentInput[] = [];
  const tally = {
    propose: (input: IntentInput) => {
      proposed.push(input);
      return Promise.resolve({ status: 'accepted', code: 'ACCEPTED' });
    },
  } as unknown as TurnTally;
  return { proposed, tally };
};

const proposedOver = async (turns: readonly Turn[], parameters = CrossoverParameters.parse({})): Promise<IntentInput[]> => {
  const { proposed, tally } = recording();
  const strategy = crossoverStrategy(parameters, silentLog);
  for (const turn of turns) await strategy.onTurn(turn, tally);
  return proposed;
};

describe('the signal strategy', () => {
  it('proposes valid intents on both sides, keyed by symbol and minute', async () => {
    const proposed = await proposedOver(WAVE);
    expect(new Set(proposed.map(({ orders }) => orders[0]?.side))).toEqual(new Set(['buy', 'sell']));
    const keys = proposed.map(({ key }) => (key.policy === 'signal' ? `${key.signal_id} ${key.window}` : 'another'));
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys[0]).toMatch(/^cross-BRK_2eB 20131008T13\d{4}Z$/);
    for (const input of proposed) expect(IntentV1.safeParse({ ...input, version: 1, strategy: { id: 's', version: '1' }, account: 'a' }).error).toBeUndefined();
  });

  it('proposes the same for the same market', async () => {
    expect(await proposedOver(WAVE)).toEqual(await proposedOver(WAVE));
  });

  it('proposes the same again when a turn is taken twice', async () => {
    const twice = await proposedOver(WAVE.flatMap((turn) => [turn, turn]));
    const once = await proposedOver(WAVE);
    expect(once.length).toBeGreaterThan(0);
    expect(twice.filter((_, i) => i % 4 < 2)).toHaveLength(once.length);
    expect(new Set(twice.map((input) => JSON.stringify(input)))).toEqual(new Set(once.map((input) => JSON.stringify(input))));
  });

  it('is its old self once it has warmed up after a restart', async () => {
    const { slow } = CrossoverParameters.parse({});
    const restartAt = 20;
    const whole = await proposedOver(WAVE);
    const restarted = await proposedOver(WAVE.slice(restartAt));
    const warmMs = START_MS + (restartAt + slow) * MINUTE_MS;
    const late = whole.filter(({ key }) => key.policy === 'signal' && key.window >= new Date(warmMs).toISOString().replace('.000', '').replaceAll(/[-:]/g, ''));
    expect(late.length).toBeGreaterThan(0);
    expect(restarted).toEqual(late);
  });
});
