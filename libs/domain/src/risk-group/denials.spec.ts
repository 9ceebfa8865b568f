import { describe, expect, it } from '@jest/globals';
import type { OrderTerms } from '../order/events.ts';
import { termsOf, TIME_MS } from '../testing/order-fixtures.ts';
import { HOURS_ALWAYS, HOURS_US, readingOf } from '../testing/sessions.ts';
import { activationOf, checkOf, decideOn, documentOf, failures, groupFrom, groupView, inputsOf, opened, quoteOf, quotesOf } from '../testing/risk-fixtures.ts';
import type { DecisionInputs } from './checks.ts';
import { symbolsUsed } from './decide.ts';
import type { QuoteUsed } from './decision.ts';

const PRICED: readonly string[] = ['QUOTE_STALE firm', 'PRICE_COLLAR firm', 'ORDER_NOTIONAL_LIMIT firm', 'DAILY_NOTIONAL_LIMIT firm', 'EXPOSURE_LIMIT firm'];
const decide = (changes: Partial<DecisionInputs> = {}, terms: Partial<OrderTerms> = {}, state = groupFrom(opened())) => decideOn(state, termsOf(terms), inputsOf(changes));
const tally = (bid: string | undefined, ask: string | undefined, changes: Partial<QuoteUsed> = {}) => {
  const { bid: _bid, ask: _ask, ...rest } = quoteOf('TALLY', '1', '1', changes);
  return quotesOf({ ...rest, ...(bid === undefined ? {} : { bid }), ...(ask === undefined ? {} : { ask }) });
};

