import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { US_EQUITIES, type TradingSession } from '@tallystick/calendars';
import { decimal, decimalText, isDecimalText } from '@tallystick/domain';
import { namedSession } from './session-window.ts';
import { MarketError, unreadable } from './source.ts';
import type { MarketDescription, MarketSource } from './source.ts';
import { marketSteps } from './steps.ts';
import type { BookUpdate, RawStep, TradeUpdate } from './steps.ts';
import { localDates } from './zone.ts';

export interface CsvOptions {
  /** Header `time,symbol,bid,bid_size,ask,ask_size[,last]`; rows by time. An empty side has no quote. */
  readonly file: string;
  /** Only this local date (`YYYY-MM-DD`) of the session's zone. */
  readonly day?: string;
  readonly session?: TradingSession;
  readonly currency?: string;
}

const HEADER = ['time', 'symbol', 'bid', 'bid_size', 'ask', 'ask_size'];
const EPOCH_MS = /^\d{12,14}$/;
/** A zone is required: a local time without one is a guess. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;
const SYMBOL = /^[A-Z0-9.$/_-]{1,32}$/;

interface CsvRow {
  readonly time_ms: number;
  readonly book: BookUpdate;
  readonly last: string | undefined;
}

const readTime = (text: string): number | undefined => {
  if (EPOCH_MS.test(text)) return Number(text);
  const time = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
};

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

const readPositive = (text: string, what: string): Read<string | undefined> => {
  if (text === '') return { ok: true, value: undefined };
  if (!isDecimalText(text) || text.startsWith('-')) return { ok: false, reason: `${what} "${text}" is not a positive decimal` };
  const value = decimalText(decimal(text));
  if (value === '0' && !what.endsWith('size')) return { ok: false, reason: `${what} is 0; leave it empty where there is none` };
  return { ok: true, value };
};

const readRow = (line: string, columns: number): Read<CsvRow> => {
  const fields = line.split(',').map((field) => field.trim());
  if (fields.length !== columns) return { ok: false, reason: `${fields.length} columns where ${columns} are expected` };
  const [time = '', symbol = ''] = fields;
  const time_ms = readTime(time);
  if (time_ms === undefined) return { ok: false, reason: `time "${time}" is neither ISO 8601 with a zone nor epoch milliseconds` };
  if (!SYMBOL.test(symbol)) return { ok: false, reason: `symbol "${symbol}" is not 1 to 32 of A-Z, 0-9 and . $ / _ -` };
  const values: Record<string, string> = {};
  for (const [index, what] of [...HEADER, 'last'].slice(0, columns).entries()) {
    if (index < 2) continue;
    const read = readPositive(fields[index] ?? '', what);
    if (!read.ok) return read;
    if (read.value !== undefined) values[what] = read.value;
  }
  const { bid, bid_size, ask, ask_size, last } = values;
  if (bid === undefined && bid_size !== undefined && bid_size !== '0') return { ok: false, reason: 'a bid size without a bid' };
  if (ask === undefined && ask_size !== undefined && ask_size !== '0') return { ok: false, reason: 'an ask size without an ask' };
  const book = {
    symbol,
    ...(bid === undefined ? {} : { bid, bid_size: bid_size ?? '0' }),
    ...(ask === undefined ? {} : { ask, ask_size: ask_size ?? '0' }),
  };
  return { ok: true, value: { time_ms, book, last } };
};

async function* rowsOf(file: string): AsyncGenerator<CsvRow> {
  const lines = createInterface({ input: createReadStream(file, { encoding: 'utf8' }), crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  let columns = 0;
  let before = 0;
  try {
    for await (const line of lines) {
      number += 1;
      const place = `${file} line ${number}`;
      if (number === 1) {
        const names = line.replace(/^\uFEFF/, '').split(',').map((name) => name.trim());
        const expected = names.length === 7 ? [...HEADER, 'last'] : HEADER;
        if (names.join() !== expected.join()) throw unreadable(place, `the header must be ${HEADER.join()}[,last]`);
        columns = names.length;
        continue;
      }
      if (line.trim() === '') continue;
      const row = readRow(line, columns);
      if (!row.ok) throw unreadable(place, row.reason);
      if (row.value.time_ms < before) throw unreadable(place, 'its time lies before the row above');
      before = row.value.time_ms;
      yield row.value;
    }
  } finally {
    lines.close();
  }
}

async function* rawSteps(file: string, within: (timeMs: number) => boolean): AsyncGenerator<RawStep> {
  let time_ms: number | undefined;
  let books = new Map<string, BookUpdate>();
  let trades = new Map<string, TradeUpdate>();
  for await (const row of rowsOf(file)) {
    if (!within(row.time_ms)) continue;
    if (time_ms !== undefined && row.time_ms !== time_ms) {
      yield { time_ms, books: [...books.values()], trades: [...trades.values()] };
      books = new Map();
      trades = new Map();
    }
    time_ms = row.time_ms;
    books.set(row.book.symbol, row.book);
    if (row.last !== undefined) trades.set(row.book.symbol, { symbol: row.book.symbol, last: row.last });
  }
  if (time_ms !== undefined) yield { time_ms, books: [...books.values()], trades: [...trades.values()] };
}

const places = (text: string | undefined): number => text?.split('.')[1]?.length ?? 0;
const unit = (decimalPlaces: number): string => (decimalPlaces === 0 ? '1' : `0.${'0'.repeat(decimalPlaces - 1)}1`);

/** Reads the whole file once: a bad row is found before anything trades on the good ones. Ticks and lots are the finest seen. */
const survey = async (options: CsvOptions, session: TradingSession, within: (timeMs: number) => boolean): Promise<MarketDescription> => {
  const precision = new Map<string, { price: number; size: number }>();
  const days = new Set<string>();
  const dateOf = localDates(session.calendar.time_zone);
  const hash = createHash('sha256');
  let start_ms: number | undefined;
  let end_ms = 0;
  for await (const { time_ms, book, last } of rowsOf(options.file)) {
    if (!within(time_ms)) continue;
    hash.update(JSON.stringify([time_ms, book, last]));
    start_ms ??= time_ms;
    end_ms = time_ms;
    days.add(dateOf(time_ms));
    const seen = precision.get(book.symbol) ?? { price: 2, size: 0 };
    precision.set(book.symbol, {
      price: Math.max(seen.price, places(book.bid), places(book.ask)),
      size: Math.max(seen.size, places(book.bid_size), places(book.ask_size)),
    });
  }
  if (start_ms === undefined) throw new MarketError('MARKET_DATA_MISSING', `${options.file}: no rows${options.day ? ` for ${options.day}` : ''}`);
  const fingerprint = hash.digest('hex').slice(0, 16);
  return {
    source: `csv:${fingerprint}`, simulated: false, days: [...days], start_ms, end_ms, session: namedSession(session), fingerprint,
    instruments: [...precision].sort(([a], [b]) => (a < b ? -1 : 1)).map(([symbol, seen]) => ({
      symbol, currency: options.currency ?? 'USD', tick_size: unit(seen.price), lot_size: unit(seen.size), session: session.name,
    })),
  };
};

/** A plain CSV of quotes. Throws MarketError: MARKET_DATA_MISSING, MARKET_DATA_UNREADABLE with file and line. */
export const csvSource = async (options: CsvOptions): Promise<MarketSource> => {
  if (!existsSync(options.file)) throw new MarketError('MARKET_DATA_MISSING', `${options.file}: no such file`);
  const session = options.session ?? US_EQUITIES;
  const { day } = options;
  const dateOf = localDates(session.calendar.time_zone);
  const within = (timeMs: number): boolean => day === undefined || dateOf(timeMs) === day;
  const description = await survey(options, session, within);
  return { description, steps: () => marketSteps(rawSteps(options.file, within), description.source, session) };
};
