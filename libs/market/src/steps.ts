import { windows, type TradingSession, type TradingWindow } from '@tallystick/calendars';
import type { Quote } from '@tallystick/ports';
import type { MarketStep } from './source.ts';

/** Both sides of a symbol as stated now; an absent side has no quote. */
export interface BookUpdate {
  readonly symbol: string;
  readonly bid?: string;
  readonly bid_size?: string;
  readonly ask?: string;
  readonly ask_size?: string;
}

export interface TradeUpdate {
  readonly symbol: string;
  readonly last: string;
}

/** What a reader found at one instant, in no order. */
export interface RawStep {
  readonly time_ms: number;
  readonly books: readonly BookUpdate[];
  readonly trades: readonly TradeUpdate[];
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const quoteOf = (book: BookUpdate, last: string | undefined, at: Pick<Quote, 'time_ms' | 'sequence' | 'source'>): Quote => ({
  symbol: book.symbol,
  ...(book.bid === undefined ? {} : { bid: book.bid, bid_size: book.bid_size ?? '0' }),
  ...(book.ask === undefined ? {} : { ask: book.ask, ask_size: book.ask_size ?? '0' }),
  ...(last === undefined ? {} : { last }),
  ...at,
});

/** Numbers raw steps and carries each symbol's quote from one to the next. */
const numbering = (source: string): ((raw: RawStep) => MarketStep) => {
  const books = new Map<string, BookUpdate>();
  const lasts = new Map<string, string>();
  let sequence = 0;
  return (raw) => {
    sequence += 1;
    const restated = new Set<string>();
    const traded = new Set<string>();
    for (const book of raw.books) {
      books.set(book.symbol, book);
      restated.add(book.symbol);
    }
    for (const trade of raw.trades) {
      lasts.set(trade.symbol, trade.last);
      traded.add(trade.symbol);
    }
    const at = { time_ms: raw.time_ms, sequence, source };
    const quotes = [...new Set([...restated, ...traded])].sort(byName)
      .map((symbol) => quoteOf(books.get(symbol) ?? { symbol }, lasts.get(symbol), at));
    return { ...at, quotes, restated: [...restated].sort(byName), traded: [...traded].sort(byName) };
  };
};

const boundariesOf = ({ open_ms, close_ms, breaks }: TradingWindow): readonly number[] => [open_ms, ...breaks.flatMap(({ from_ms, until_ms }) => [from_ms, until_ms]), close_ms];

/**
 * Raw steps (times rising) as market steps. Where no data falls on the instant a session opens or closes, a step without quotes
 * marks it, so that a day order expires at the close also when the data ends before.
 */
export async function* marketSteps(raw: AsyncIterable<RawStep>, source: string, session: TradingSession): AsyncGenerator<MarketStep> {
  const number = numbering(source);
  const boundaries: number[] = [];
  const windowAt = windows(session);
  let marked: number | undefined;
  const mark = function* (beforeMs: number): Generator<MarketStep> {
    while (boundaries[0] !== undefined && boundaries[0] <= beforeMs) {
      const time_ms = boundaries.shift() ?? beforeMs;
      if (time_ms < beforeMs) yield number({ time_ms, books: [], trades: [] });
    }
  };
  for await (const step of raw) {
    yield* mark(step.time_ms);
    const window = windowAt(step.time_ms);
    if (window && window.open_ms !== marked) {
      marked = window.open_ms;
      for (const at of boundariesOf(window)) if (at > Math.max(step.time_ms, boundaries.at(-1) ?? 0)) boundaries.push(at);
    }
    yield number(step);
  }
  yield* mark(Number.POSITIVE_INFINITY);
}
