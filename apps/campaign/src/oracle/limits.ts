import { finding, type Finding } from '../findings.ts';
import { abs, amount, amountText, most, ONE, roundedUp, times, type Amount } from './amount.ts';
import { asJson, at, has, list, text } from './json.ts';
import type { Log, LogEvent } from './log.ts';

/** What is held and open of one strategy, symbol and account. */
interface Line {
  readonly account: string;
  readonly strategy: string;
  readonly symbol: string;
  held: Amount;
}

interface Open {
  readonly line: Line;
  readonly side: string;
  leaves: Amount;
  readonly worst: Amount;
}

/** The day of a risk group as the log tells it: every question is answered by adding up all of it. */
interface Day {
  readonly lines: Map<string, Line>;
  readonly open: Map<string, Open>;
  /** Worth of all trades of a line, in base currency. */
  readonly spent: Map<Line, Amount>;
  readonly messages: { readonly line: Line; readonly atMs: number }[];
}

export interface LimitFigures {
  readonly findings: readonly Finding[];
  readonly decisions: number;
  readonly approved: number;
  /** How often each limit was what an order was denied for, by this recomputation. */
  readonly denials: Readonly<Record<string, number>>;
}

const MINUTE_MS = 60_000;
const BPS = amount('10000');
const HALF = amount('0.5');
const PRICE_PLACES = 12;
/** Checks that ask for something else than an amount of the state; a denial may rest on them alone. */
const OTHER_CHECKS = new Set(['POLICY_NOT_IN_FORCE', 'CLOCK_UNREADABLE', 'ACCOUNT_NOT_ALLOWED', 'STRATEGY_NOT_ALLOWED', 'INSTRUMENT_NOT_ALLOWED', 'SESSION_CLOSED',
  'CALENDAR_HORIZON', 'TRADING_WINDOW_CLOSED', 'QUOTE_STALE', 'RATE_MISSING', 'PRICE_COLLAR', 'INTENT_SLIPPAGE_LIMIT', 'INTENT_EXPOSURE_LIMIT']);

const lineOf = (day: Day, account: string, strategy: string, symbol: string): Line => {
  const key = JSON.stringify([account, strategy, symbol]);
  const line = day.lines.get(key) ?? { account, strategy, symbol, held: 0n };
  day.lines.set(key, line);
  return line;
};

const within = (scope: string, { account, strategy }: Line): boolean => scope === 'firm' || scope === `account:${account}` || scope === `strategy:${strategy}`;

const midOf = (quote: unknown): Amount | undefined => {
  const [bid, ask] = [text(quote, 'bid'), text(quote, 'ask')];
  if (bid === '' || ask === '' || amount(bid) <= 0n || amount(ask) < amount(bid)) return undefined;
  return times(amount(bid) + amount(ask), HALF);
};

/** Worst price in base currency: as far as the collar for orders without a limit, the limit for buys, the higher of limit and mid for sells. */
const worstOf = (terms: unknown, mid: Amount, rate: Amount, collarBps: Amount): Amount => {
  const [limit, stop] = [text(terms, 'limit_price'), text(terms, 'stop_price')];
  const collar = times(mid, ONE + (collarBps * ONE) / BPS);
  const worst = limit === '' ? most(collar, stop === '' ? 0n : amount(stop)) : text(terms, 'side') === 'buy' ? amount(limit) : most(amount(limit), mid);
  return roundedUp(times(worst, rate), PRICE_PLACES);
};

/** Sum over accounts and symbols of what is held at the mark and, on its worse side, what is open. `undefined`: something has no mark. */
const exposureOf = (day: Day, scope: string, marks: (symbol: string) => Amount | undefined, adding: { readonly line: Line; readonly side: string; readonly worth: Amount }): Amount | undefined => {
  const sums = new Map<string, { readonly symbol: string; held: Amount; buys: Amount; sells: Amount }>();
  const sumOf = ({ account, symbol }: Line): { readonly symbol: string; held: Amount; buys: Amount; sells: Amount } => {
    const key = JSON.stringify([account, symbol]);
    const sum = sums.get(key) ?? { symbol, held: 0n, buys: 0n, sells: 0n };
    sums.set(key, sum);
    return sum;
  };
  for (const line of day.lines.values()) if (within(scope, line) && line.held !== 0n) sumOf(line).held += line.held;
  for (const { line, side, leaves, worst } of day.open.values()) {
    if (leaves <= 0n || !within(scope, line)) continue;
    const sum = sumOf(line);
    if (side === 'buy') sum.buys += times(leaves, worst);
    else sum.sells += times(leaves, worst);
  }
  const own = sumOf(adding.line);
  if (adding.side === 'buy') own.buys += adding.worth;
  else own.sells += adding.worth;
  let total = 0n;
  for (const { symbol, held, buys, sells } of sums.values()) {
    const mark = marks(symbol);
    if (mark === undefined) return undefined;
    total += most(abs(times(held, mark) + buys), abs(times(held, mark) - sells));
  }
  return total;
};

