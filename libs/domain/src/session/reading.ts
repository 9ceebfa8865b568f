import type { Refusal } from '../refusal.ts';
import { wallText } from './local-time.ts';
import type { Session } from './session.ts';

/** What a market is doing. `halted` is trading stopped within its hours; `unknown` is what nobody can say, which counts as closed. */
export type SessionState = 'pre' | 'open' | 'lunch' | 'post' | 'halted' | 'closed' | 'unknown';

/**
 * What the gate said of a session at an instant: an input of the decision, recorded with it. It holds from `since_ms` up to, not
 * including, `until_ms` (epoch ms, UTC); both are absent where nothing is known. Orders are taken when it carries no `code`.
 */
export interface SessionReading {
  /** As the instrument names it. */
  readonly name: string;
  readonly calendar: string;
  /** Of the calendar's data: the same version says the same for ever. */
  readonly version: string;
  readonly time_zone: string;
  readonly state: SessionState;
  readonly since_ms?: number;
  readonly until_ms?: number;
  /** Local date of the session that is on or comes next. */
  readonly trading_day?: string;
  /** When what is on now takes its last orders: the end of a DAY order. */
  readonly closes_at_ms?: number;
  readonly next_open_ms?: number;
  readonly code?: 'SESSION_CLOSED' | 'CALENDAR_HORIZON';
  /** The holiday, the halt, the end of what the calendar knows. */
  readonly why?: string;
}

/** A session as it is named to others: its own name, and the calendar and version behind it. */
export type NamedSession = Pick<SessionReading, 'name' | 'calendar' | 'version' | 'time_zone'>;

export type SessionUsed = Session | SessionReading;

export const isReading = (session: SessionUsed): session is SessionReading => 'state' in session;

const WORDS: Readonly<Record<SessionState, string>> = {
  pre: 'before its opening', open: 'open', lunch: 'at its lunch break', post: 'after its close', halted: 'halted', closed: 'closed', unknown: 'not known to be open',
};

const calendarText = ({ calendar, version }: SessionReading): string => (calendar === '' ? '' : ` (calendar ${calendar} ${version})`);

/**
 * Why no order is taken at `timeMs` (epoch ms), or nothing when it is. SESSION_CLOSED: the session is not one in which orders are
 * taken, or was read at another time; CALENDAR_HORIZON: its calendar does not know that day.
 */
export const sessionRefusal = (session: SessionReading, timeMs: number | undefined): Refusal | undefined => {
  const { name, code, state, why, since_ms: since, until_ms: until, next_open_ms: next, time_zone: zone } = session;
  if (code !== undefined) {
    const opens = next === undefined ? '' : `; opens ${wallText(zone, next)} ${zone} (${wallText('UTC', next)} UTC)`;
    return { code, detail: `session ${name} is ${WORDS[state]}: ${why ?? 'no reason is known'}${opens}${calendarText(session)}` };
  }
  if (timeMs !== undefined && since !== undefined && until !== undefined && timeMs >= since && timeMs < until) return undefined;
  return { code: 'SESSION_CLOSED', detail: `session ${name} was read at another time than that of the order${calendarText(session)}` };
};

/** An open session in words. */
export const sessionText = (session: SessionReading): string => `session ${session.name} of ${session.trading_day ?? 'no day'}${calendarText(session)}`;
