import type { BookUpdate, RawStep, TradeUpdate } from '../steps.ts';
import { dayClock } from '../zone.ts';
import { unpack } from './files.ts';
import type { LeanFile, LeanText } from './files.ts';
import { LeanRows, priceText } from './rows.ts';
import type { Side } from './rows.ts';

/** LEAN's times are the exchange's wall clock. */
export const LEAN_TIME_ZONE = 'America/New_York';

/** What a first pass over a day found. */
export interface DaySurvey {
  readonly start_ms: number | undefined;
  readonly end_ms: number | undefined;
  readonly rows: number;
  /** Symbols quoted finer than a cent. */
  readonly subPenny: ReadonlySet<string>;
}

interface Cursor {
  readonly symbol: string;
  readonly kind: 'quote' | 'trade';
  readonly rows: LeanRows;
  readonly ticks: boolean;
  readonly atMs: (msOfDay: number) => number;
  /** Of the row it stands on; infinity when it has none left. */
  timeMs: number;
  bid: Side | undefined;
  ask: Side | undefined;
}

const forward = (cursor: Cursor): void => {
  do {
    if (!cursor.rows.next()) {
      cursor.timeMs = Number.POSITIVE_INFINITY;
      return;
    }
  } while (cursor.ticks && cursor.rows.suspicious());
  cursor.timeMs = cursor.atMs(cursor.rows.msOfDay);
};

/** A bar states both sides; a tick states one or both, and the other stays. */
const readSides = (cursor: Cursor): void => {
  const bid = cursor.rows.bid();
  const ask = cursor.rows.ask();
  cursor.bid = bid ?? (cursor.ticks ? cursor.bid : undefined);
  cursor.ask = ask ?? (cursor.ticks ? cursor.ask : undefined);
};

const bookOf = ({ symbol, bid, ask }: Cursor): BookUpdate => ({
  symbol,
  ...(bid ? { bid: priceText(bid.units), bid_size: bid.size } : {}),
  ...(ask ? { ask: priceText(ask.units), ask_size: ask.size } : {}),
});

/** One day of some symbols, unpacked; its rows are parsed as they are asked for. */
export class LeanDay {
  private readonly texts: readonly { readonly file: LeanFile; readonly text: LeanText }[];
  private readonly day: string;

  constructor(day: string, files: readonly LeanFile[]) {
    this.day = day;
    this.texts = files.map((file) => ({ file, text: unpack(file) }));
  }

  private cursors(): Cursor[] {
    const clock = dayClock(LEAN_TIME_ZONE, this.day);
    return this.texts.map(({ file, text }) => {
      const cursor: Cursor = {
        symbol: file.symbol, kind: file.kind, ticks: text.barMs === 0,
        rows: new LeanRows(text.bytes, text.name, text.rows),
        // A bar is known when it ends.
        atMs: (msOfDay) => clock(msOfDay) + text.barMs,
        timeMs: 0, bid: undefined, ask: undefined,
      };
      forward(cursor);
      return cursor;
    });
  }

  /** Reads every row once, so that a bad one is found before anything trades on the good ones. */
  survey(): DaySurvey {
    const subPenny = new Set<string>();
    let start = Number.POSITIVE_INFINITY;
    let end = Number.NEGATIVE_INFINITY;
    let rows = 0;
    for (const cursor of this.cursors()) {
      for (; Number.isFinite(cursor.timeMs); forward(cursor)) {
        rows += 1;
        start = Math.min(start, cursor.timeMs);
        end = Math.max(end, cursor.timeMs);
        if (cursor.kind === 'trade') cursor.rows.last();
        else {
          readSides(cursor);
          if ((cursor.bid?.units ?? 0) % 100 !== 0 || (cursor.ask?.units ?? 0) % 100 !== 0) subPenny.add(cursor.symbol);
        }
      }
    }
    return { start_ms: rows > 0 ? start : undefined, end_ms: rows > 0 ? end : undefined, rows, subPenny };
  }

  /** All symbols' rows merged by time. Several rows of one symbol and instant leave its last. */
  *steps(): Generator<RawStep> {
    const cursors = this.cursors();
    for (;;) {
      let time_ms = Number.POSITIVE_INFINITY;
      for (const cursor of cursors) if (cursor.timeMs < time_ms) time_ms = cursor.timeMs;
      if (!Number.isFinite(time_ms)) return;
      const books: BookUpdate[] = [];
      const trades: TradeUpdate[] = [];
      for (const cursor of cursors) {
        if (cursor.timeMs !== time_ms) continue;
        let last: number | undefined;
        for (; cursor.timeMs === time_ms; forward(cursor)) {
          if (cursor.kind === 'quote') readSides(cursor);
          else last = cursor.rows.last() ?? last;
        }
        if (cursor.kind === 'quote') books.push(bookOf(cursor));
        else if (last !== undefined) trades.push({ symbol: cursor.symbol, last: priceText(last) });
      }
      yield { time_ms, books, trades };
    }
  }
}
