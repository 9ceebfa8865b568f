import { BPS, decimal, decimalText, maxOf, ONE, parseDecimal, roundedText, ZERO, type Decimal } from '../decimal.ts';
import type { OrderTerms } from '../order/events.ts';
import { accountOf, mayTrade, strategyOf, type Limits, type PolicyActivation } from '../policy/policy.ts';
import type { SessionUsed } from '../session/reading.ts';
import type { CheckCode, CheckResult, QuoteUsed } from './decision.ts';
import { countAfter } from './message-times.ts';
import { countersOf, RATE_WINDOW_MS, type Book, type RiskGroupState } from './state.ts';
import { tradingTimeChecks } from './trading-time.ts';

/** What a decision is made on; all of it is recorded in the decision. Money in base currency. */
export interface DecisionInputs {
  readonly policy: PolicyActivation | undefined;
  readonly businessTimeMs: number | undefined;
  /** What the gate said. Hours only in decisions recorded before there were calendars: those are decided on again as they were then. */
  readonly session: SessionUsed | undefined;
  readonly quotes: ReadonlyMap<string, QuoteUsed>;
  /** Base currency per unit of a currency. */
  readonly rates: ReadonlyMap<string, string>;
  /** Currency of each instrument held, for marking positions. */
  readonly currencyOf: (symbol: string) => string | undefined;
}

/** The mid of a readable, two-sided, uncrossed quote; anything else is no reference. */
export const referencePrice = (quote: QuoteUsed | undefined): Decimal | undefined => {
  if (quote?.bid === undefined || quote.ask === undefined) return undefined;
  const bid = parseDecimal(quote.bid);
  const ask = parseDecimal(quote.ask);
  if (!bid || !ask || bid.lte(ZERO) || ask.lt(bid)) return undefined;
  return bid.plus(ask).div(decimal('2'));
};

export const isFresh = (quote: QuoteUsed | undefined, businessTimeMs: number | undefined, maxAgeMs: number): boolean =>
  quote !== undefined && businessTimeMs !== undefined && businessTimeMs - quote.time_ms <= maxAgeMs && quote.time_ms <= businessTimeMs;

/** Base currency per unit of `currency`; a rate that is not above zero would make every order worth nothing, so it is none. */
export const rateOf = (currency: string, inputs: DecisionInputs): Decimal | undefined => {
  const rate = parseDecimal(inputs.rates.get(currency) ?? '');
  return rate?.gt(ZERO) ? rate : undefined;
};

const yesNo = (code: CheckCode, scope: string, passed: boolean, detail: string): CheckResult => ({ code, scope, passed, detail });

/** Amounts: passes up to and including the limit. A missing amount fails. */
const within = (code: CheckCode, scope: string, observed: Decimal | undefined, limit: string, unit: string, missing: string): CheckResult => {
  if (!observed) return { code, scope, passed: false, limit, unit, detail: missing };
  const allowed = decimal(limit);
  return { code, scope, passed: observed.lte(allowed), limit, observed: roundedText(observed), headroom: roundedText(allowed.minus(observed)), unit };
};

export interface Scoped {
  readonly scope: string;
  readonly limits: Partial<Limits>;
}

/** Every scope that states limits for this order; all are evaluated, so the most restrictive wins. */
export const scopedLimits = (policy: PolicyActivation, terms: OrderTerms): readonly Scoped[] => {
  const { document } = policy;
  const account = accountOf(document, terms.account)?.limits;
  const strategy = strategyOf(document, terms.strategy.id)?.limits;
  return [
    { scope: 'firm', limits: document.firm },
    ...(account ? [{ scope: `account:${terms.account}`, limits: account }] : []),
    ...(strategy ? [{ scope: `strategy:${terms.strategy.id}`, limits: strategy }] : []),
  ];
};

export const permissionChecks = (terms: OrderTerms, inputs: DecisionInputs): readonly CheckResult[] => {
  const { policy } = inputs;
  const account = policy && accountOf(policy.document, terms.account);
  const strategy = policy && strategyOf(policy.document, terms.strategy.id);
  return [
    yesNo('POLICY_NOT_IN_FORCE', 'firm', policy !== undefined && mayTrade(policy, terms.mode),
      policy ? `policy ${policy.document.name} allows ${policy.document.mode}, order is ${terms.mode}` : 'no policy is in force'),
    yesNo('CLOCK_UNREADABLE', 'firm', inputs.businessTimeMs !== undefined, 'the market clock can be read'),
    yesNo('ACCOUNT_NOT_ALLOWED', 'firm', account !== undefined && account.mode === terms.mode && account.venue === terms.venue,
      account ? `account ${terms.account} is ${account.mode} at ${account.venue}` : `account ${terms.account} is not in the policy`),
    yesNo('STRATEGY_NOT_ALLOWED', 'firm', strategy?.accounts.includes(terms.account) ?? false,
      strategy ? `strategy ${terms.strategy.id} may trade ${strategy.accounts.join(', ')}` : `strategy ${terms.strategy.id} is not in the policy`),
    yesNo('INSTRUMENT_NOT_ALLOWED', 'firm', policy?.document.instruments.includes(terms.symbol) ?? false, `instrument ${terms.symbol}`),
    ...tradingTimeChecks(terms, inputs),
  ];
};

