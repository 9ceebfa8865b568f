import { writeFileSync } from 'node:fs';
import type { Random } from '../random.ts';

export interface MarketPlan {
  /** Epoch ms, UTC, of the first row. */
  readonly startMs: number;
  /** Business seconds; a row per symbol and second, but for gaps. */
  readonly seconds: number;
  /** Every quote two-sided, uncrossed and large: for cases about something else than the market. */
  readonly calm?: boolean;
}

interface Walk {
  readonly symbol: string;
  cents: number;
  readonly anchor: number;
  /** Shares quoted at a time, at most. */
  readonly size: number;
}

const SYMBOLS: readonly (readonly [symbol: string, cents: number, size: number])[] = [
  ['AIG', 4_900, 400], ['BAC', 1_370, 3_000], ['IBM', 18_200, 150], ['SPY', 14_500, 600],
];

/** Shares of quotes as recorded seconds of real symbols have them: most whole, some that no order may be priced on. */
const ONE_SIDED = 0.004;
const LOCKED = 0.004;
const CROSSED = 0.002;
const SILENT = 0.05;
/** Part of the price that a second moves it by, at most; and how strongly it is drawn back. */
const STEP = 0.0005;
const PULL = 0.002;

const price = (cents: number): string => (cents / 100).toFixed(2);

const CALM_SIZE = '10000';

const sides = (random: Random, walk: Walk, calm: boolean): readonly [bid: string, bidSize: string, ask: string, askSize: string] => {
  if (calm) return [price(walk.cents), CALM_SIZE, price(walk.cents + 1), CALM_SIZE];
  const size = (): string => String(random.whole(1, walk.size));
  const spread = random.whole(1, 3);
  const draw = random.next();
  if (draw < ONE_SIDED) return random.chance(0.5) ? [price(walk.cents), size(), '', ''] : ['', '', price(walk.cents + spread), size()];
  const ask = draw < ONE_SIDED + LOCKED ? walk.cents : draw < ONE_SIDED + LOCKED + CROSSED ? walk.cents - 1 : walk.cents + spread;
  return [price(walk.cents), size(), price(ask), size()];
};

/** Quotes of four symbols as CSV text: small sizes so that orders fill in parts, and now and then a side missing, locked or crossed. */
export const marketCsv = (random: Random, { startMs, seconds, calm = false }: MarketPlan): string => {
  const walks = SYMBOLS.map(([symbol, cents, size]): Walk => ({ symbol, cents, anchor: cents, size }));
  const rows = ['time,symbol,bid,bid_size,ask,ask_size,last'];
  for (let second = 0; second < seconds; second += 1) {
    for (const walk of walks) {
      const pull = (walk.anchor - walk.cents) * PULL;
      walk.cents = Math.max(100, Math.round(walk.cents + pull + (random.next() - 0.5) * 2 * STEP * walk.anchor));
      // A symbol that says nothing keeps its quote; the first second speaks for all.
      if (second > 0 && random.chance(SILENT)) continue;
      const [bid, bidSize, ask, askSize] = sides(random, walk, calm);
      rows.push([startMs + second * 1_000, walk.symbol, bid, bidSize, ask, askSize, price(walk.cents)].join(','));
    }
  }
  return `${rows.join('\n')}\n`;
};

export const writeMarket = (file: string, random: Random, plan: MarketPlan): void => writeFileSync(file, marketCsv(random, plan));

/** Tuesday 8 October 2013, 13:30 in New York, until ten seconds after the close at 16:00: DAY orders end within. */
export const AFTERNOON: MarketPlan = { startMs: Date.UTC(2013, 9, 8, 17, 30, 0), seconds: 9_010 };
/** The same day from 10:00 for five hours: a market that stands open for as long as a case needs it. */
export const OPEN_DAY: MarketPlan = { startMs: Date.UTC(2013, 9, 8, 14, 0, 0), seconds: 18_000 };
