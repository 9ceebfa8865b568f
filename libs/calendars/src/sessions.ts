import type { SessionReading } from '@tallystick/domain';
import type { Calendar, PhaseState } from './calendar.ts';
import { CMEG, CMES } from './data/cme.ts';
import { XETR, XLON, XPAR } from './data/europe.ts';
import { XHKG } from './data/hong-kong.ts';
import { XNSE } from './data/india.ts';
import { ALWAYS, CRYPTO, FX } from './data/round-the-clock.ts';
import { XTKS } from './data/tokyo.ts';
import { XCBO, XCBO_INDEX, XNAS, XNYS } from './data/us.ts';
import type { Halt } from './halts.ts';
import { sessionAt } from './session-at.ts';

/** What an instrument names: a calendar, and the states of it in which its orders trade. */
export interface TradingSession {
  readonly name: string;
  readonly calendar: Calendar;
  readonly trades: readonly PhaseState[];
}

export const CALENDARS: readonly Calendar[] = [XNYS, XNAS, XCBO, XCBO_INDEX, CMES, CMEG, FX, CRYPTO, XLON, XETR, XPAR, XTKS, XHKG, XNSE, ALWAYS];

const regular = (name: string, calendar: Calendar): TradingSession => ({ name, calendar, trades: ['open'] });

export const US_EQUITIES: TradingSession = regular('us-equities', XNYS);
/** Never closes; for simulated markets, which say that they are. */
export const ALWAYS_OPEN: TradingSession = regular('always', ALWAYS);

/** Every name that an instrument may give, a calendar's own among them: then its regular session. */
export const SESSIONS: ReadonlyMap<string, TradingSession> = new Map([
  US_EQUITIES, { name: 'us-equities-extended', calendar: XNYS, trades: ['pre', 'open', 'post'] as const },
  regular('us-options', XCBO), regular('us-index-options', XCBO_INDEX), regular('cme-equity-index', CMES), regular('cme-globex', CMEG), regular('fx', FX), regular('crypto', CRYPTO),
  regular('london', XLON), regular('xetra', XETR), regular('euronext', XPAR), regular('tokyo', XTKS), regular('hong-kong', XHKG), regular('india-nse', XNSE), ALWAYS_OPEN,
  ...CALENDARS.map((calendar) => regular(calendar.name, calendar)),
].map((session) => [session.name, session]));

const unknown = (name: string, why: string): SessionReading => ({ name, calendar: '', version: '', time_zone: 'UTC', state: 'unknown', code: 'SESSION_CLOSED', why });

const read = ({ name, calendar, trades }: TradingSession, timeMs: number, halts: readonly Halt[]): SessionReading => {
  const about = { name, calendar: calendar.name, version: calendar.version, time_zone: calendar.time_zone };
  const now = sessionAt(calendar, timeMs, { trades, halts });
  if (!now.ok) return { ...about, state: 'unknown', code: now.code, why: now.detail };
  const { state, since_ms, until_ms, trading_day: day, closes_at_ms: closes, next_open_ms: next } = now;
  const where = { state, since_ms, until_ms, ...(day === undefined ? {} : { trading_day: day }) };
  if (state !== 'closed' && trades.includes(state)) return { ...about, ...where, ...(closes === undefined ? {} : { closes_at_ms: closes }) };
  return { ...about, ...where, ...(next === undefined ? {} : { next_open_ms: next }), code: 'SESSION_CLOSED', why: now.why ?? 'not a state in which orders are taken' };
};

/** The last reading of each session without halts: it is asked several times for every order, and holds for hours. */
const last = new Map<TradingSession, SessionReading>();

/**
 * The one gate: what the session that an instrument names does at `timeMs` (business time, epoch ms). Always answers, and what it
 * cannot read is closed: no such session, no clock, or past the calendar's horizon (CALENDAR_HORIZON). `halts` are those of the instrument.
 */
export const readSession = (name: string | undefined, timeMs: number | undefined, halts: readonly Halt[] = []): SessionReading => {
  if (name === undefined) return unknown('(none)', 'no session is known for the instrument');
  const session = SESSIONS.get(name);
  if (!session) return unknown(name, `there is no session of that name; known: ${[...SESSIONS.keys()].join(', ')}`);
  if (timeMs === undefined || !Number.isFinite(timeMs)) return unknown(name, 'the market clock cannot be read');
  if (halts.length > 0) return read(session, timeMs, halts);
  const known = last.get(session);
  if (known?.since_ms !== undefined && known.until_ms !== undefined && timeMs >= known.since_ms && timeMs < known.until_ms) return known;
  const made = Object.freeze(read(session, timeMs, halts));
  last.set(session, made);
  return made;
};

