import { decimal, decimalText } from '@tallystick/domain';
import type { Decimal } from '@tallystick/domain';
import { dequeue, enqueue, NO_ORDERS } from './queue.ts';
import type { Level, Outcome, PaperAccount, PaperBook, PaperOrder, PaperReport, ReportType, SymbolOrders } from './types.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * One command's working copy of the book. It starts by sharing everything with the book and copies what it changes, so
 * the book it came from stays as it was.
 */
export interface Draft {
  readonly book: Writable<PaperBook>;
  readonly reports: PaperReport[];
  readonly orders: Map<string, PaperOrder>;
  readonly accounts: Set<string>;
  readonly levels: Set<string>;
}

export const draftOf = (book: PaperBook): Draft => ({ book: { ...book }, reports: [], orders: new Map(), accounts: new Set(), levels: new Set() });

export const outcomeOf = (draft: Draft): Outcome => ({
  book: draft.book,
  reports: draft.reports,
  orders: [...draft.orders.values()],
  accounts: [...draft.accounts],
  levels: [...draft.levels],
});

const accountOf = (draft: Draft, name: string): PaperAccount => {
  const account = draft.book.accounts.get(name);
  if (!account) throw new Error(`no account ${name}`);
  return account;
};

const putAccount = (draft: Draft, account: PaperAccount): void => {
  if (!draft.accounts.has(account.account)) {
    draft.book.accounts = new Map(draft.book.accounts);
    draft.accounts.add(account.account);
  }
  (draft.book.accounts as Map<string, PaperAccount>).set(account.account, account);
};

type ReportBody = Omit<PaperReport, 'type' | 'report_id' | 'sequence' | 'account' | 'time_ms'>;

/** Adds a fact to the account's stream, with its next number. */
export const report = (draft: Draft, type: ReportType, accountName: string, body: ReportBody): void => {
  const account = accountOf(draft, accountName);
  const sequence = account.report_sequence + 1;
  putAccount(draft, { ...account, report_sequence: sequence });
  draft.reports.push({ type, report_id: `${accountName}-${sequence}`, sequence, account: accountName, time_ms: draft.book.time_ms, ...body });
};

/** What every report about an order says of it. */
export const about = (order: PaperOrder): ReportBody => ({
  client_order_id: order.client_order_id,
  venue_order_id: order.venue_order_id,
  symbol: order.symbol,
  side: order.side,
  order_status: order.status,
  cum_qty: order.cum_qty,
  leaves_qty: order.leaves_qty,
});

const ordersOf = (draft: Draft, symbol: string): SymbolOrders => draft.book.open.get(symbol) ?? NO_ORDERS;

const putOrders = (draft: Draft, symbol: string, orders: SymbolOrders): void => {
  const open = new Map(draft.book.open);
  open.set(symbol, orders);
  draft.book.open = open;
};

/** Notes the order as it is now, to be stored. */
export const note = (draft: Draft, order: PaperOrder): void => {
  draft.orders.set(order.venue_order_id, order);
};

/** Lets the order rest in its queue. */
export const rest = (draft: Draft, order: PaperOrder): void => {
  putOrders(draft, order.symbol, enqueue(ordersOf(draft, order.symbol), order));
  draft.book.open_count += 1;
  draft.book.next_expiry_ms = Math.min(draft.book.next_expiry_ms, order.expires_ms ?? Number.POSITIVE_INFINITY);
  note(draft, order);
};

/** Takes the order out of its queue. `order` is as it was put there. */
export const lift = (draft: Draft, order: PaperOrder): void => {
  putOrders(draft, order.symbol, dequeue(ordersOf(draft, order.symbol), order));
  draft.book.open_count -= 1;
};

const take = (draft: Draft, order: PaperOrder, qty: Decimal): void => {
  const level = draft.book.levels.get(order.symbol);
  if (!level) throw new Error(`a fill of ${order.symbol} without a market`);
  const taken: Level = order.side === 'buy'
    ? { ...level, taken_ask: decimalText(decimal(level.taken_ask).plus(qty)) }
    : { ...level, taken_bid: decimalText(decimal(level.taken_bid).plus(qty)) };
  const levels = new Map(draft.book.levels);
  levels.set(order.symbol, taken);
  draft.book.levels = levels;
  draft.levels.add(order.symbol);
};

/** Trades `qty` at `price`: order, account and size taken change together, and the fact is reported. Gives the order as it is after. */
export const fill = (draft: Draft, order: PaperOrder, qty: Decimal, price: Decimal): PaperOrder => {
  const value = qty.times(price);
  const fee = qty.times(decimal(draft.book.config.fee_per_share));
  const cum = decimal(order.cum_qty).plus(qty);
  const leaves = decimal(order.qty).minus(cum);
  const after: PaperOrder = {
    ...order,
    cum_qty: decimalText(cum), leaves_qty: decimalText(leaves), notional: decimalText(decimal(order.notional).plus(value)),
    fills: order.fills + 1, status: leaves.eq('0') ? 'filled' : 'working',
  };
  const account = accountOf(draft, order.account);
  const signed = order.side === 'buy' ? qty : qty.times('-1');
  const position = decimal(account.positions.get(order.symbol) ?? '0').plus(signed);
  const positions = new Map(account.positions);
  if (position.eq('0')) positions.delete(order.symbol);
  else positions.set(order.symbol, decimalText(position));
  const cash = decimal(account.cash).minus(signed.times(price)).minus(fee);
  putAccount(draft, { ...account, positions, cash: decimalText(cash) });
  take(draft, order, qty);
  report(draft, 'filled', order.account, {
    ...about(after),
    exec_id: `${order.venue_order_id}.${after.fills}`,
    qty: decimalText(qty), price: decimalText(price), fee: decimalText(fee), fee_currency: draft.book.config.currency,
    market_sequence: draft.book.sequence,
  });
  note(draft, after);
  return after;
};

/** Ends an order that will not trade any more, with its reason. Gives the order as it is after. */
export const end = (draft: Draft, order: PaperOrder, status: 'canceled' | 'expired', reason: string, cancelId?: string): PaperOrder => {
  const after: PaperOrder = { ...order, status, leaves_qty: '0' };
  report(draft, status, order.account, { ...about(after), reason, ...(cancelId === undefined ? {} : { cancel_client_order_id: cancelId }) });
  note(draft, after);
  return after;
};
