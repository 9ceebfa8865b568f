import { describe, expect, it } from '@jest/globals';
import type { OrderTerms } from '../order/events.ts';
import { decisionOf, termsOf, TIME_MS } from '../testing/order-fixtures.ts';
import { applied, decided, decideOn, groupFrom, groupView, limitedTo, failures, opened, reconciled, released, reversed } from '../testing/risk-fixtures.ts';
import type { RiskGroupEvent } from './events.ts';
import { carriedForward, countersOf, evolveRiskGroup, scopesOf, type RiskGroupState } from './state.ts';

const approvedOrder = (changes: Partial<OrderTerms> = {}): RiskGroupEvent => decided(termsOf(changes), decisionOf());
const daily = (state: RiskGroupState, scope = 'firm') => ({ filled: countersOf(state, scope).filledNotional.toFixed(), open: countersOf(state, scope).openNotional.toFixed() });
const bookOf = (state: RiskGroupState) => {
  const [book] = [...state.books.values()];
  return book && { qty: book.qty.toFixed(), buys: book.openBuys.toFixed(), sells: book.openSells.toFixed() };
};
const leavesOf = (state: RiskGroupState, orderId = 'order-1') => state.reservations.get(orderId)?.leaves.toFixed();

describe('a reservation', () => {
  it('is made by an approval, at its worst case, on its side and in every scope', () => {
    const buy = groupFrom(opened(), approvedOrder());
    expect(bookOf(buy)).toEqual({ qty: '0', buys: '1000', sells: '0' });
    for (const scope of scopesOf('acc', 'strat')) expect(daily(buy, scope)).toEqual({ filled: '0', open: '1000' });
    expect(bookOf(groupFrom(opened(), approvedOrder({ side: 'sell' })))).toEqual({ qty: '0', buys: '0', sells: '1000' });
  });

  it('is not made by a denial', () => {
    const state = groupFrom(opened(), decided(termsOf(), decisionOf({ outcome: 'denied', worst_price: undefined, reserved_notional: undefined } as object)));
    expect(state.reservations.size).toBe(0);
    expect(state.decided.get('order-1')).toMatchObject({ outcome: 'denied' });
    expect(countersOf(state, 'firm').messageTimesMs).toEqual([]);
  });

  it('is made once: a repeated decision changes nothing', () => {
    const once = groupFrom(opened(), approvedOrder());
    expect(groupView(groupFrom(opened(), approvedOrder(), approvedOrder()))).toEqual(groupView(once));
  });

  it('is reduced by fills at the price it was made at', () => {
    const state = groupFrom(opened(), approvedOrder(), applied({ qty: '4', price: '90' }));
    expect(bookOf(state)).toEqual({ qty: '4', buys: '600', sells: '0' });
    expect(daily(state)).toEqual({ filled: '360', open: '600' });
    expect(leavesOf(state)).toBe('6');
  });

  it('ends with the last fill, and an overfill takes no more than there was', () => {
    const state = groupFrom(opened(), approvedOrder(), applied({ qty: '4' }), applied({ exec_id: 'e2', qty: '7' }));
    expect(leavesOf(state)).toBeUndefined();
    expect(bookOf(state)).toEqual({ qty: '11', buys: '0', sells: '0' });
    expect(daily(state).open).toBe('0');
  });

  it('is released exactly once, whatever comes after', () => {
    const once = [opened(), approvedOrder(), applied({ qty: '4' }), released()];
    expect(daily(groupFrom(...once))).toEqual({ filled: '396', open: '0' });
    expect(groupView(groupFrom(...once, released()))).toEqual(groupView(groupFrom(...once)));
    expect(daily(groupFrom(...once, applied({ exec_id: 'late', qty: '2' })))).toEqual({ filled: '594', open: '0' });
    expect(daily(groupFrom(opened(), released('never-seen')))).toEqual({ filled: '0', open: '0' });
  });

  it('gives the daily limit back what it no longer needs', () => {
    const inputs = limitedTo('firm', { max_daily_notional: '1500' });
    const next = termsOf({ order_id: 'next' });
    const held = [opened(), approvedOrder(), applied({ qty: '4', price: '100' })];
    expect(failures(decideOn(groupFrom(...held), next, inputs))).toEqual(['DAILY_NOTIONAL_LIMIT firm']);
    expect(failures(decideOn(groupFrom(...held, released()), next, inputs))).toEqual([]);
  });
});

describe('a trade', () => {
  it('moves position and reconciled cash, fee and currency included', () => {
    const state = groupFrom(opened(), reconciled('acc', '1000'), applied({ qty: '4', price: '10', fee: '0.5', rate: '1.25' }));
    expect(state.cash.get('acc')?.toFixed()).toBe('949.375');
    expect(bookOf(state)?.qty).toBe('4');
    expect(groupFrom(opened(), reconciled('acc', '1000'), applied({ side: 'sell', qty: '4', price: '10', fee: '0.5' })).cash.get('acc')?.toFixed()).toBe('1039.5');
  });

  it('does not make up cash that was never reconciled', () => {
    expect(groupFrom(opened(), applied()).cash.size).toBe(0);
  });

  it('counts once for an execution id of an order', () => {
    const once = [opened(), reconciled('acc', '1000'), approvedOrder(), applied()];
    expect(groupView(groupFrom(...once, applied({ source_position: '11' })))).toEqual({ ...(groupView(groupFrom(...once)) as object), source_position: '11' });
    expect(daily(groupFrom(...once, applied({ order_id: 'order-2' }))).filled).toBe('792');
  });
});

