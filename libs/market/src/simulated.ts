import { US_EQUITIES, windowOf, type TradingSession } from '@tallystick/calendars';
import { namedSession } from './session-window.ts';
import { MarketError } from './source.ts';
import type { MarketDescription, MarketSource } from './source.ts';
import { marketSteps } from './steps.ts';
import type { BookUpdate, RawStep, TradeUpdate } from './steps.ts';

export interface SimulatedOptions {
  /** Any text; the same seed gives the same market. */
  readonly seed: string;
  /** `YYYY-MM-DD`, a day on which the session trades. */
  readonly day?: string;
  readonly session?: TradingSession;
}

/** Made-up names, so that nobody takes them for real ones. Prices in cents. */
const SYMBOLS = [
  { symbol: 'ALFA', cents: 4_812, restless: 1 },
  { symbol: 'BRAVO', cents: 1_374, restless: 1 },
  { symbol: 'CARLO', cents: 18_250, restless: 3 },
  { symbol: 'DELTA', cents: 16_755, restless: 2 },
  { symbol: 'ECHO', cents: 730, restless: 1 },
] as const;
const DAY_DEFAULT = '2024-01-03';
const STEP_MS = 1_000;
/** Quotes before the opening and after the close, as real days have them. */
const AROUND_MS = 60_000;
const CENTS_MIN = 100;

/** 32-bit integers only (mulberry32): the same everywhere, with no float in a price. */
const randomOf = (seed: string): ((below: number) => number) => {
  let state = 2_166_136_261;
  for (const character of seed) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

const centsText = (cents: number): string => {
  const whole = Math.trunc(cents / 100);
  const rest = cents % 100;
  return rest === 0 ? String(whole) : `${whole}.${String(rest).padStart(2, '0').replace(/0$/, '')}`;
};

/** Small lots at most times, a large one now and then: big orders fill in parts. */
const sizeOf = (random: (below: number) => number): string => String((random(12) === 0 ? 10 + random(40) : 1 + random(9)) * 100);

function* walk(seed: string, fromMs: number, toMs: number): Generator<RawStep> {
  const random = randomOf(seed);
  const books = SYMBOLS.map((each) => ({ ...each, home: each.cents, bid: Number(each.cents), spread: 1 }));
  for (let time_ms = fromMs; time_ms <= toMs; time_ms += STEP_MS) {
    const updates: BookUpdate[] = [];
    const trades: TradeUpdate[] = [];
    for (const book of books) {
      if (time_ms !== fromMs && random(10) >= 6) continue;
      // Pulled home by one in sixteen of the moves, so that a day stays near where it began.
      const pull = random(16) === 0 ? Math.sign(book.home - book.bid) : 0;
      book.bid = Math.max(CENTS_MIN, book.bid + random(2 * book.restless + 1) - book.restless + pull);
      book.spread = 1 + (random(4) === 0 ? random(book.restless + 1) : 0);
      const ask = book.bid + book.spread;
      updates.push({ symbol: book.symbol, bid: centsText(book.bid), bid_size: sizeOf(random), ask: centsText(ask), ask_size: sizeOf(random) });
      if (random(3) === 0) trades.push({ symbol: book.symbol, last: centsText(random(2) === 0 ? book.bid : ask) });
    }
    if (updates.length > 0) yield { time_ms, books: updates, trades };
  }
}

/** A seeded market that never was, and says so in `source`. One session of one day, a step a second. */
export const simulatedSource = ({ seed, day = DAY_DEFAULT, session = US_EQUITIES }: SimulatedOptions): MarketSource => {
  const window = windowOf(session, day);
  if (!window) throw new MarketError('MARKET_SPEC_INVALID', `${session.name} does not trade on ${day}; give another day`);
  const source = `simulated:${seed}`;
  const start_ms = window.open_ms - AROUND_MS;
  const end_ms = window.close_ms + AROUND_MS;
  const description: MarketDescription = {
    source, simulated: true, days: [day], start_ms, end_ms, session: namedSession(session),
    instruments: SYMBOLS.map(({ symbol }) => ({ symbol, currency: 'USD', tick_size: '0.01', lot_size: '1', session: session.name })),
    fingerprint: `${source}:${day}:${session.name}`,
  };
  const raw = async function* (): AsyncGenerator<RawStep> {
    yield* walk(seed, start_ms, end_ms);
  };
  return { description, steps: () => marketSteps(raw(), source, session) };
};
