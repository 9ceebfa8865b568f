import { describe, expect, it } from '@jest/globals';
import { decimal } from '@tallystick/domain';
import type { Quote } from '@tallystick/ports';
import type { IntentInput, Turn, TurnTally } from '@tallystick/sdk';
import { silentLog } from '@tallystick/platform';
import { BasketParameters } from './parameters.ts';
import { planBasket } from './plan.ts';
import { basketStrategy } from './strategy.ts';

const START_MS = Date.UTC(2013, 9, 8, 13, 30);
const quote = (symbol: string, bid: string, ask: string): Quote => ({ symbol, bid, ask, bid_size: '100', ask_size: '100', time_ms: START_MS, sequence: 1, source: 'spec' });
const QUOTES = [quote('B', '49.99', '50.01'), quote('A', '99.99', '100.01')];

const plan = (parameters: object, holding: Record<string, string> = {}, quotes: readonly Quote[] = QUOTES, slot = 0) =>
  planBasket({
    parameters: BasketParameters.parse({ tilt: '0', ...parameters }), slot, quotes, worth: decimal('20000'),
    holding: new Map(Object.entries(holding).map(([symbol, qty]) => [symbol, decimal(qty)])),
  });

describe('a basket', () => {
  it('is bought at equal weights, in whole lots, a tick beyond the touch', () => {
    expect(plan({}).orders).toEqual([
      { symbol: 'A', side: 'buy', qty: '100', order_type: 'limit', limit_price: '100.02', time_in_force: 'DAY' },
      { symbol: 'B', side: 'buy', qty: '200', order_type: 'limit', limit_price: '50.02', time_in_force: 'DAY' },
    ]);
  });

  it('sells before it buys', () => {
    expect(plan({ order_type: 'market' }, { A: '50', B: '300' }).orders).toEqual([
      { symbol: 'B', side: 'sell', qty: '100', order_type: 'market', time_in_force: 'DAY' },
      { symbol: 'A', side: 'buy', qty: '50', order_type: 'market', time_in_force: 'DAY' },
    ]);
  });

  it('takes what is sold short back', () => {
    expect(plan({ weights: { A: '0', B: '0' } }, { A: '-30' }).orders).toMatchObject([{ symbol: 'A', side: 'buy', qty: '30' }]);
  });

  it('leaves small differences and symbols without a price alone', () => {
    const oneSided: Quote = { symbol: 'C', bid: '10', time_ms: START_MS, sequence: 1, source: 'spec' };
    const { orders, skipped } = plan({ weights: { A: '0.5', B: '0.5', C: '0.1' } }, { A: '99', B: '200' }, [...QUOTES, oneSided]);
    expect({ orders, skipped }).toEqual({ orders: [], skipped: [{ symbol: 'A', why: 'CLOSE_ENOUGH' }, { symbol: 'B', why: 'CLOSE_ENOUGH' }, { symbol: 'C', why: 'NO_QUOTE' }] });
  });

  it('leans to one symbol after the other', () => {
    const held = { A: '100', B: '200' };
    const sides = [0, 1, 2].map((slot) => plan({ tilt: '0.2', order_type: 'market' }, held, QUOTES, slot).orders.map(({ symbol, side }) => `${side} ${symbol}`));
    expect(sides).toEqual([['sell B', 'buy A'], ['sell A', 'buy B'], ['sell B', 'buy A']]);
  });

  it('keeps to lots and ticks of the market it is told of', () => {
    expect(plan({ lot_size: '7', tick_size: '0.05' }).orders).toMatchObject([{ qty: '98', limit_price: '100.05' }, { qty: '196', limit_price: '50.05' }]);
  });
});

const TURN: Turn = { number: 3, timeMs: START_MS + 61_000, slotMs: START_MS, marketSequence: 9, position: '12', snapshot: { sequence: 9, time_ms: START_MS, source: 'spec', quotes: QUOTES } };

/** Only what the strategy uses of a connection. */
const tallyWith = (answers: { positions?: object; orders?: object; account?: object }) => {
  const proposed: IntentInput[] = [];
  const answer = (items: object) => Promise.resolve(items);
  const tally = {
    account: 'acc',
    positions: () => answer(answers.positions ?? { ok: true, items: [], position: '12' }),
    orders: () => answer(answers.orders ?? { ok: true, items: [], position: '12' }),
    accountState: () => answer(answers.account ?? { ok: true, items: [], position: '12' }),
    propose: (input: IntentInput) => {
      proposed.push(input);
      return Promise.resolve({ status: 'accepted', code: 'ACCEPTED' });
    },
  } as unknown as TurnTally;
  return { proposed, tally };
};

describe('the rebalancing strategy', () => {
  const parameters = BasketParameters.parse({ tilt: '0', notional: '20000' });
  const strategy = basketStrategy(parameters, silentLog);

  it('proposes one basket under the interval of business time, bounded in price, exposure and patience', async () => {
    const { proposed, tally } = tallyWith({});
    await strategy.onTurn(TURN, tally);
    expect(proposed).toMatchObject([{
      key: { policy: 'rebalance', rebalance_id: '20131008T133000Z-acc' }, portfolio: 'basket', orders: [{ symbol: 'A' }, { symbol: 'B' }],
      constraints: { max_slippage_bps: '50', max_exposure_pct: '95' }, remainder: { kind: 'cancel_after', after_ms: 300_000 },
    }]);
  });

  it('gives the same basket for the same turn, to the letter', async () => {
    const { proposed, tally } = tallyWith({});
    await strategy.onTurn(TURN, tally);
    await basketStrategy(parameters, silentLog).onTurn(TURN, tally);
    expect(proposed[1]).toEqual(proposed[0]);
  });

  it('counts what is on order as held', async () => {
    const { proposed, tally } = tallyWith({
      positions: { ok: true, position: '12', items: [{ symbol: 'A', qty: '60' }, { symbol: 'B', qty: '210' }] },
      orders: { ok: true, position: '12', items: [{ symbol: 'A', side: 'buy', leaves_qty: '40' }, { symbol: 'B', side: 'sell', leaves_qty: '10' }] },
    });
    await strategy.onTurn(TURN, tally);
    expect(proposed).toEqual([]);
  });

  it('takes its worth from the equity where it is told to', async () => {
    const { proposed, tally } = tallyWith({ account: { ok: true, position: '12', items: [{ equity: '40000' }] } });
    await basketStrategy(BasketParameters.parse({ tilt: '0', of_equity: '0.5' }), silentLog).onTurn(TURN, tally);
    expect(proposed[0]?.orders.map(({ qty }) => qty)).toEqual(['100', '200']);
  });

  it.each([
    ['positions', { positions: { ok: false, code: 'NO_ANSWER', detail: 'nobody' } }, 'POSITIONS_UNKNOWN'],
    ['orders', { orders: { ok: false, code: 'NO_ANSWER', detail: 'nobody' } }, 'ORDERS_UNKNOWN'],
  ] as const)('proposes nothing when its %s cannot be known', async (_what, answers, code) => {
    const { proposed, tally } = tallyWith(answers);
    await expect(strategy.onTurn(TURN, tally)).rejects.toThrow(code);
    expect(proposed).toEqual([]);
  });

  it('proposes nothing when its equity cannot be known', async () => {
    const { tally } = tallyWith({});
    await expect(basketStrategy(BasketParameters.parse({ of_equity: '0.5' }), silentLog).onTurn(TURN, tally)).rejects.toThrow('EQUITY_UNKNOWN');
  });
});