describe('what is missing denies', () => {
  it('nothing missing approves, with every check told', () => {
    const decision = decide();
    expect(decision).toMatchObject({ outcome: 'approved', worst_price: '100', reserved_notional: '1000', policy_hash: 'hash', policy_sequence: 3, risk_group: 'g', execute_by_ms: TIME_MS + 1000 });
    expect(decision.checks.map((check) => check.code)).toEqual([
      'POLICY_NOT_IN_FORCE', 'CLOCK_UNREADABLE', 'ACCOUNT_NOT_ALLOWED', 'STRATEGY_NOT_ALLOWED', 'INSTRUMENT_NOT_ALLOWED', 'SESSION_CLOSED', 'QUOTE_STALE', 'RATE_MISSING',
      'PRICE_COLLAR', 'ORDER_QTY_LIMIT', 'ORDER_NOTIONAL_LIMIT', 'DAILY_NOTIONAL_LIMIT', 'EXPOSURE_LIMIT', 'MESSAGE_RATE_LIMIT',
    ]);
  });

  it('no policy', () => {
    expect(failures(decide({ policy: undefined }))).toEqual(expect.arrayContaining(['POLICY_NOT_IN_FORCE firm', 'ACCOUNT_NOT_ALLOWED firm', 'STRATEGY_NOT_ALLOWED firm', 'INSTRUMENT_NOT_ALLOWED firm']));
  });

  it.each([['unreadable', undefined], ['not a number', Number.NaN], ['beyond time', Number.POSITIVE_INFINITY], ['a fraction', 1.5]])('a clock that is %s', (_what, businessTimeMs) => {
    const decision = decide({ businessTimeMs });
    expect(failures(decision)).toEqual(expect.arrayContaining(['CLOCK_UNREADABLE firm', 'SESSION_CLOSED firm', 'MESSAGE_RATE_LIMIT firm', ...PRICED]));
    expect(decision.business_time_ms).toBe(0);
  });

  it('a session that is not open, with why and when it opens', () => {
    const holiday = readingOf({ state: 'closed', code: 'SESSION_CLOSED', why: 'Thanksgiving Day', next_open_ms: Date.parse('2013-11-29T14:30:00Z') });
    expect(failures(decide({ session: holiday }))).toEqual(['SESSION_CLOSED firm']);
    expect(checkOf(decide({ session: holiday }), 'SESSION_CLOSED')?.detail).toBe(
      'session us-equities is closed: Thanksgiving Day; opens 2013-11-29 09:30 America/New_York (2013-11-29 14:30 UTC) (calendar XNYS test)');
    expect(failures(decide({ session: readingOf() }))).toEqual([]);
    expect(checkOf(decide({ session: readingOf() }), 'SESSION_CLOSED')).toMatchObject({ passed: true, detail: 'session us-equities of 2013-10-08 (calendar XNYS test)' });
  });

  it('a session read for another time than the order’s, to the millisecond', () => {
    // 2013-10-08 13:30 UTC, the time of these decisions, is the opening.
    expect(failures(decide({ session: readingOf({ since_ms: TIME_MS, until_ms: TIME_MS + 1 }) }))).toEqual([]);
    for (const at of [{ since_ms: TIME_MS + 1 }, { until_ms: TIME_MS }]) expect(failures(decide({ session: readingOf(at) }))).toEqual(['SESSION_CLOSED firm']);
    const { since_ms: _since, ...timeless } = readingOf();
    expect(failures(decide({ session: timeless }))).toEqual(['SESSION_CLOSED firm']);
  });

  it('a day that the calendar does not know', () => {
    const decision = decide({ session: readingOf({ state: 'unknown', code: 'CALENDAR_HORIZON', why: 'calendar XNYS test answers from 2010-01-01 to 2028-12-31, not for 2029-01-02' }) });
    expect(failures(decision)).toEqual(['CALENDAR_HORIZON firm']);
    expect(checkOf(decision, 'CALENDAR_HORIZON')?.detail).toContain('not for 2029-01-02');
  });

  it('no hours, closed ones, or ones that cannot be read, as decisions from before there were calendars recorded them', () => {
    expect(failures(decide({ session: undefined }))).toEqual(['TRADING_WINDOW_CLOSED firm']);
    // 2013-10-08 09:30 in New York is 13:30 UTC, the time of these decisions.
    expect(failures(decide({ session: HOURS_US }))).toEqual([]);
    expect(failures(decide({ session: { ...HOURS_US, open: '09:31' } }))).toEqual(['TRADING_WINDOW_CLOSED firm']);
    expect(failures(decide({ session: { ...HOURS_ALWAYS, time_zone: 'Nowhere/Land' } }))).toEqual(['TRADING_WINDOW_CLOSED firm']);
  });

  it('the policy’s own window, which can only be narrower', () => {
    const within = (open: string) => decide({ policy: activationOf(documentOf({ trading_window: { time_zone: 'UTC', open, close: '20:00', days: [2] } })) });
    expect(failures(within('13:30'))).toEqual([]);
    expect(failures(within('13:31'))).toEqual(['TRADING_WINDOW_CLOSED firm']);
    expect(checkOf(within('13:31'), 'TRADING_WINDOW_CLOSED')?.detail).toBe('the policy trades from 13:31 to 20:00 UTC on ISO weekdays 2');
    const both = decide({ session: readingOf({ state: 'closed', code: 'SESSION_CLOSED', why: 'weekend' }), policy: activationOf(documentOf({ trading_window: { time_zone: 'UTC', open: '13:31', close: '20:00', days: [2] } })) });
    expect(failures(both)).toEqual(['SESSION_CLOSED firm', 'TRADING_WINDOW_CLOSED firm']);
    expect(failures(decide({ policy: activationOf(documentOf({ trading_window: { time_zone: 'UTC', open: 'dawn', close: 'dusk', days: [2] } })) }))).toEqual(['TRADING_WINDOW_CLOSED firm']);
  });

  it.each<readonly [string, ReadonlyMap<string, QuoteUsed>]>([
    ['none', quotesOf()],
    ['a stale one', tally('99.9', '100.1', { time_ms: TIME_MS - 2001 })],
    ['one from the future', tally('99.9', '100.1', { time_ms: TIME_MS + 1 })],
    ['a crossed one', tally('100.1', '99.9')],
    ['one without a bid', tally(undefined, '100.1')],
    ['one without an ask', tally('99.9', undefined)],
    ['one at zero', tally('0', '0.1')],
    ['a negative one', tally('-1', '1')],
    ['an unreadable one', tally('NaN', '100.1')],
    ['one in another notation', tally('1e2', '100.1')],
    ['one of no time', tally('99.9', '100.1', { time_ms: Number.NaN })],
  ])('a quote: %s', (_what, quotes) => {
    expect(failures(decide({ quotes }))).toEqual(PRICED);
  });

  it('takes a quote at its greatest age, a locked one, and one of this very instant', () => {
    expect(failures(decide({ quotes: tally('99.9', '100.1', { time_ms: TIME_MS - 2000 }) }))).toEqual([]);
    expect(failures(decide({ quotes: tally('100', '100') }))).toEqual([]);
    expect(checkOf(decide({ quotes: tally('100', '100', { time_ms: TIME_MS - 700 }) }), 'QUOTE_STALE')).toMatchObject({ observed: '700', limit: '2000', unit: 'ms' });
  });

  it.each([['missing', []], ['zero', [['USD', '0']]], ['negative', [['USD', '-1']]], ['unreadable', [['USD', 'par']]]] as const)('a rate: %s', (_what, rates) => {
    expect(failures(decide({ rates: new Map(rates) }))).toEqual(['RATE_MISSING firm', 'ORDER_NOTIONAL_LIMIT firm', 'DAILY_NOTIONAL_LIMIT firm', 'EXPOSURE_LIMIT firm']);
  });

  it('the mark, the rate or the currency of another position that is held', () => {
    const state = () => groupFrom(opened({ positions: [{ account: 'acc2', strategy: 'strat2', symbol: 'EURO', qty: '1' }] }));
    expect(failures(decide({}, {}, state()))).toEqual([]);
    expect(failures(decide({ quotes: tally('99.9', '100.1') }, {}, state()))).toEqual(['EXPOSURE_LIMIT firm']);
    expect(failures(decide({ rates: new Map([['USD', '1']]) }, {}, state()))).toEqual(['EXPOSURE_LIMIT firm']);
    expect(failures(decide({ currencyOf: (symbol) => (symbol === 'EURO' ? undefined : 'USD') }, {}, state()))).toEqual(['EXPOSURE_LIMIT firm']);
    expect(failures(decide({ quotes: quotesOf(quoteOf('TALLY', '99.9', '100.1'), quoteOf('EURO', '9.9', '10.1', { time_ms: TIME_MS - 2001 })) }, {}, state()))).toEqual(['EXPOSURE_LIMIT firm']);
  });

  it('is not asked for what is held no more', () => {
    const flat = groupFrom(opened({ positions: [{ account: 'acc2', strategy: 'strat2', symbol: 'EURO', qty: '0' }] }));
    expect(failures(decide({ quotes: tally('99.9', '100.1') }, {}, flat))).toEqual([]);
    expect(symbolsUsed(flat, termsOf())).toEqual(['TALLY']);
  });
});

