import { decimal, decimalText, isTerminal, ZERO, type Decimal } from '@tallystick/domain';
import type { VenueBook } from './book.ts';
import type { Ledger } from './fold.ts';
import { cashMoves, heldPositions, standingFills } from './positions.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was compared, or the first differences. */
  readonly detail: string;
}

/** Enough to see what kind of difference it is. */
const SHOWN_MAX = 5;

const checkOf = (name: string, differences: readonly string[], holds: string): Check => {
  const more = differences.length > SHOWN_MAX ? `; and ${differences.length - SHOWN_MAX} more` : '';
  return { name, ok: differences.length === 0, detail: differences.length === 0 ? holds : `${differences.slice(0, SHOWN_MAX).join('; ')}${more}` };
};

const everyOrderTerminal = (ledger: Ledger): Check => {
  const undecided = [...ledger.legs].filter((orderId) => !ledger.orders.has(orderId)).map((orderId) => `${orderId} is not decided`);
  const open = [...ledger.orders].filter(([, { status }]) => !isTerminal(status)).map(([orderId, { status }]) => `${orderId} is ${status}`);
  return checkOf('every order is in a final state', [...undecided, ...open], `${ledger.orders.size} orders`);
};

const keyed = <T>(items: readonly T[], keyOf: (item: T) => string, valueOf: (item: T) => Decimal): ReadonlyMap<string, Decimal> =>
  new Map(items.map((item) => [keyOf(item), valueOf(item)]));

/** Amounts by key, ours beside theirs; a missing one is zero. */
const differing = (ours: ReadonlyMap<string, Decimal>, theirs: ReadonlyMap<string, Decimal>, what: string): readonly string[] =>
  [...new Set([...ours.keys(), ...theirs.keys()])].sort().flatMap((key) => {
    const [mine, yours] = [ours.get(key) ?? ZERO, theirs.get(key) ?? ZERO];
    return mine.eq(yours) ? [] : [`${key}: ${what} ${decimalText(mine)} in the log, ${decimalText(yours)} at the venue`];
  });

const onlyIn = (some: ReadonlySet<string>, others: ReadonlySet<string>, what: string): readonly string[] =>
  [...some].filter((one) => !others.has(one)).sort().map((one) => `${what} ${one}`);

const positionsEqual = (ledger: Ledger, book: VenueBook): Check => {
  const held = heldPositions(standingFills(ledger));
  const theirs = book.accounts.flatMap(({ account, positions }) => positions.map(({ symbol, qty }) => ({ account, symbol, qty })));
  const differences = differing(
    keyed(held, ({ account, symbol }) => `${account} ${symbol}`, ({ position }) => position.qty),
    keyed(theirs, ({ account, symbol }) => `${account} ${symbol}`, ({ qty }) => decimal(qty)), 'quantity');
  return checkOf('positions equal the venue\'s book', differences, `${held.length} positions`);
};

const executionsEqual = (ledger: Ledger, book: VenueBook): Check => {
  const named = (account: string, execId: string, qty: string, price: string): string => `${account} ${execId} (${qty} at ${price})`;
  const fills = standingFills(ledger);
  const ours = new Set(fills.map(({ account, execId, trade }) => named(account, execId, decimalText(trade.qty), decimalText(trade.price))));
  const theirs = new Set(book.executions.map(({ account, exec_id, qty, price }) => named(account, exec_id, decimalText(decimal(qty)), decimalText(decimal(price)))));
  const differences = [...onlyIn(ours, theirs, 'only in the log:'), ...onlyIn(theirs, ours, 'only at the venue:')];
  const counted = fills.length === book.executions.length ? [] : [`${fills.length} fills in the log, ${book.executions.length} executions at the venue`];
  return checkOf('fills equal the venue\'s executions', [...differences, ...counted], `${fills.length} executions`);
};

const cashEqual = (ledger: Ledger, book: VenueBook, initialCash: string): Check => {
  const moves = cashMoves(standingFills(ledger));
  const differences = differing(
    keyed(book.accounts, ({ account }) => account, ({ account }) => decimal(initialCash).plus(moves.get(account) ?? ZERO)),
    keyed(book.accounts, ({ account }) => account, ({ cash }) => decimal(cash)), 'cash');
  return checkOf('cash equals the venue\'s book', differences, book.accounts.map(({ account, cash }) => `${account} ${cash}`).join(', '));
};

/** Orders only: a cancel left without an outcome is sent again, and that harms nobody. */
const nothingSentTwice = (book: VenueBook): Check => {
  const places = book.requests.filter(({ kind }) => kind === 'place');
  const twice = places.filter(({ count }) => count > 1).map(({ account, client_order_id: id, count }) => `order ${id} of ${account} came ${count} times`);
  return checkOf('no order was sent twice', twice, `${places.length} orders, each once`);
};

/** Every claim that may have been sent is known there, and nothing there is a stranger. */
const noneLost = (ledger: Ledger, book: VenueBook): Check => {
  const placed = new Set(book.requests.filter(({ kind }) => kind === 'place').map(({ client_order_id: id }) => id));
  const claimed = [...ledger.orders.values()].filter(({ claim }) => claim !== undefined);
  const sent = new Set(claimed.filter(({ status }) => status !== 'NOT_SENT' && status !== 'NOT_RECEIVED').map(({ claim }) => claim?.client_order_id ?? ''));
  const known = new Set(claimed.map(({ claim }) => claim?.client_order_id ?? ''));
  const stray = ledger.quarantined === 0 ? [] : [`${ledger.quarantined} reports are in quarantine`];
  return checkOf('no order was lost', [...onlyIn(sent, placed, 'never came to the venue:'), ...onlyIn(placed, known, 'not one of ours:'), ...stray], `${sent.size} sent, all known there`);
};

/** The log beside the venue's book, taken when nothing was under way. `initialCash`: of every account before its first trade. */
export const runChecks = (ledger: Ledger, book: VenueBook, initialCash: string): readonly Check[] => [
  everyOrderTerminal(ledger), positionsEqual(ledger, book), executionsEqual(ledger, book), cashEqual(ledger, book, initialCash), nothingSentTwice(book), noneLost(ledger, book),
];