/** Prices the order rests on: reference, and the worst it is reserved at, in the instrument's currency. */
export interface Priced {
  readonly reference: Decimal;
  readonly worst: Decimal;
}

/** A market or stop order can trade as far as the collar, a limit order at its limit; sells are held at the higher of limit and reference. */
export const priceOf = (terms: OrderTerms, quote: QuoteUsed | undefined, collarBps: Decimal): Priced | undefined => {
  const reference = referencePrice(quote);
  if (!reference) return undefined;
  const collar = reference.times(ONE.plus(collarBps.div(BPS)));
  if (terms.limit_price === undefined) {
    const stop = terms.stop_price === undefined ? ZERO : decimal(terms.stop_price);
    return { reference, worst: maxOf(collar, stop) };
  }
  const limit = decimal(terms.limit_price);
  return { reference, worst: terms.side === 'buy' ? limit : maxOf(limit, reference) };
};

const bpsFrom = (reference: Decimal, price: Decimal): Decimal => price.minus(reference).abs().times(BPS).div(reference);

/** RTS 6 15(1)(a): the order's own prices, either side of the reference. A market order has none; its touch is checked instead. */
export const collarCheck = (terms: OrderTerms, quote: QuoteUsed | undefined, scoped: Scoped): CheckResult | undefined => {
  const limit = scoped.limits.price_collar_bps;
  if (limit === undefined) return undefined;
  const reference = referencePrice(quote);
  const touch = terms.side === 'buy' ? quote?.ask : quote?.bid;
  const prices = [terms.limit_price, terms.stop_price].filter((price) => price !== undefined);
  const checked = prices.length > 0 ? prices : [touch].filter((price) => price !== undefined);
  const worst = reference && checked.length > 0
    ? checked.map((price) => bpsFrom(reference, decimal(price))).reduce(maxOf, ZERO) : undefined;
  return within('PRICE_COLLAR', scoped.scope, worst, limit, 'bps', 'no usable reference price');
};

/** Exposure of one symbol of an account when everything open on the worse side fills. */
const symbolExposure = (books: readonly Book[], mark: Decimal, adding: { readonly buys: Decimal; readonly sells: Decimal }): Decimal => {
  let qty = ZERO;
  let buys = adding.buys;
  let sells = adding.sells;
  for (const book of books) {
    qty = qty.plus(book.qty);
    buys = buys.plus(book.openBuys);
    sells = sells.plus(book.openSells);
  }
  const held = qty.times(mark);
  return maxOf(held.plus(buys).abs(), held.minus(sells).abs());
};

/** Base-currency mark of a symbol; `undefined` when its quote is stale or its rate unknown. */
export const markOf = (symbol: string, inputs: DecisionInputs): Decimal | undefined => {
  const quote = inputs.quotes.get(symbol);
  const currency = inputs.currencyOf(symbol);
  const rate = currency === undefined ? undefined : rateOf(currency, inputs);
  const reference = referencePrice(quote);
  if (!reference || !rate) return undefined;
  if (!isFresh(quote, inputs.businessTimeMs, inputs.policy?.document.quote_max_age_ms ?? 0)) return undefined;
  return reference.times(rate);
};

const inScope = (scope: string, book: Book): boolean =>
  scope === 'firm' || scope === `account:${book.account}` || scope === `strategy:${book.strategy}`;

/**
 * Sum over accounts and symbols of the scope, with `adding` (worst-case notional, base currency) on the order's own line.
 * `undefined` when anything held or open has no fresh mark: exposure is then not known, and what is not known is denied.
 */
export const exposureOf = (state: RiskGroupState, scope: string, inputs: DecisionInputs, adding?: { readonly terms: OrderTerms; readonly notional: Decimal }): Decimal | undefined => {
  let total = ZERO;
  let ownSeen = false;
  const added = adding
    ? { buys: adding.terms.side === 'buy' ? adding.notional : ZERO, sells: adding.terms.side === 'sell' ? adding.notional : ZERO }
    : { buys: ZERO, sells: ZERO };
  for (const [account, bySymbol] of state.booksBySymbolOfAccount) {
    for (const [symbol, all] of bySymbol) {
      const books = scope === 'firm' ? all : all.filter((book) => inScope(scope, book));
      const isOwn = account === adding?.terms.account && symbol === adding.terms.symbol;
      ownSeen = ownSeen || isOwn;
      const flat = books.every((book) => book.qty.eq(ZERO) && book.openBuys.eq(ZERO) && book.openSells.eq(ZERO));
      if (flat && !isOwn) continue;
      const mark = markOf(symbol, inputs);
      if (!mark) return undefined;
      total = total.plus(symbolExposure(books, mark, isOwn ? added : { buys: ZERO, sells: ZERO }));
    }
  }
  return adding && !ownSeen ? total.plus(adding.notional) : total;
};

