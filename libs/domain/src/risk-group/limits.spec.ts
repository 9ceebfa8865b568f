import { describe, expect, it } from '@jest/globals';
import type { OrderTerms } from '../order/events.ts';
import type { Limits } from '../policy/policy.ts';
import { termsOf, TIME_MS } from '../testing/order-fixtures.ts';
import {
  activationOf, applied, checkOf, decided, decideOn, documentOf, failures, groupFrom, inputsOf, limitedTo, opened, quoteOf, quotesOf, reconciled, WIDE,
} from '../testing/risk-fixtures.ts';
import { countersOf, RATE_WINDOW_MS } from './state.ts';

const scopes = [['firm', 'firm'], ['account', 'account:acc'], ['strategy', 'strategy:strat']] as const;

/** 100 already open and 50 filled today on the same account, strategy and symbol; 2 orders in the last minute. */
const used = () => {
  const first = termsOf({ order_id: 'first', qty: '1' });
  const second = termsOf({ order_id: 'second', qty: '0.5' });
  return groupFrom(opened(), decided(first, decideOn(groupFrom(opened()), first)), decided(second, decideOn(groupFrom(opened()), second)),
    applied({ order_id: 'second', exec_id: 's1', qty: '0.5', price: '100' }));
};

/** Ten at 100 is 1000: the limit that lets it pass and the one a hair below. */
const boundaries: readonly (readonly [code: Parameters<typeof checkOf>[1], at: Partial<Limits>, under: Partial<Limits>, headroom: string])[] = [
  ['ORDER_QTY_LIMIT', { max_order_qty: '10' }, { max_order_qty: '9.999999999999' }, '0'],
  ['ORDER_NOTIONAL_LIMIT', { max_order_notional: '1000' }, { max_order_notional: '999.99' }, '0'],
  ['DAILY_NOTIONAL_LIMIT', { max_daily_notional: '1150' }, { max_daily_notional: '1149.99' }, '0'],
  // 0.5 held at the mid of 100, 1 open and 10 new at 100.
  ['EXPOSURE_LIMIT', { max_exposure: '1150' }, { max_exposure: '1149.99' }, '0'],
  ['MESSAGE_RATE_LIMIT', { max_messages_per_minute: 3 }, { max_messages_per_minute: 2 }, '0'],
];

describe.each(scopes)('limits of the %s', (scope, name) => {
  it.each(boundaries)('%s: at the limit passes, over it is denied', (code, at, under, headroom) => {
    const passed = decideOn(used(), termsOf(), limitedTo(scope, at));
    expect(failures(passed)).toEqual([]);
    expect(checkOf(passed, code, name)).toMatchObject({ passed: true, headroom });
    const denied = decideOn(used(), termsOf(), limitedTo(scope, under));
    expect(failures(denied)).toEqual([`${code} ${name}`]);
    expect(denied).toMatchObject({ outcome: 'denied' });
    expect(denied.worst_price).toBeUndefined();
    expect(denied.reserved_notional).toBeUndefined();
  });

  it.each([
    ['buy', 'limit', { limit_price: '105' }, { limit_price: '105.01' }],
    ['buy', 'limit', { limit_price: '95' }, { limit_price: '94.99' }],
    ['sell', 'limit', { limit_price: '95' }, { limit_price: '94.99' }],
    ['sell', 'limit', { limit_price: '105' }, { limit_price: '105.01' }],
    ['buy', 'stop', { limit_price: undefined, stop_price: '105' }, { limit_price: undefined, stop_price: '105.01' }],
    ['buy', 'stop_limit', { limit_price: '105', stop_price: '104' }, { limit_price: '104', stop_price: '105.01' }],
  ] as const)('price collar, %s %s: at the band passes, a tick outside is denied', (side, order_type, inside, outside) => {
    const inputs = limitedTo(scope, { price_collar_bps: '500' });
    expect(failures(decideOn(groupFrom(opened()), termsOf({ side, order_type, ...inside } as Partial<OrderTerms>), inputs))).toEqual([]);
    expect(failures(decideOn(groupFrom(opened()), termsOf({ side, order_type, ...outside } as Partial<OrderTerms>), inputs))).toEqual([`PRICE_COLLAR ${name}`]);
  });

  it('holds a market order to its touch', () => {
    const market = termsOf({ order_type: 'market', limit_price: undefined });
    const spread = (bid: string, ask: string) => ({ ...limitedTo(scope, { price_collar_bps: '500' }), quotes: quotesOf(quoteOf('TALLY', bid, ask)) });
    expect(failures(decideOn(groupFrom(opened()), market, spread('95', '105')))).toEqual([]);
    expect(failures(decideOn(groupFrom(opened()), market, spread('94.99', '105.01')))).toEqual([`PRICE_COLLAR ${name}`]);
  });
});

