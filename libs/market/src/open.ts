import { csvSource } from './csv.ts';
import { leanSource } from './lean/source.ts';
import type { Resolution } from './lean/files.ts';
import { refuseBeyondHorizon, sessionNamed } from './session-window.ts';
import { simulatedSource } from './simulated.ts';
import { MarketError } from './source.ts';
import type { MarketSource } from './source.ts';

export interface MarketOptions {
  /** `YYYY-MM-DD`. */
  readonly day?: string;
  readonly seed?: string;
  readonly symbols?: readonly string[];
  readonly resolution?: string;
  /** Name of a session the product knows; US equities when absent. */
  readonly session?: string;
}

const RESOLUTIONS: readonly Resolution[] = ['second', 'minute', 'tick'];
const DAY = /^\d{4}-?\d\d-?\d\d$/;

/** `lean:DIR`, `csv:FILE` or `simulated`. Throws MarketError; MARKET_SPEC_INVALID says what was meant to be given, CALENDAR_HORIZON which days are not known. */
export const openMarket = async (spec: string, options: MarketOptions = {}): Promise<MarketSource> => {
  const market = await open(spec, options);
  const { days } = market.description;
  refuseBeyondHorizon(sessionNamed(market.description.session.name), days[0] ?? '', days.at(-1) ?? '');
  return market;
};

const open = async (spec: string, options: MarketOptions): Promise<MarketSource> => {
  const [kind, path] = [spec.split(':', 1)[0] ?? '', spec.slice(spec.indexOf(':') + 1)];
  const { seed, symbols } = options;
  if (options.day !== undefined && (!DAY.test(options.day) || Number.isNaN(Date.parse(dashed(options.day))))) {
    throw new MarketError('MARKET_SPEC_INVALID', `day "${options.day}" is not a date YYYY-MM-DD`);
  }
  const day = options.day === undefined ? undefined : dashed(options.day);
  const session = sessionNamed(options.session ?? 'us-equities');
  if (day !== undefined) refuseBeyondHorizon(session, day, day);
  const resolution = RESOLUTIONS.find((each) => each === options.resolution);
  if (options.resolution !== undefined && !resolution) {
    throw new MarketError('MARKET_SPEC_INVALID', `resolution "${options.resolution}" is not one of ${RESOLUTIONS.join(', ')}`);
  }
  const common = { session, ...(day === undefined ? {} : { day }) };
  if (kind === 'simulated') return simulatedSource({ ...common, seed: seed ?? (spec.includes(':') ? path : '1') });
  if (kind === 'lean' && path !== '' && spec.includes(':')) {
    return leanSource({ ...common, dir: path, ...(symbols ? { symbols } : {}), ...(resolution ? { resolution } : {}) });
  }
  if (kind === 'csv' && path !== '' && spec.includes(':')) return csvSource({ ...common, file: path });
  throw new MarketError('MARKET_SPEC_INVALID', `market "${spec}" is not lean:DIR, csv:FILE or simulated`);
};

const dashed = (day: string): string => (day.includes('-') ? day : `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`);