/** Reconciled cash plus marked positions, base currency; `undefined` when cash is not reconciled or a mark is not fresh. */
export const equityOf = (state: RiskGroupState, account: string, inputs: DecisionInputs): Decimal | undefined => {
  let equity = state.cash.get(account);
  if (!equity) return undefined;
  for (const [symbol, books] of state.booksBySymbolOfAccount.get(account) ?? []) {
    const qty = books.reduce((sum, book) => sum.plus(book.qty), ZERO);
    if (qty.eq(ZERO)) continue;
    const mark = markOf(symbol, inputs);
    if (!mark) return undefined;
    equity = equity.plus(qty.times(mark));
  }
  return equity;
};

/** RTS 6 15(1)(b) to (d), 15(4): amounts of the order and of its scope with this order in it. */
export const amountChecks = (state: RiskGroupState, terms: OrderTerms, scoped: Scoped, notional: Decimal | undefined, inputs: DecisionInputs): readonly CheckResult[] => {
  const { scope, limits } = scoped;
  const base = inputs.policy?.document.base_currency ?? '';
  const counters = countersOf(state, scope);
  const results: CheckResult[] = [];
  const unpriced = 'the order has no worth: no usable quote or rate';
  if (limits.max_order_qty !== undefined) results.push(within('ORDER_QTY_LIMIT', scope, decimal(terms.qty), limits.max_order_qty, 'units', ''));
  if (limits.max_order_notional !== undefined) results.push(within('ORDER_NOTIONAL_LIMIT', scope, notional, limits.max_order_notional, base, unpriced));
  if (limits.max_daily_notional !== undefined) {
    const used = notional?.plus(counters.filledNotional).plus(counters.openNotional);
    results.push(within('DAILY_NOTIONAL_LIMIT', scope, used, limits.max_daily_notional, base, unpriced));
  }
  if (limits.max_exposure !== undefined) {
    const exposure = notional ? exposureOf(state, scope, inputs, { terms, notional }) : undefined;
    results.push(within('EXPOSURE_LIMIT', scope, exposure, limits.max_exposure, base, 'a position has no fresh mark'));
  }
  if (limits.max_messages_per_minute !== undefined) {
    const now = inputs.businessTimeMs;
    const recent = now === undefined ? undefined : countAfter(counters.messageTimesMs, now - RATE_WINDOW_MS) + 1;
    results.push(within('MESSAGE_RATE_LIMIT', scope, recent === undefined ? undefined : decimal(String(recent)),
      String(limits.max_messages_per_minute), 'orders per minute', 'the market clock cannot be read'));
  }
  return results;
};

/** The intent's own constraints. Market orders are held to their touch, priced ones to their limit where it is the worse side. */
export const constraintChecks = (state: RiskGroupState, terms: OrderTerms, notional: Decimal | undefined, inputs: DecisionInputs): readonly CheckResult[] => {
  const results: CheckResult[] = [];
  const { max_slippage_bps: slippage, max_exposure_pct: exposurePct } = terms.constraints;
  if (slippage !== undefined) {
    const quote = inputs.quotes.get(terms.symbol);
    const reference = referencePrice(quote);
    const price = terms.limit_price ?? (terms.side === 'buy' ? quote?.ask : quote?.bid);
    const adverse = reference && price !== undefined
      ? maxOf((terms.side === 'buy' ? decimal(price).minus(reference) : reference.minus(decimal(price))).times(BPS).div(reference), ZERO) : undefined;
    results.push(within('INTENT_SLIPPAGE_LIMIT', 'intent', adverse, slippage, 'bps', 'no usable reference price'));
  }
  if (exposurePct !== undefined) {
    const equity = equityOf(state, terms.account, inputs);
    const exposure = notional ? exposureOf(state, `account:${terms.account}`, inputs, { terms, notional }) : undefined;
    const pct = equity && exposure && equity.gt(ZERO) ? exposure.times(decimal('100')).div(equity) : undefined;
    results.push(within('INTENT_EXPOSURE_LIMIT', 'intent', pct, exposurePct, 'percent of equity', 'equity or a mark is not known'));
  }
  return results;
};

/** Base currency per unit, rounded up: a reservation is never less than its worst case. */
export const worstPriceText = (priced: Priced, rate: Decimal): string => decimalText(priced.worst.times(rate).round(12, 3));