describe('limits of several scopes', () => {
  const base = documentOf();
  const nested = (firm: string, account: string, strategy: string) => inputsOf({ policy: activationOf({
    ...base, firm: { ...WIDE, max_order_notional: firm },
    accounts: { acc: { mode: 'paper', venue: 'paper', risk_group: 'g', limits: { max_order_notional: account } } },
    strategies: { strat: { accounts: ['acc'], limits: { max_order_notional: strategy } } },
  }) });

  it.each([
    ['1000', '1000', '1000', []],
    ['999', '2000', '3000', ['ORDER_NOTIONAL_LIMIT firm']],
    ['2000', '999', '3000', ['ORDER_NOTIONAL_LIMIT account:acc']],
    ['3000', '2000', '999', ['ORDER_NOTIONAL_LIMIT strategy:strat']],
    ['1', '1', '1', ['ORDER_NOTIONAL_LIMIT firm', 'ORDER_NOTIONAL_LIMIT account:acc', 'ORDER_NOTIONAL_LIMIT strategy:strat']],
  ])('firm %s, account %s, strategy %s: the most restrictive wins, all are told', (firm, account, strategy, failed) => {
    const decision = decideOn(groupFrom(opened()), termsOf(), nested(firm, account, strategy));
    expect(failures(decision)).toEqual(failed);
    expect(decision.checks.filter((check) => check.code === 'ORDER_NOTIONAL_LIMIT')).toHaveLength(3);
  });

  it('count what others do: the firm everything, an account its own, a strategy its own', () => {
    const elsewhere = termsOf({ order_id: 'elsewhere', account: 'acc2', strategy: { id: 'strat2', version: '1' } });
    const state = groupFrom(opened(), decided(elsewhere, decideOn(groupFrom(opened()), elsewhere)));
    expect(failures(decideOn(state, termsOf(), limitedTo('firm', { max_daily_notional: '1999' })))).toEqual(['DAILY_NOTIONAL_LIMIT firm']);
    expect(failures(decideOn(state, termsOf(), limitedTo('firm', { max_exposure: '1999' })))).toEqual(['EXPOSURE_LIMIT firm']);
    expect(failures(decideOn(state, termsOf(), limitedTo('account', { max_daily_notional: '1000', max_exposure: '1000' })))).toEqual([]);
    expect(failures(decideOn(state, termsOf(), limitedTo('strategy', { max_daily_notional: '1000', max_exposure: '1000' })))).toEqual([]);
  });

  it('do not mistake an account and a symbol for another pair that reads alike', () => {
    const state = groupFrom(opened({ positions: [{ account: 'acc|TA', strategy: 'strat2', symbol: 'LLY', qty: '1' }] }));
    const inputs = { ...limitedTo('firm', { max_exposure: '1100' }), quotes: quotesOf(quoteOf('TA|LLY', '99.9', '100.1'), quoteOf('LLY', '99.9', '100.1')), currencyOf: () => 'USD' };
    const terms = termsOf({ account: 'acc', symbol: 'TA|LLY' });
    expect(checkOf(decideOn(state, terms, inputs), 'EXPOSURE_LIMIT')).toMatchObject({ observed: '1100' });
  });
});

