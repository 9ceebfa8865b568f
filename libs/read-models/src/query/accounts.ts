import type { AccountViewV1 } from '@tallystick/contracts';
import {
  decimal, decimalText, equityOf, exposureOf, RATE_WINDOW_MS, roundedText, ZERO, type AccountPolicy, type Decimal, type DecisionInputs, type Limits, type PolicyActivation,
  type QuoteUsed, type RiskGroupState,
} from '@tallystick/domain';
import { riskGroupFrom } from '../project/risk.ts';
import type { ReadModelFile, Row } from '../store/database.ts';
import { heldAt, json, knownAt, text, type At } from './at.ts';
import type { Marks } from './marks.ts';
import { present } from './orders.ts';

/** The newest activation of every policy, as of `at`. */
export const policiesAt = (file: ReadModelFile, at: At): readonly PolicyActivation[] => {
  const known = knownAt('position', at);
  const rows = file.all(`SELECT name, max(position), activation FROM policies WHERE ${known.sql} GROUP BY name ORDER BY name`, ...known.values);
  return rows.map((row) => json<PolicyActivation>(row, 'activation'));
};

const openMode = 'status IN (\'APPROVED\', \'CLAIMED\', \'IN_DOUBT\', \'WORKING\', \'PARTIALLY_FILLED\')';

interface GroupNow {
  readonly state: RiskGroupState;
  readonly books: readonly Row[];
  readonly tradingDay: string | undefined;
  readonly inputs: DecisionInputs;
  /** Business time of the newest decision or mark. */
  readonly nowMs: number;
}

const groupAt = (file: ReadModelFile, riskGroup: string, policy: PolicyActivation, marks: Marks, at: At): GroupNow => {
  const held = heldAt('r', at);
  const known = knownAt('position', at);
  const books = file.all(`SELECT * FROM risk_books r WHERE r.risk_group = ? AND ${held.sql}`, riskGroup, ...held.values);
  const cash = file.all(`SELECT account, cash FROM risk_cash r WHERE r.risk_group = ? AND ${held.sql}`, riskGroup, ...held.values);
  const day = file.get(`SELECT trading_day FROM risk_days WHERE risk_group = ? AND ${known.sql} ORDER BY position DESC LIMIT 1`, riskGroup, ...known.values);
  const state = riskGroupFrom({ riskGroup, tradingDay: day ? text(day, 'trading_day') : '', books, cash, reservations: [] });
  for (const row of books) {
    const book = state.books.get(JSON.stringify([text(row, 'account'), text(row, 'strategy'), text(row, 'symbol')]));
    if (!book) continue;
    book.openBuys = decimal(text(row, 'open_buys'));
    book.openSells = decimal(text(row, 'open_sells'));
  }
  const quotes = new Map<string, QuoteUsed>();
  for (const symbol of new Set(books.map((row) => text(row, 'symbol')))) {
    const quote = marks(symbol);
    if (quote) quotes.set(symbol, quote);
  }
  const newest = file.get(`SELECT max(business_time_ms) AS time_ms FROM decisions WHERE ${known.sql}`, ...known.values);
  const nowMs = Math.max(Number(newest?.['time_ms'] ?? 0), ...[...quotes.values()].map((quote) => quote.time_ms));
  return { state, books, tradingDay: day ? text(day, 'trading_day') : undefined, nowMs, inputs: inputsAt(file, policy, quotes, nowMs, at) };
};

/** Shown at the newest mark however old it is: a screen after the close must not go blank. What a decision needs is fresher. */
const inputsAt = (file: ReadModelFile, policy: PolicyActivation, quotes: ReadonlyMap<string, QuoteUsed>, nowMs: number, at: At): DecisionInputs => {
  const known = knownAt('position', at);
  const base = policy.document.base_currency;
  const rates = new Map([[base, '1']]);
  for (const row of file.all(`SELECT base, rate, max(position) FROM rates WHERE currency = ? AND ${known.sql} GROUP BY base`, base, ...known.values)) rates.set(text(row, 'base'), text(row, 'rate'));
  const currencies = new Map(file.all(`SELECT symbol, body, max(position) FROM instruments WHERE ${known.sql} GROUP BY symbol`, ...known.values)
    .map((row) => [text(row, 'symbol'), json<{ readonly currency?: string }>(row, 'body').currency]));
  return {
    policy: { ...policy, document: { ...policy.document, quote_max_age_ms: Number.MAX_SAFE_INTEGER } }, businessTimeMs: nowMs, session: undefined, quotes, rates,
    currencyOf: (symbol) => currencies.get(symbol) ?? base,
  };
};

const inScope = (scope: string) => (row: Row): boolean => scope === 'firm' || scope === `account:${text(row, 'account')}` || scope === `strategy:${text(row, 'strategy')}`;

const sumOf = (rows: readonly Row[], ...columns: readonly string[]): Decimal =>
  rows.reduce((sum, row) => columns.reduce((inner, column) => inner.plus(decimal(text(row, column))), sum), ZERO);

const messagesOf = (file: ReadModelFile, riskGroup: string, scope: string, nowMs: number, at: At): Decimal => {
  const known = knownAt('position', at);
  const rows = file.all(`SELECT account, strategy FROM decisions WHERE business_time_ms > ? AND risk_group = ? AND outcome = 'approved' AND ${known.sql}`, nowMs - RATE_WINDOW_MS, riskGroup, ...known.values);
  return decimal(String(rows.filter(inScope(scope)).length));
};

