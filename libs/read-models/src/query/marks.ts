import type { QuoteUsed } from '@tallystick/domain';
import type { MarketData } from '@tallystick/ports';
import type { ReadModelFile, Row } from '../store/database.ts';
import { heldAt, optionalText, text, type At } from './at.ts';

/** Where quotes are looked up. */
export type Marks = (symbol: string) => QuoteUsed | undefined;

const quoteOf = (row: Row): QuoteUsed => {
  const bid = optionalText(row, 'bid');
  const ask = optionalText(row, 'ask');
  return {
    symbol: text(row, 'symbol'), ...(bid === undefined ? {} : { bid }), ...(ask === undefined ? {} : { ask }), time_ms: Number(row['time_ms']),
    sequence: Number(row['sequence']), source: text(row, 'source'),
  };
};

/**
 * The market's newest quote for the newest state; for an earlier one, and where no market is at hand, the quote that the last decision
 * before it recorded.
 */
export const marksAt = (file: ReadModelFile, market: MarketData | undefined, at: At): Marks => {
  const held = heldAt('m', at);
  return (symbol) => {
    const live = at === undefined ? market?.quote(symbol) : undefined;
    if (live) return live;
    const row = file.get(`SELECT * FROM marks m WHERE m.symbol = ? AND ${held.sql} ORDER BY m.valid_from DESC LIMIT 1`, symbol, ...held.values);
    return row ? quoteOf(row) : undefined;
  };
};
