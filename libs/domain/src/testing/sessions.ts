import type { SessionReading } from '../session/reading.ts';
import type { Session } from '../session/session.ts';

/** Hours as decisions recorded them before there were calendars. */
export const HOURS_ALWAYS: Session = { name: 'always', time_zone: 'UTC', open: '00:00', close: '24:00', days: [1, 2, 3, 4, 5, 6, 7] };
export const HOURS_US: Session = { name: 'us-equities', time_zone: 'America/New_York', open: '09:30', close: '16:00', days: [1, 2, 3, 4, 5] };

/** The gate's word for the regular session of 8 October 2013, 13:30 to 20:00 UTC. */
export const readingOf = (changes: Partial<SessionReading> = {}): SessionReading => ({
  name: 'us-equities', calendar: 'XNYS', version: 'test', time_zone: 'America/New_York', state: 'open', since_ms: 1_381_239_000_000, until_ms: 1_381_262_400_000,
  trading_day: '2013-10-08', closes_at_ms: 1_381_262_400_000, ...changes,
});

/** Open at all times. */
export const ALWAYS_READING: SessionReading = readingOf({ name: 'always', calendar: 'ALWAYS', time_zone: 'UTC', since_ms: -8.64e15, until_ms: 8.64e15 });