describe('a bust', () => {
  const filled = [opened(), reconciled('acc', '1000'), approvedOrder(), applied({ qty: '4', price: '99', fee: '1' })];

  it('takes back position, cash, fee and daily notional', () => {
    const state = groupFrom(...filled, reversed({ qty: '4', price: '99', fee: '1' }));
    expect(bookOf(state)?.qty).toBe('0');
    expect(state.cash.get('acc')?.toFixed()).toBe('1000');
    expect(daily(state).filled).toBe('0');
  });

  it('reserves again what an open order may now trade again', () => {
    const state = groupFrom(...filled, reversed({ qty: '4' }));
    expect(leavesOf(state)).toBe('10');
    expect(daily(state).open).toBe('1000');
  });

  it('reserves nothing for an order that is closed', () => {
    expect(daily(groupFrom(...filled, released(), reversed({ qty: '4' }))).open).toBe('0');
    expect(daily(groupFrom(...filled, applied({ exec_id: 'e2', qty: '6' }), reversed({ qty: '4' }))).open).toBe('0');
  });

  it('of an earlier day’s fill gives today’s limit nothing', () => {
    const state = groupFrom(opened({ positions: [{ account: 'acc', strategy: 'strat', symbol: 'TALLY', qty: '4' }], cash: [{ account: 'acc', cash: '600' }] }), reversed({ qty: '4', price: '99' }));
    expect(bookOf(state)?.qty).toBe('0');
    expect(state.cash.get('acc')?.toFixed()).toBe('996');
    expect(daily(state).filled).toBe('0');
  });

  it('takes out of the day exactly what was put in, though the rate moved', () => {
    expect(daily(groupFrom(opened(), applied({ rate: '1.25' }), reversed({ rate: '1.5' }))).filled).toBe('0');
  });

  it('and what replaces it make a correction', () => {
    const state = groupFrom(...filled, reversed({ qty: '4', price: '99', fee: '1' }), applied({ qty: '3', price: '98', fee: '1', source_position: '12' }));
    expect(bookOf(state)?.qty).toBe('3');
    expect(state.cash.get('acc')?.toFixed()).toBe('705');
    expect(daily(state)).toEqual({ filled: '294', open: '700' });
  });
});

describe('the place in the log', () => {
  it('only rises: a fact read again later does not set it back', () => {
    expect(groupFrom(opened(), applied({ source_position: '30' }), applied({ exec_id: 'e2', source_position: '12' })).sourcePosition).toBe(30n);
    expect(groupFrom(opened({ source_position: '-1' })).sourcePosition).toBe(-1n);
  });
});

describe('the day', () => {
  const busy = [
    opened(), reconciled('acc', '5000'), approvedOrder(), approvedOrder({ order_id: 'order-2', side: 'sell', strategy: { id: 'strat2', version: '1' } }),
    approvedOrder({ order_id: 'order-3', account: 'acc2', symbol: 'OTHER' }), applied({ qty: '4', price: '99.5', fee: '0.1' }), applied({ order_id: 'order-3', exec_id: 'x', account: 'acc2', symbol: 'OTHER', qty: '10', price: '50' }),
  ];
  const roll = (state: RiskGroupState) => groupFrom(opened({ trading_day: '2013-10-09', ...carriedForward(state) }));

  it('closes, and says so', () => {
    expect(groupFrom(...busy, { type: 'RiskGroupDayClosed', data: { risk_group: 'g', trading_day: '2013-10-08', business_time_ms: TIME_MS } })).toMatchObject({ closed: true, day: '2013-10-08' });
  });

  it('opens with the positions, cash, reservations and place of the one before, and with daily counters at zero', () => {
    const before = groupFrom(...busy);
    const after = roll(before);
    const carried = carriedForward(before);
    expect(carriedForward(after)).toEqual(carried);
    expect(carried.positions).toEqual([{ account: 'acc', strategy: 'strat', symbol: 'TALLY', qty: '4' }, { account: 'acc2', strategy: 'strat', symbol: 'OTHER', qty: '10' }]);
    expect(carried.reservations.map(({ order_id, leaves_qty }) => `${order_id} ${leaves_qty}`)).toEqual(['order-1 6', 'order-2 10']);
    for (const scope of ['firm', 'account:acc', 'account:acc2', 'strategy:strat', 'strategy:strat2']) {
      expect(countersOf(after, scope).filledNotional.toFixed()).toBe('0');
      expect(countersOf(after, scope).messageTimesMs).toEqual([]);
      expect(countersOf(after, scope).openNotional.toFixed()).toBe(countersOf(before, scope).openNotional.toFixed());
    }
    expect(after.decided.size).toBe(0);
  });

  it('releases and fills carried orders as if they were its own', () => {
    const after = roll(groupFrom(...busy));
    evolveRiskGroup(after, applied({ exec_id: 'e2', qty: '6', price: '99' }));
    evolveRiskGroup(after, released('order-2'));
    expect(daily(after)).toEqual({ filled: '594', open: '0' });
  });

  it('does not reserve a carried order a second time', () => {
    const after = roll(groupFrom(...busy));
    const view = groupView(after);
    evolveRiskGroup(after, approvedOrder());
    expect(groupView(after)).toEqual(view);
  });
});

describe('names of scopes', () => {
  it('keep an account and a strategy of one name apart', () => {
    expect(scopesOf('x', 'x')).toEqual(['firm', 'account:x', 'strategy:x']);
  });
});