describe('what is not named is not allowed', () => {
  it.each<readonly [string, Partial<OrderTerms>, readonly string[]]>([
    ['account', { account: 'stranger' }, ['ACCOUNT_NOT_ALLOWED firm', 'STRATEGY_NOT_ALLOWED firm']],
    ['venue of the account', { venue: 'elsewhere' }, ['ACCOUNT_NOT_ALLOWED firm']],
    ['strategy', { strategy: { id: 'stranger', version: '1' } }, ['STRATEGY_NOT_ALLOWED firm']],
    ['live order under a paper policy', { mode: 'live' }, ['POLICY_NOT_IN_FORCE firm', 'ACCOUNT_NOT_ALLOWED firm']],
  ])('%s', (_what, terms, failed) => {
    expect(failures(decide({}, terms))).toEqual(failed);
  });

  it('instrument', () => {
    expect(failures(decide({ policy: activationOf(documentOf({ instruments: ['OTHER'] })) }))).toEqual(['INSTRUMENT_NOT_ALLOWED firm']);
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('a name every object answers to: %s', (name) => {
    expect(failures(decide({}, { strategy: { id: name, version: '1' } }))).toEqual(['STRATEGY_NOT_ALLOWED firm']);
    expect(failures(decide({}, { account: name }))).toEqual(['ACCOUNT_NOT_ALLOWED firm', 'STRATEGY_NOT_ALLOWED firm']);
    expect(failures(decide({}, { symbol: name }))).toEqual(expect.arrayContaining(['INSTRUMENT_NOT_ALLOWED firm', 'QUOTE_STALE firm']));
  });
});

describe('a denial', () => {
  it('tells everything that was wrong, not only the first', () => {
    const decision = decide({ session: undefined, quotes: quotesOf() }, { account: 'stranger', qty: '2000000', constraints: { max_slippage_bps: '1', max_exposure_pct: '1' } });
    expect(failures(decision)).toEqual([
      'ACCOUNT_NOT_ALLOWED firm', 'STRATEGY_NOT_ALLOWED firm', 'TRADING_WINDOW_CLOSED firm', 'QUOTE_STALE firm', 'PRICE_COLLAR firm', 'ORDER_QTY_LIMIT firm',
      'ORDER_NOTIONAL_LIMIT firm', 'DAILY_NOTIONAL_LIMIT firm', 'EXPOSURE_LIMIT firm', 'INTENT_SLIPPAGE_LIMIT intent', 'INTENT_EXPOSURE_LIMIT intent',
    ]);
    expect(checkOf(decision, 'ORDER_QTY_LIMIT')).toMatchObject({ limit: '1000000', observed: '2000000', headroom: '-1000000', unit: 'units' });
    expect(checkOf(decision, 'MESSAGE_RATE_LIMIT')).toMatchObject({ passed: true, observed: '1', limit: '1000' });
  });

  it('leaves the group as it was: deciding looks and does not touch', () => {
    const state = groupFrom(opened());
    const before = groupView(state);
    decideOn(state, termsOf());
    decideOn(state, termsOf({ account: 'stranger' }));
    expect(groupView(state)).toEqual(before);
    expect(state.counters.size).toBe(0);
  });

  it('records the inputs it was made on', () => {
    const decision = decide({}, {}, groupFrom(opened({ positions: [{ account: 'acc', strategy: 'strat', symbol: 'OTHER', qty: '1' }] })));
    expect(decision.quotes.map((quote) => quote.symbol)).toEqual(['OTHER', 'TALLY']);
    expect(decision.rates).toEqual([{ base: 'USD', currency: 'USD', rate: '1' }, { base: 'EUR', currency: 'USD', rate: '1.25' }]);
  });
});