describe('exposure', () => {
  const long = opened({ positions: [{ account: 'acc', strategy: 'strat', symbol: 'TALLY', qty: '30' }] });
  const observed = (state: ReturnType<typeof groupFrom>, changes: Partial<OrderTerms>) => checkOf(decideOn(state, termsOf(changes)), 'EXPOSURE_LIMIT')?.observed;

  it('adds a buy to a long, and lets a sell out of one without counting it twice', () => {
    expect(observed(groupFrom(long), { side: 'buy' })).toBe('4000');
    expect(observed(groupFrom(long), { side: 'sell' })).toBe('3000');
  });

  it('counts a sell beyond the position, and a short as much as a long', () => {
    expect(observed(groupFrom(long), { side: 'sell', qty: '70' })).toBe('4000');
    const short = groupFrom(opened({ positions: [{ account: 'acc', strategy: 'strat', symbol: 'TALLY', qty: '-30' }] }));
    expect(observed(short, { side: 'sell' })).toBe('4000');
    expect(observed(short, { side: 'buy' })).toBe('3000');
  });

  it('takes the worse side of what is open, not their difference', () => {
    const buy = termsOf({ order_id: 'b', qty: '5' });
    const state = groupFrom(opened(), decided(buy, decideOn(groupFrom(opened()), buy)));
    expect(observed(state, { side: 'sell', qty: '3' })).toBe('500');
    expect(observed(state, { side: 'sell', qty: '7' })).toBe('700');
  });

  it('nets the strategies of an account in one symbol, and adds up accounts and symbols', () => {
    const spread = opened({ positions: [
      { account: 'acc', strategy: 'strat', symbol: 'TALLY', qty: '30' }, { account: 'acc', strategy: 'strat2', symbol: 'TALLY', qty: '-10' },
      { account: 'acc2', strategy: 'strat', symbol: 'TALLY', qty: '-5' }, { account: 'acc', strategy: 'strat', symbol: 'OTHER', qty: '2' },
    ] });
    expect(observed(groupFrom(spread), { qty: '1' })).toBe('2700');
    const ofStrategy = decideOn(groupFrom(spread), termsOf({ qty: '1' }), limitedTo('strategy', { max_exposure: '100000' }));
    expect(checkOf(ofStrategy, 'EXPOSURE_LIMIT', 'strategy:strat')?.observed).toBe('3700');
  });

  it('converts to the base currency', () => {
    const held = groupFrom(opened({ positions: [{ account: 'acc', strategy: 'strat', symbol: 'EURO', qty: '8' }] }));
    expect(observed(held, { qty: '1' })).toBe('200');
    const euros = inputsOf({ policy: activationOf(documentOf({ instruments: ['EURO'] })) });
    const decision = decideOn(groupFrom(opened()), termsOf({ symbol: 'EURO', currency: 'EUR', limit_price: '10', qty: '8' }), euros);
    expect(decision).toMatchObject({ outcome: 'approved', worst_price: '12.5', reserved_notional: '100' });
  });
});

describe('the worst case an order is reserved at', () => {
  const worst = (changes: Partial<OrderTerms>) => decideOn(groupFrom(opened()), termsOf(changes), limitedTo('firm', { price_collar_bps: '500' })).worst_price;

  it.each<readonly [string, Partial<OrderTerms>, string]>([
    ['a market order: as far as the collar', { order_type: 'market', limit_price: undefined }, '105'],
    ['a market sell: as far as the collar above, for what it may short', { order_type: 'market', side: 'sell', limit_price: undefined }, '105'],
    ['a stop: the collar, or the stop where that is higher', { order_type: 'stop', limit_price: undefined, stop_price: '103' }, '105'],
    ['a limit buy: its limit', { limit_price: '98.5' }, '98.5'],
    ['a limit sell below the market: the market', { side: 'sell', limit_price: '98.5' }, '100'],
    ['a limit sell above the market: its limit', { side: 'sell', limit_price: '102' }, '102'],
  ])('%s', (_what, changes, price) => {
    expect(worst(changes)).toBe(price);
  });

  it('is rounded up, never down', () => {
    const inputs = inputsOf({ rates: new Map([['USD', '1'], ['EUR', '1.000000000001']]), policy: activationOf(documentOf({ instruments: ['EURO'] })) });
    const terms = termsOf({ symbol: 'EURO', currency: 'EUR', limit_price: '10.000000000001', qty: '1' });
    expect(decideOn(groupFrom(opened()), terms, inputs).worst_price).toBe('10.000000000012');
  });
});