type LimitUse = AccountViewV1['limits'][number];

const limitUse = (code: string, scope: string, unit: string, limit: string, used: Decimal | undefined): LimitUse => ({
  code, scope, unit, limit, ...(used ? { used: roundedText(used), headroom: roundedText(decimal(limit).minus(used)) } : {}),
});

/** Limits of one order are whole before every order; those of a scope are used up by what it holds, has open and has sent. */
const usesOf = (file: ReadModelFile, riskGroup: string, group: GroupNow, scope: string, limits: Partial<Limits>, at: At): readonly LimitUse[] => {
  const base = group.inputs.policy?.document.base_currency ?? '';
  const rows = group.books.filter(inScope(scope));
  const { max_order_qty, max_order_notional, max_daily_notional, max_exposure, price_collar_bps, max_messages_per_minute } = limits;
  return [
    ...(max_exposure === undefined ? [] : [limitUse('EXPOSURE_LIMIT', scope, base, max_exposure, exposureOf(group.state, scope, group.inputs))]),
    ...(max_daily_notional === undefined ? [] : [limitUse('DAILY_NOTIONAL_LIMIT', scope, base, max_daily_notional, sumOf(rows, 'filled_notional', 'open_buys', 'open_sells'))]),
    ...(max_messages_per_minute === undefined ? [] : [limitUse('MESSAGE_RATE_LIMIT', scope, 'orders per minute', String(max_messages_per_minute), messagesOf(file, riskGroup, scope, group.nowMs, at))]),
    ...(max_order_notional === undefined ? [] : [limitUse('ORDER_NOTIONAL_LIMIT', scope, base, max_order_notional, ZERO)]),
    ...(max_order_qty === undefined ? [] : [limitUse('ORDER_QTY_LIMIT', scope, 'units', max_order_qty, ZERO)]),
    ...(price_collar_bps === undefined ? [] : [limitUse('PRICE_COLLAR', scope, 'bps', price_collar_bps, ZERO)]),
  ];
};

const accountView = (file: ReadModelFile, account: string, own: AccountPolicy, policy: PolicyActivation, group: GroupNow, at: At): AccountViewV1 => {
  const { document } = policy;
  const scope = `account:${account}`;
  const rows = group.books.filter(inScope(scope));
  const held = heldAt('s', at);
  const open = file.get(`SELECT count(*) AS open, sum(s.status = 'IN_DOUBT') AS doubt, max(s.valid_from) AS newest FROM order_states s JOIN orders o ON o.order_no = s.order_no
    WHERE o.account = ? AND s.${openMode} AND ${held.sql}`, account, ...held.values);
  const strategies = Object.entries(document.strategies).filter(([, strategy]) => strategy.accounts.includes(account) && strategy.limits);
  const newest = Math.max(-1, ...rows.map((row) => Number(row['valid_from'])), Number(open?.['newest'] ?? -1));
  const money = {
    trading_day: group.tradingDay, cash: optionalDecimal(group.state.cash.get(account)), equity: optionalDecimal(equityOf(group.state, account, group.inputs)),
    exposure: optionalDecimal(exposureOf(group.state, scope, group.inputs)),
  };
  return {
    account, mode: own.mode, venue: own.venue, risk_group: own.risk_group, base_currency: document.base_currency, ...present(money),
    open_notional: roundedText(sumOf(rows, 'open_buys', 'open_sells')), filled_notional_today: roundedText(sumOf(rows, 'filled_notional')),
    open_orders: Number(open?.['open'] ?? 0), in_doubt_orders: Number(open?.['doubt'] ?? 0),
    limits: [{ scope: 'firm', limits: document.firm }, { scope, limits: own.limits ?? {} }, ...strategies.map(([id, strategy]) => ({ scope: `strategy:${id}`, limits: strategy.limits ?? {} }))]
      .flatMap((scoped) => usesOf(file, own.risk_group, group, scoped.scope, scoped.limits, at)),
    policy_hash: policy.policy_hash, updated_position: String(newest),
  };
};

const optionalDecimal = (value: Decimal | undefined): string | undefined => (value ? decimalText(value.round(12, 2)) : undefined);

/** Every account that a policy in force names, by name. */
export const accountsAt = (file: ReadModelFile, marks: Marks, filters: { readonly mode?: string | undefined; readonly account?: string | undefined }, at: At): readonly AccountViewV1[] => {
  const views: AccountViewV1[] = [];
  for (const policy of policiesAt(file, at)) {
    const groups = new Map<string, GroupNow>();
    for (const [account, own] of Object.entries(policy.document.accounts)) {
      if (filters.account !== undefined && filters.account !== account) continue;
      if (filters.mode !== undefined && filters.mode !== own.mode) continue;
      const group = groups.get(own.risk_group) ?? groupAt(file, own.risk_group, policy, marks, at);
      groups.set(own.risk_group, group);
      views.push(accountView(file, account, own, policy, group, at));
    }
  }
  return views.sort((a, b) => (a.account < b.account ? -1 : 1));
};
