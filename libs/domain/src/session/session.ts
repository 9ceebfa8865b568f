import { daysOf, dateText } from './civil-date.ts';

/**
 * When a market trades. Times of day are in `time_zone` (IANA), `HH:MM`; `days` are ISO weekdays (1 Monday … 7 Sunday).
 * `holidays` are local dates `YYYY-MM-DD` without trading, `early_closes` give an earlier close for a date.
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

export interface LocalTime {
  readonly date: string;
  readonly weekday: number;
  readonly minuteOfDay: number;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const QUARTER_HOUR_MS = 15 * MINUTE_MS;
/** Offsets change on quarter hours at the finest anywhere; 4,096 of them are six weeks of one zone. */
const CACHED_OFFSETS_MAX = 4096;
/** The tz database names some 600; more are made up. */
const CACHED_ZONES_MAX = 1024;
/** Far beyond any market data, and within what the platform can format. */
const INSTANT_MAX_MS = 8e15;

const formatters = new Map<string, Intl.DateTimeFormat | undefined>();
const offsets = new Map<string, number>();

/** `undefined` for a zone the platform does not know. */
const makeFormatter = (timeZone: string): Intl.DateTimeFormat | undefined => {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
};

const formatterOf = (timeZone: string): Intl.DateTimeFormat | undefined => {
  if (formatters.has(timeZone)) return formatters.get(timeZone);
  const made = makeFormatter(timeZone);
  if (formatters.size >= CACHED_ZONES_MAX) formatters.clear();
  formatters.set(timeZone, made);
  return made;
};

/** Minutes east of UTC at `timeMs`; not a number for an unknown zone or no instant. */
const offsetMinutes = (timeZone: string, timeMs: number): number => {
  const formatter = formatterOf(timeZone);
  if (!formatter || !(Math.abs(timeMs) <= INSTANT_MAX_MS)) return Number.NaN;
  const slot = Math.floor(timeMs / QUARTER_HOUR_MS);
  const key = `${timeZone}/${slot}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const at = slot * QUARTER_HOUR_MS;
  const part: Record<string, number> = {};
  for (const { type, value } of formatter.formatToParts(at)) part[type] = Number(value);
  const days = daysOf(part['year'] ?? 1970, part['month'] ?? 1, part['day'] ?? 1);
  const localMinutes = days * DAY_MINUTES + (part['hour'] ?? 0) * 60 + (part['minute'] ?? 0);
  const offset = localMinutes - Math.floor(at / MINUTE_MS);
  if (offsets.size >= CACHED_OFFSETS_MAX) offsets.clear();
  offsets.set(key, offset);
  return offset;
};

/** Date, ISO weekday and minute of the day in `timeZone` at `timeMs` (epoch ms, UTC). Weekday and minute are not numbers when unreadable. */
export const localTime = (timeZone: string, timeMs: number): LocalTime => {
  const minutes = Math.floor(timeMs / MINUTE_MS) + offsetMinutes(timeZone, timeMs);
  const days = Math.floor(minutes / DAY_MINUTES);
  return {
    date: dateText(days),
    // 1970-01-01 was a Thursday, ISO weekday 4.
    weekday: ((((days + 3) % 7) + 7) % 7) + 1,
    minuteOfDay: minutes - days * DAY_MINUTES,
  };
};

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$|^24:00$/;

export const minuteOf = (clock: string): number => {
  if (!CLOCK.test(clock)) return Number.NaN;
  const [hours = '0', minutes = '0'] = clock.split(':');
  return Number(hours) * 60 + Number(minutes);
};

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

/** Epoch ms of the close of the session open at `timeMs`; `undefined` when none is. */
export const closesAtMs = (session: Session, timeMs: number): number | undefined => {
  if (!isOpen(session, timeMs)) return undefined;
  const local = localTime(session.time_zone, timeMs);
  const startOfMinute = Math.floor(timeMs / MINUTE_MS) * MINUTE_MS;
  const closes = startOfMinute + (closeMinute(session, local.date) - local.minuteOfDay) * MINUTE_MS;
  // The clocks may change between now and the close.
  const changedMinutes = offsetMinutes(session.time_zone, closes) - offsetMinutes(session.time_zone, timeMs);
  return closes - changedMinutes * MINUTE_MS;
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
  const [year = 1970, month = 1, day = 1] = local.date.split('-').map(Number);
  return dateText(daysOf(year, month, day) + 1);
};

/** Never closes; for simulated markets, which say that they are. */
export const ALWAYS_OPEN: Session = { name: 'always', time_zone: 'UTC', open: '00:00', close: '24:00', days: [1, 2, 3, 4, 5, 6, 7] };

/** NYSE core trading session; holidays and early closes come with the exchange calendars. */
export const US_EQUITIES: Session = {
  name: 'us-equities', time_zone: 'America/New_York', open: '09:30', close: '16:00', days: [1, 2, 3, 4, 5],
  early_closes: {},
};

export const SESSIONS: Readonly<Record<string, Session>> = { [ALWAYS_OPEN.name]: ALWAYS_OPEN, [US_EQUITIES.name]: US_EQUITIES };