/** Traded today, and open at its worst price. */
const usedOf = (day: Day, scope: string): Amount => {
  let used = 0n;
  for (const [line, worth] of day.spent) if (within(scope, line)) used += worth;
  for (const { line, leaves, worst } of day.open.values()) if (within(scope, line)) used += times(leaves, worst);
  return used;
};

const recentMessages = (day: Day, scope: string, nowMs: number): number => {
  let recent = 0;
  for (let i = day.messages.length - 1; i >= 0; i -= 1) {
    const { line, atMs } = day.messages[i] ?? { line: undefined, atMs: 0 };
    // They are in the log's order, which is nearly that of time: a minute more is looked at than is asked about.
    if (line === undefined || atMs <= nowMs - 2 * MINUTE_MS) break;
    if (atMs > nowMs - MINUTE_MS && within(scope, line)) recent += 1;
  }
  return recent;
};

interface Judged {
  readonly exceeded: readonly string[];
  readonly worth: Amount | undefined;
  readonly worst: Amount | undefined;
}

const limitsOf = (policy: unknown, account: string, strategy: string): readonly (readonly [scope: string, limits: unknown])[] => [
  ['firm', at(policy, 'firm')], [`account:${account}`, at(policy, 'accounts', account, 'limits')], [`strategy:${strategy}`, at(policy, 'strategies', strategy, 'limits')],
];

const judge = (day: Day, policy: unknown, terms: unknown, decision: unknown): Judged => {
  const [account, strategy, symbol, side] = [text(terms, 'account'), text(terms, 'strategy', 'id'), text(terms, 'symbol'), text(terms, 'side')];
  const line = lineOf(day, account, strategy, symbol);
  const nowMs = Number(text(decision, 'business_time_ms'));
  const maxAgeMs = Number(text(policy, 'quote_max_age_ms'));
  const quotes = new Map(list(decision, 'quotes').map((quote) => [text(quote, 'symbol'), quote]));
  const rates = new Map(list(decision, 'rates').map((rate) => [text(rate, 'base'), amount(text(rate, 'rate'))]));
  const fresh = (of: string): Amount | undefined => {
    const quote = quotes.get(of);
    const timeMs = Number(text(quote, 'time_ms'));
    return quote === undefined || timeMs > nowMs || nowMs - timeMs > maxAgeMs ? undefined : midOf(quote);
  };
  const mark = (of: string): Amount | undefined => {
    const [mid, rate] = [fresh(of), rates.get(text(quotes.get(of), 'currency'))];
    return mid === undefined || rate === undefined ? undefined : times(mid, rate);
  };
  const [mid, rate] = [fresh(symbol), rates.get(text(terms, 'currency'))];
  const worst = mid === undefined || rate === undefined ? undefined : worstOf(terms, mid, rate, amount(text(policy, 'firm', 'price_collar_bps')));
  const qty = amount(text(terms, 'qty'));
  const worth = worst === undefined ? undefined : times(qty, worst);
  const exceeded: string[] = [];
  for (const [scope, limits] of limitsOf(policy, account, strategy)) {
    const over = (name: string, code: string, observed: Amount | undefined): void => {
      if (has(limits, name) && (observed === undefined || observed > amount(text(limits, name)))) exceeded.push(`${code} ${scope}`);
    };
    over('max_order_qty', 'ORDER_QTY_LIMIT', qty);
    over('max_order_notional', 'ORDER_NOTIONAL_LIMIT', worth);
    if (has(limits, 'max_daily_notional')) over('max_daily_notional', 'DAILY_NOTIONAL_LIMIT', worth === undefined ? undefined : usedOf(day, scope) + worth);
    if (has(limits, 'max_exposure')) over('max_exposure', 'EXPOSURE_LIMIT', worth === undefined ? undefined : exposureOf(day, scope, mark, { line, side, worth }));
    if (has(limits, 'max_messages_per_minute')) {
      const recent = recentMessages(day, scope, nowMs);
      over('max_messages_per_minute', 'MESSAGE_RATE_LIMIT', BigInt(recent + 1) * ONE);
    }
  }
  return { exceeded, worth, worst };
};

