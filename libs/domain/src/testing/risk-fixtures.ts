import type { OrderTerms } from '../order/events.ts';
import type { Limits, PolicyActivation, PolicyDocument } from '../policy/policy.ts';
import type { DecisionInputs } from '../risk-group/checks.ts';
import { decideOrder } from '../risk-group/decide.ts';
import type { CheckCode, Decision, QuoteUsed } from '../risk-group/decision.ts';
import type { AppliedTrade, RiskGroupEvent } from '../risk-group/events.ts';
import { emptyRiskGroup, evolveRiskGroup, type RiskGroupState } from '../risk-group/state.ts';
import { termsOf, TIME_MS } from './order-fixtures.ts';
import { ALWAYS_READING } from './sessions.ts';

/** A market of TALLY at 99.9 to 100.1 and OTHER at 49.9 to 50.1 dollars, a euro at 1.25, and a policy too wide to matter. */

export const WIDE: Limits = {
  max_order_qty: '1000000', max_order_notional: '100000000', max_daily_notional: '1000000000', max_exposure: '1000000000', price_collar_bps: '1000', max_messages_per_minute: 1000,
};

export const documentOf = (changes: Partial<PolicyDocument> = {}): PolicyDocument => ({
  name: 'test', mode: 'paper', base_currency: 'USD', firm: WIDE,
  accounts: { acc: { mode: 'paper', venue: 'paper', risk_group: 'g' }, acc2: { mode: 'paper', venue: 'paper', risk_group: 'g' } },
  strategies: { strat: { accounts: ['acc', 'acc2'] }, strat2: { accounts: ['acc', 'acc2'] } },
  instruments: ['TALLY', 'OTHER'], risk_groups: { g: { roll_time: '17:00', time_zone: 'America/New_York' } },
  quote_max_age_ms: 2000, execute_within_ms: 1000, ...changes,
});

export const activationOf = (document: PolicyDocument = documentOf(), changes: Partial<PolicyActivation> = {}): PolicyActivation => ({
  document, policy_hash: 'hash', sequence: 3, signature: { key_id: 'k', value: 's' }, key_scope: 'paper', activated_by: 'ana', ...changes,
});

export const quoteOf = (symbol: string, bid: string, ask: string, changes: Partial<QuoteUsed> = {}): QuoteUsed =>
  ({ symbol, bid, ask, time_ms: TIME_MS, sequence: 1, source: 'test', ...changes });

export const quotesOf = (...quotes: readonly QuoteUsed[]): ReadonlyMap<string, QuoteUsed> => new Map(quotes.map((quote) => [quote.symbol, quote]));

const CURRENCIES: Readonly<Record<string, string>> = { TALLY: 'USD', OTHER: 'USD', EURO: 'EUR' };

export const inputsOf = (changes: Partial<DecisionInputs> = {}): DecisionInputs => ({
  policy: activationOf(), businessTimeMs: TIME_MS, session: ALWAYS_READING,
  quotes: quotesOf(quoteOf('TALLY', '99.9', '100.1'), quoteOf('OTHER', '49.9', '50.1'), quoteOf('EURO', '9.9', '10.1')),
  rates: new Map([['USD', '1'], ['EUR', '1.25']]), currencyOf: (symbol) => CURRENCIES[symbol], ...changes,
});

/** Policy with one limit, set for the scope that is named. */
export const limitedTo = (scope: 'firm' | 'account' | 'strategy', limits: Partial<Limits>): DecisionInputs => {
  const base = documentOf();
  return inputsOf({ policy: activationOf({
    ...base,
    firm: scope === 'firm' ? { ...WIDE, ...limits } : WIDE,
    accounts: scope === 'account' ? { ...base.accounts, acc: { mode: 'paper', venue: 'paper', risk_group: 'g', limits } } : base.accounts,
    strategies: scope === 'strategy' ? { ...base.strategies, strat: { accounts: ['acc', 'acc2'], limits } } : base.strategies,
  }) });
};

export const opened = (changes: Partial<Extract<RiskGroupEvent, { type: 'RiskGroupDayOpened' }>['data']> = {}): RiskGroupEvent => ({
  type: 'RiskGroupDayOpened',
  data: { risk_group: 'g', trading_day: '2013-10-08', roll_time: '17:00', time_zone: 'America/New_York', positions: [], cash: [], reservations: [],
    source_position: '0', business_time_ms: TIME_MS, ...changes },
});

export const groupFrom = (...events: readonly RiskGroupEvent[]): RiskGroupState => events.reduce(evolveRiskGroup, emptyRiskGroup());

export const decideOn = (state: RiskGroupState, terms: OrderTerms = termsOf(), inputs: DecisionInputs = inputsOf()): Decision =>
  decideOrder(state, terms, inputs, { decisionId: `d-${terms.order_id}`, marketSequence: 1 });

export const decided = (terms: OrderTerms, decision: Decision): RiskGroupEvent => ({ type: 'OrderDecided', data: { terms, decision } });

export const tradeOf = (changes: Partial<AppliedTrade> = {}): AppliedTrade => ({
  order_id: 'order-1', exec_id: 'e1', account: 'acc', strategy: 'strat', symbol: 'TALLY', side: 'buy', qty: '4', price: '99', fee: '0', rate: '1', source_position: '10', ...changes,
});

export const applied = (changes: Partial<AppliedTrade> = {}): RiskGroupEvent => ({ type: 'TradeApplied', data: tradeOf(changes) });
export const reversed = (changes: Partial<AppliedTrade> = {}): RiskGroupEvent => ({ type: 'TradeReversed', data: tradeOf(changes) });
export const released = (orderId = 'order-1'): RiskGroupEvent => ({ type: 'ReservationReleased', data: { order_id: orderId, status: 'CANCELED', source_position: '20' } });
export const reconciled = (account: string, cash: string): RiskGroupEvent => ({ type: 'CashReconciled', data: { account, currency: 'USD', cash, source_position: '5' } });

/** `CODE scope` of every check that failed. */
export const failures = (decision: Decision): readonly string[] => decision.checks.filter((check) => !check.passed).map((check) => `${check.code} ${check.scope}`);

export const checkOf = (decision: Decision, code: CheckCode, scope = 'firm'): Decision['checks'][number] | undefined =>
  decision.checks.find((check) => check.code === code && check.scope === scope);

/** Everything the next decision can depend on, as plain JSON, in no particular order of arrival. */
export const groupView = (state: RiskGroupState): unknown => ({
  day: state.day, closed: state.closed, source_position: state.sourcePosition.toString(),
  books: [...state.books.values()].map((book) => [book.account, book.strategy, book.symbol, book.qty.toFixed(), book.openBuys.toFixed(), book.openSells.toFixed()].join(' ')).sort(),
  cash: [...state.cash].map(([account, cash]) => `${account} ${cash.toFixed()}`).sort(),
  reservations: [...state.reservations.values()].map(({ order_id, side, leaves, worstPrice }) => `${order_id} ${side} ${leaves.toFixed()} ${worstPrice.toFixed()}`).sort(),
  counters: [...state.counters].map(([scope, { filledNotional, openNotional, messageTimesMs }]) => `${scope} ${filledNotional.toFixed()} ${openNotional.toFixed()} ${messageTimesMs.join(',')}`).sort(),
  decided: [...state.decided].map(([orderId, { outcome }]) => `${orderId} ${outcome}`).sort(),
});
