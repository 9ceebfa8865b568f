import { persistentMap } from './persistent-map.ts';
import { enqueue, NO_ORDERS } from './queue.ts';
import type { ClientIdUse, EngineConfig, FeedStep, Level, PaperAccount, PaperBook, PaperOrder, SymbolOrders } from './types.ts';

/** Everything of a book that does not follow from its configuration. */
export interface SavedBook {
  readonly time_ms: number;
  readonly sequence: number;
  readonly accounts: readonly PaperAccount[];
  /** Working orders only, in any order. */
  readonly open: readonly PaperOrder[];
  readonly client_ids: Iterable<readonly [string, ClientIdUse]>;
  readonly arrivals: number;
  readonly levels: ReadonlyMap<string, Level>;
}

export const clientIdKey = (account: string, clientOrderId: string): string => `${account}\n${clientOrderId}`;

export const sessionOpenAt = (config: EngineConfig, timeMs: number): boolean => {
  const window = config.windowAt(timeMs);
  if (!window || timeMs < window.open_ms || timeMs >= window.close_ms) return false;
  return window.breaks?.some(({ from_ms: from, until_ms: until }) => timeMs >= from && timeMs < until) !== true;
};

/** The book as it was saved. Pure: the same rows give the same book. */
export const restoreBook = (config: EngineConfig, saved: SavedBook): PaperBook => {
  const open = new Map<string, SymbolOrders>();
  let next_expiry_ms = Number.POSITIVE_INFINITY;
  for (const order of saved.open) {
    open.set(order.symbol, enqueue(open.get(order.symbol) ?? NO_ORDERS, order));
    next_expiry_ms = Math.min(next_expiry_ms, order.expires_ms ?? Number.POSITIVE_INFINITY);
  }
  const accounts = new Map(config.accounts.map(({ account, cash }): [string, PaperAccount] => [account, { account, cash, positions: new Map(), report_sequence: 0 }]));
  for (const account of saved.accounts) accounts.set(account.account, account);
  return {
    config,
    instruments: new Map(config.instruments.map((instrument) => [instrument.symbol, instrument])),
    time_ms: saved.time_ms,
    sequence: saved.sequence,
    session_open: sessionOpenAt(config, saved.time_ms),
    next_expiry_ms,
    accounts,
    levels: saved.levels,
    open,
    client_ids: persistentMap(saved.client_ids),
    arrivals: saved.arrivals,
    open_count: saved.open.length,
  };
};

/** A venue on which nothing has happened yet. */
export const createBook = (config: EngineConfig): PaperBook =>
  restoreBook(config, { time_ms: config.start_ms, sequence: 0, accounts: [], open: [], client_ids: [], arrivals: 0, levels: new Map() });

/** The market after a step. Sizes are there again for the symbols whose quotes were stated anew, and for no others. */
export const levelsAfter = (levels: ReadonlyMap<string, Level>, step: FeedStep): ReadonlyMap<string, Level> => {
  if (step.quotes.length === 0) return levels;
  const next = new Map(levels);
  const restated = new Set(step.restated);
  for (const quote of step.quotes) {
    const before = levels.get(quote.symbol);
    next.set(quote.symbol, !before || restated.has(quote.symbol)
      ? { quote, restated_sequence: step.sequence, taken_bid: '0', taken_ask: '0' }
      : { ...before, quote });
  }
  return next;
};