const apply = (day: Day, { type, data }: LogEvent): void => {
  if (type === 'RiskGroupDayOpened') {
    for (const held of list(data, 'positions')) lineOf(day, text(held, 'account'), text(held, 'strategy'), text(held, 'symbol')).held = amount(text(held, 'qty'));
    for (const open of list(data, 'reservations')) {
      const line = lineOf(day, text(open, 'account'), text(open, 'strategy'), text(open, 'symbol'));
      day.open.set(text(open, 'order_id'), { line, side: text(open, 'side'), leaves: amount(text(open, 'leaves_qty')), worst: amount(text(open, 'worst_price')) });
    }
  } else if (type === 'TradeApplied') {
    const line = lineOf(day, text(data, 'account'), text(data, 'strategy'), text(data, 'symbol'));
    const qty = amount(text(data, 'qty'));
    line.held += text(data, 'side') === 'buy' ? qty : -qty;
    day.spent.set(line, (day.spent.get(line) ?? 0n) + times(times(qty, amount(text(data, 'price'))), amount(text(data, 'rate'))));
    const open = day.open.get(text(data, 'order_id'));
    if (open) open.leaves -= qty;
    if (open && open.leaves <= 0n) day.open.delete(text(data, 'order_id'));
  } else if (type === 'ReservationReleased') day.open.delete(text(data, 'order_id'));
};

/** Decides every order of the log again, naively and in other arithmetic, at the inputs that were recorded, and compares. */
export const limitsRespected = (log: Log): LimitFigures => {
  const policies = new Map([...log.streams('policy-').values()].flat().filter(({ type }) => type === 'PolicyActivated').map(({ data }) => [text(data, 'policy_hash'), asJson(data['document'])]));
  const over: string[] = [];
  const unfounded: string[] = [];
  const otherwise: string[] = [];
  const denials: Record<string, number> = {};
  let decisions = 0;
  let approved = 0;
  for (const events of log.streams('riskGroup-').values()) {
    const day: Day = { lines: new Map(), open: new Map(), spent: new Map(), messages: [] };
    for (const event of events) {
      apply(day, event);
      if (event.type !== 'OrderDecided') continue;
      const { terms, decision } = event.data;
      const orderId = text(terms, 'order_id');
      const { exceeded, worth, worst } = judge(day, policies.get(text(decision, 'policy_hash')), terms, decision);
      const failed = list(decision, 'checks').filter((check) => at(check, 'passed') !== true).map((check) => text(check, 'code'));
      decisions += 1;
      if (text(decision, 'outcome') === 'approved') {
        approved += 1;
        if (exceeded.length > 0) over.push(`${orderId}: ${exceeded.join(', ')}`);
        if (worth === undefined || worst === undefined || text(decision, 'reserved_notional') !== amountText(worth)) otherwise.push(`${orderId} reserves ${text(decision, 'reserved_notional')}, not ${worth === undefined ? 'nothing' : amountText(worth)}`);
        const line = lineOf(day, text(terms, 'account'), text(terms, 'strategy', 'id'), text(terms, 'symbol'));
        day.open.set(orderId, { line, side: text(terms, 'side'), leaves: amount(text(terms, 'qty')), worst: worst ?? 0n });
        day.messages.push({ line, atMs: Number(text(decision, 'business_time_ms')) });
      } else {
        if (exceeded.length === 0 && !failed.some((code) => OTHER_CHECKS.has(code))) unfounded.push(`${orderId} was denied for ${failed.join(', ') || 'nothing'}`);
        for (const code of new Set(exceeded.map((one) => one.split(' ')[0] ?? ''))) denials[code] = (denials[code] ?? 0) + 1;
      }
    }
  }
  return {
    decisions, approved, denials,
    findings: [
      finding('no approval exceeds a limit, decided again by other code', over, `${approved} approvals of ${decisions} decisions`),
      finding('each denial has its reason, decided again by other code', unfounded, `${decisions - approved} denials`),
      finding('what is reserved is the worst case, computed by other code', otherwise, `${approved} reservations`),
    ],
  };
};
