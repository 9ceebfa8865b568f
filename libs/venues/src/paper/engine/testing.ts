import type { EngineConfig, FeedStep, Outcome, PaperBook, PaperOrder, PaperReport, PlaceCommand } from './index.ts';
import { applyStep, createBook } from './index.ts';

/** What the engine's specs share: a day of one invented hour, and short words for quotes and orders. */
export const OPEN_MS = 1_000_000;
export const CLOSE_MS = 2_000_000;
const NEXT_DAY_MS = 86_400_000;

export const config = (more: Partial<EngineConfig> = {}): EngineConfig => ({
  accounts: [{ account: 'acc', cash: '100000' }, { account: 'other', cash: '50000' }],
  currency: 'USD',
  instruments: ['AAA', 'BBB'].map((symbol) => ({ symbol, currency: 'USD', tick_size: '0.01', lot_size: '1', session: 'test' })),
  fee_per_share: '0.01',
  dedupe: 'none',
  windowAt: (timeMs) => {
    const day = Math.floor(timeMs / NEXT_DAY_MS) * NEXT_DAY_MS;
    return { open_ms: day + OPEN_MS, close_ms: day + CLOSE_MS };
  },
  start_ms: 0,
  ...more,
});

export interface Market {
  readonly symbol?: string;
  /** `[price, size]`. */
  readonly bid?: readonly [string, string];
  readonly ask?: readonly [string, string];
  readonly last?: string;
  /** False for a trade only: the quote is repeated, not stated anew. */
  readonly restated?: boolean;
}

/** A step after `book`, at `time_ms`. */
export const stepOf = (book: PaperBook, time_ms: number, markets: readonly Market[]): FeedStep => {
  const sequence = book.sequence + 1;
  const quotes = markets.map(({ symbol = 'AAA', bid, ask, last }) => ({
    symbol, time_ms, sequence, source: 'test',
    ...(bid ? { bid: bid[0], bid_size: bid[1] } : {}), ...(ask ? { ask: ask[0], ask_size: ask[1] } : {}), ...(last === undefined ? {} : { last }),
  }));
  return {
    sequence, time_ms, source: 'test', quotes,
    restated: markets.filter((market) => market.restated !== false).map((market) => market.symbol ?? 'AAA'),
    traded: markets.filter((market) => market.last !== undefined).map((market) => market.symbol ?? 'AAA'),
  };
};

export const step = (book: PaperBook, time_ms: number, ...markets: readonly Market[]): Outcome => applyStep(book, stepOf(book, time_ms, markets));

/** A book in its session, at the quotes given. */
export const trading = (markets: readonly Market[], more: Partial<EngineConfig> = {}): PaperBook => step(createBook(config(more)), OPEN_MS, ...markets).book;

export const order = (more: Partial<PlaceCommand> = {}): PlaceCommand => ({
  client_order_id: 'o1', account: 'acc', symbol: 'AAA', side: 'buy', qty: '100', order_type: 'market', time_in_force: 'DAY', ...more,
});

/** Reports in short: `filled 100@10.01`, `canceled REQUESTED`, `rejected NO_QUOTE`. */
export const said = (reports: readonly PaperReport[]): readonly string[] =>
  reports.map(({ type, qty, price, code, reason }) => [type, type === 'filled' ? `${qty ?? ''}@${price ?? ''}` : code ?? reason].filter((word) => word !== undefined).join(' '));

export const openOrders = (book: PaperBook): readonly PaperOrder[] =>
  [...book.open.values()].flatMap((orders) => [...orders.buys, ...orders.sells, ...orders.buy_stops, ...orders.sell_stops]);
