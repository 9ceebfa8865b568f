import { decimal, decimalText, ZERO } from '../decimal.ts';
import type { OrderTerms } from '../order/events.ts';
import {
  amountChecks, collarCheck, constraintChecks, equityOf, isFresh, permissionChecks, priceOf, rateOf, scopedLimits, worstPriceText,
  type DecisionInputs,
} from './checks.ts';
import type { PolicyActivation } from '../policy/policy.ts';
import { isReading, type SessionUsed } from '../session/reading.ts';
import { sessionOn } from '../session/session.ts';
import type { CheckResult, Decision, QuoteUsed } from './decision.ts';
import type { RiskGroupState } from './state.ts';

/** Symbols whose quotes a decision on `terms` depends on: its own, and everything the group holds or has open. */
export const symbolsUsed = (state: RiskGroupState, terms: OrderTerms): readonly string[] => {
  const symbols = new Set([terms.symbol]);
  for (const book of state.books.values()) {
    if (!book.qty.eq(ZERO) || !book.openBuys.eq(ZERO) || !book.openSells.eq(ZERO)) symbols.add(book.symbol);
  }
  return [...symbols].sort();
};

const recordedSession = (session: SessionUsed, businessTimeMs: number | undefined): SessionUsed => (isReading(session) ? session : sessionOn(session, businessTimeMs ?? 0));

/**
 * Pure: state, order and recorded inputs give the same decision for ever. Every check is evaluated and kept.
 * `marketSequence` is the step the quotes were taken at.
 */
export const decideOrder = (
  state: RiskGroupState,
  terms: OrderTerms,
  given: DecisionInputs,
  identity: { readonly decisionId: string; readonly marketSequence: number },
): Decision => {
  // A clock that reads as no instant cannot be read.
  const inputs = Number.isSafeInteger(given.businessTimeMs) ? given : { ...given, businessTimeMs: undefined };
  const { policy, businessTimeMs } = inputs;
  const quote = inputs.quotes.get(terms.symbol);
  const scopes = policy ? scopedLimits(policy, terms) : [];
  const rate = rateOf(terms.currency, inputs);
  const maxAgeMs = policy?.document.quote_max_age_ms ?? 0;
  const fresh = isFresh(quote, businessTimeMs, maxAgeMs);
  const collarBps = decimal(policy?.document.firm.price_collar_bps ?? '0');
  const priced = fresh ? priceOf(terms, quote, collarBps) : undefined;
  const worst = priced && rate ? worstPriceText(priced, rate) : undefined;
  const notional = worst === undefined ? undefined : decimal(terms.qty).times(decimal(worst));
  const usable = fresh ? quote : undefined;

  const checks: CheckResult[] = [
    ...permissionChecks(terms, inputs),
    {
      code: 'QUOTE_STALE', scope: 'firm', passed: fresh && priced !== undefined, limit: String(maxAgeMs), unit: 'ms',
      ...(quote && businessTimeMs !== undefined ? { observed: String(businessTimeMs - quote.time_ms) } : {}),
      detail: quote ? 'a two-sided, uncrossed quote within its age' : `no quote for ${terms.symbol}`,
    },
    { code: 'RATE_MISSING', scope: 'firm', passed: rate !== undefined, detail: `rate of ${terms.currency} in base currency` },
    ...scopes.flatMap((scoped) => {
      const collar = collarCheck(terms, usable, scoped);
      return [...(collar ? [collar] : []), ...amountChecks(state, terms, scoped, notional, inputs)];
    }),
    ...constraintChecks(state, terms, notional, inputs),
  ];
  const approved = checks.every((check) => check.passed);
  const equity = equityOf(state, terms.account, inputs);
  const quotes = symbolsUsed(state, terms).map((symbol) => inputs.quotes.get(symbol)).filter((used): used is QuoteUsed => used !== undefined)
    .map((used): QuoteUsed => {
      const currency = inputs.currencyOf(used.symbol);
      return currency === undefined ? used : { ...used, currency };
    });
  return {
    decision_id: identity.decisionId,
    outcome: approved ? 'approved' : 'denied',
    checks,
    policy_name: policy?.document.name ?? '',
    policy_hash: policy?.policy_hash ?? '',
    policy_sequence: policy?.sequence ?? 0,
    risk_group: state.riskGroup,
    quotes,
    rates: [...inputs.rates].map(([base, value]) => ({ base, currency: policy?.document.base_currency ?? '', rate: value })),
    ...(inputs.session ? { session: recordedSession(inputs.session, businessTimeMs) } : {}),
    ...(equity ? { equity: decimalText(equity) } : {}),
    ...(approved && worst !== undefined && notional ? { worst_price: worst, reserved_notional: decimalText(notional) } : {}),
    market_sequence: identity.marketSequence,
    business_time_ms: businessTimeMs ?? 0,
    execute_by_ms: (businessTimeMs ?? 0) + (policy?.document.execute_within_ms ?? 0),
  };
};

/** The inputs as the decision recorded them; `policy` is the activation its hash names. Decided on again, they give the same decision. */
export const recordedInputs = (decision: Decision, policy: PolicyActivation | undefined): DecisionInputs => {
  const currencies = new Map(decision.quotes.map(({ symbol, currency }) => [symbol, currency]));
  const unreadable = decision.checks.some(({ code, passed }) => code === 'CLOCK_UNREADABLE' && !passed);
  return {
    policy, session: decision.session, businessTimeMs: unreadable ? undefined : decision.business_time_ms,
    quotes: new Map(decision.quotes.map((quote) => [quote.symbol, quote])),
    rates: new Map(decision.rates.map(({ base, rate }) => [base, rate])),
    currencyOf: (symbol) => currencies.get(symbol),
  };
};
