import { US_EQUITIES, type TradingSession } from '@tallystick/calendars';
import { namedSession } from '../session-window.ts';
import { MarketError } from '../source.ts';
import type { MarketDescription, MarketSource } from '../source.ts';
import { marketSteps } from '../steps.ts';
import type { RawStep } from '../steps.ts';
import { LeanDay } from './day.ts';
import type { DaySurvey } from './day.ts';
import { findLeanFiles, fingerprintOf } from './files.ts';
import type { LeanFile, Resolution } from './files.ts';

export interface LeanOptions {
  /** A flat folder of zips, or LEAN's data folder. */
  readonly dir: string;
  /** `YYYY-MM-DD` or `YYYYMMDD`; every day found when absent, one after the other. */
  readonly day?: string;
  /** All found when absent. */
  readonly symbols?: readonly string[];
  readonly resolution?: Resolution;
  readonly session?: TradingSession;
}

/** A day of this many symbols' seconds, unpacked, is some 150 MB; more is a data centre's replay. */
export const SYMBOLS_MAX = 100;

const dashed = (day: string): string => (/^\d{8}$/.test(day) ? `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}` : day);

const shortList = (values: readonly string[]): string => (values.length <= 6 ? values.join(', ') : `${values.slice(0, 5).join(', ')} … ${values.at(-1)}`);

const choose = (found: readonly LeanFile[], options: LeanOptions): readonly LeanFile[] => {
  const wanted = options.symbols?.map((symbol) => symbol.toUpperCase());
  const day = options.day === undefined ? undefined : dashed(options.day);
  const ofDay = day === undefined ? found : found.filter((file) => file.day === day);
  if (ofDay.length === 0) {
    const days = [...new Set(found.map((file) => file.day))].sort();
    throw new MarketError('MARKET_DATA_MISSING', `${options.dir}: nothing for ${day ?? ''}; days there: ${shortList(days)}`);
  }
  const quoted = new Set(ofDay.filter((file) => file.kind === 'quote').map((file) => file.symbol));
  const absent = wanted?.filter((symbol) => !quoted.has(symbol)) ?? [];
  if (absent.length > 0) throw new MarketError('MARKET_DATA_MISSING', `${options.dir}: no quotes for ${shortList(absent)}; there: ${shortList([...quoted])}`);
  // Trades alone cannot be traded against: a symbol needs its quotes.
  const files = ofDay.filter((file) => quoted.has(file.symbol) && (wanted === undefined || wanted.includes(file.symbol)));
  const symbols = new Set(files.map((file) => file.symbol));
  if (symbols.size === 0) throw new MarketError('MARKET_DATA_MISSING', `${options.dir}: trades only, no quotes`);
  if (symbols.size > SYMBOLS_MAX) {
    throw new MarketError('MARKET_TOO_MANY_SYMBOLS', `${options.dir}: ${symbols.size} symbols, at most ${SYMBOLS_MAX}; name those to replay`);
  }
  return files;
};

/**
 * LEAN equity data as it lies on disk: second, minute and tick files. A bar's quote is the one at its end, so it is dated there; a
 * trade bar's close is the last price. Crossed and locked quotes are kept. Throws MarketError: MARKET_DATA_MISSING,
 * MARKET_TOO_MANY_SYMBOLS, MARKET_DATA_UNREADABLE (a bad row of the first or last day at once, of a day between when it comes).
 */
export const leanSource = (options: LeanOptions): MarketSource => {
  const files = choose(findLeanFiles(options.dir, options.resolution), options);
  const days = [...new Set(files.map((file) => file.day))].sort();
  const load = (day: string): LeanDay => new LeanDay(day, files.filter((file) => file.day === day));
  const surveys: DaySurvey[] = [];
  for (const day of new Set([days[0] ?? '', days.at(-1) ?? ''])) surveys.push(load(day).survey());
  const start_ms = surveys[0]?.start_ms;
  const end_ms = surveys.at(-1)?.end_ms;
  if (start_ms === undefined || end_ms === undefined) throw new MarketError('MARKET_DATA_MISSING', `${options.dir}: the files have no rows`);

  const session = options.session ?? US_EQUITIES;
  const symbols = [...new Set(files.map((file) => file.symbol))].sort();
  const subPenny = new Set(surveys.flatMap((survey) => [...survey.subPenny]));
  const source = `lean:${symbols.length <= 8 ? symbols.join('+') : `${symbols.length} symbols`}`;
  const description: MarketDescription = {
    source, simulated: false, days, start_ms, end_ms, session: namedSession(session),
    instruments: symbols.map((symbol) => ({
      symbol, currency: 'USD', tick_size: subPenny.has(symbol) ? '0.0001' : '0.01', lot_size: '1', session: session.name,
    })),
    fingerprint: fingerprintOf(files),
  };
  const raw = async function* (): AsyncGenerator<RawStep> {
    for (const day of days) yield* load(day).steps();
  };
  return { description, steps: () => marketSteps(raw(), source, session) };
};
