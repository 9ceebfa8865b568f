import { dateText } from './civil-date.ts';
import { dayNumber, localTime, minuteOf } from './local-time.ts';

/**
 * Hours by the clock of one place: what a policy's trading window states, and what decisions recorded before there were exchange
 * calendars. Whether a market is open, its calendar says. Times of day are in `time_zone` (IANA), `HH:MM`; `days` are ISO weekdays
 * (1 Monday … 7 Sunday). `holidays` are local dates `YYYY-MM-DD` without trading, `early_closes` give an earlier close for a date.
 */
export interface Session {
  readonly name: string;
  readonly time_zone: string;
  readonly open: string;
  readonly close: string;
  readonly days: readonly number[];
  readonly holidays?: readonly string[];
  readonly early_closes?: Readonly<Record<string, string>>;
}

/** Not a number when either is unreadable; an early close can only be earlier. */
const closeMinute = (session: Session, date: string): number =>
  Math.min(minuteOf(session.close), minuteOf(session.early_closes?.[date] ?? session.close));

/** Open at the opening minute, closed at the closing one. Unreadable times count as closed. */
export const isOpen = (session: Session, timeMs: number): boolean => {
  const local = localTime(session.time_zone, timeMs);
  if (!session.days.includes(local.weekday) || session.holidays?.includes(local.date)) return false;
  return local.minuteOfDay >= minuteOf(session.open) && local.minuteOfDay < closeMinute(session, local.date);
};

/** What of a session decides whether it is open at `timeMs`: its hours, and that date's own close or holiday. For recording with a decision. */
export const sessionOn = (session: Session, timeMs: number): Session => {
  const { name, time_zone, open, close, days } = session;
  const { date } = localTime(time_zone, timeMs);
  const early = session.early_closes?.[date];
  return {
    name, time_zone, open, close, days,
    ...(session.holidays?.includes(date) ? { holidays: [date] } : {}),
    ...(early === undefined ? {} : { early_closes: { [date]: early } }),
  };
};

/**
 * The trading day that `timeMs` belongs to when days roll at `rollTime` in `timeZone`: after the roll it is the next date's.
 * A roll at midnight, `00:00` or `24:00`, gives the date itself. For settings already validated; unreadable ones throw.
 */
export const tradingDay = (timeZone: string, rollTime: string, timeMs: number): string => {
  const local = localTime(timeZone, timeMs);
  const roll = minuteOf(rollTime);
  if (Number.isNaN(roll) || Number.isNaN(local.minuteOfDay)) throw new RangeError(`no trading day at ${timeMs} in ${timeZone} rolling at ${rollTime}`);
  if (roll === 0 || local.minuteOfDay < roll) return local.date;
  return dateText(dayNumber(local.date) + 1);
};