describe('message rate', () => {
  const inputsAt = (timeMs: number) => ({
    ...limitedTo('firm', { max_messages_per_minute: 2 }), businessTimeMs: timeMs, quotes: quotesOf(quoteOf('TALLY', '99.9', '100.1', { time_ms: timeMs })),
  });
  const sendAt = (state: ReturnType<typeof groupFrom>, orderId: string, timeMs: number) => {
    const terms = termsOf({ order_id: orderId });
    const decision = decideOn(state, terms, inputsAt(timeMs));
    return { decision, event: decided(terms, decision) };
  };

  it('denies one too many and recovers when the first leaves the window', () => {
    const events = [opened()];
    const outcomes = [0, 10, 20, RATE_WINDOW_MS - 1, RATE_WINDOW_MS, RATE_WINDOW_MS + 1, RATE_WINDOW_MS + 10].map((after, index) => {
      const { decision, event } = sendAt(groupFrom(...events), `o${index}`, TIME_MS + after);
      events.push(event);
      return decision.outcome;
    });
    expect(outcomes).toEqual(['approved', 'approved', 'denied', 'denied', 'approved', 'denied', 'approved']);
  });
  it('keeps no times that have left the window', () => {
    const events = [0, 1, RATE_WINDOW_MS].map((after, index) => sendAt(groupFrom(opened()), `o${index}`, TIME_MS + after).event);
    expect(countersOf(groupFrom(opened(), ...events), 'firm').messageTimesMs).toEqual([TIME_MS + 1, TIME_MS + RATE_WINDOW_MS]);
  });
});

describe('constraints of the intent', () => {
  const constrained = (constraints: OrderTerms['constraints'], changes: Partial<OrderTerms> = {}) => termsOf({ constraints, ...changes });

  it.each<readonly [string, Partial<OrderTerms>, string, boolean]>([
    ['a buy limit above the mid, at the bound', { limit_price: '101' }, '100', true],
    ['a buy limit above the mid, over it', { limit_price: '101.01' }, '100', false],
    ['a buy limit below the mid costs nothing', { limit_price: '95' }, '0', true],
    ['a sell limit below the mid, at the bound', { side: 'sell', limit_price: '99' }, '100', true],
    ['a sell limit below the mid, over it', { side: 'sell', limit_price: '98.99' }, '100', false],
    ['a market buy pays the ask', { order_type: 'market', limit_price: undefined }, '10', true],
    ['a market buy pays the ask, over the bound', { order_type: 'market', limit_price: undefined }, '9.99', false],
    ['a market sell gets the bid', { order_type: 'market', side: 'sell', limit_price: undefined }, '10', true],
  ])('slippage: %s', (_what, changes, max_slippage_bps, passes) => {
    expect(failures(decideOn(groupFrom(opened()), constrained({ max_slippage_bps }, changes)))).toEqual(passes ? [] : ['INTENT_SLIPPAGE_LIMIT intent']);
  });

  it('exposure in percent of equity, which is cash and marked positions', () => {
    // 6000 cash and 20 at 100: equity of 8000; with 10 more at 100 the exposure is 3000.
    const state = () => groupFrom(opened({ positions: [{ account: 'acc', strategy: 'strat', symbol: 'TALLY', qty: '20' }] }), reconciled('acc', '6000'));
    const decision = decideOn(state(), constrained({ max_exposure_pct: '37.5' }));
    expect(decision).toMatchObject({ outcome: 'approved', equity: '8000' });
    expect(failures(decideOn(state(), constrained({ max_exposure_pct: '37.49' })))).toEqual(['INTENT_EXPOSURE_LIMIT intent']);
  });

  it('exposure is denied where equity is not known or not above zero', () => {
    const terms = constrained({ max_exposure_pct: '1000' });
    expect(failures(decideOn(groupFrom(opened()), terms))).toEqual(['INTENT_EXPOSURE_LIMIT intent']);
    expect(failures(decideOn(groupFrom(opened(), reconciled('acc', '0')), terms))).toEqual(['INTENT_EXPOSURE_LIMIT intent']);
    expect(failures(decideOn(groupFrom(opened(), reconciled('acc', '-5')), terms))).toEqual(['INTENT_EXPOSURE_LIMIT intent']);
  });
});
