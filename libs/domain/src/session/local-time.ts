import { daysOf, dateText } from './civil-date.ts';

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
export const offsetMinutes = (timeZone: string, timeMs: number): number => {
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

/** ISO weekday, 1 Monday to 7 Sunday, of a day number. 1970-01-01 was a Thursday. */
export const isoWeekday = (days: number): number => ((((days + 3) % 7) + 7) % 7) + 1;

/** Date, ISO weekday and minute of the day in `timeZone` at `timeMs` (epoch ms, UTC). Weekday and minute are not numbers when unreadable. */
export const localTime = (timeZone: string, timeMs: number): LocalTime => {
  const minutes = Math.floor(timeMs / MINUTE_MS) + offsetMinutes(timeZone, timeMs);
  const days = Math.floor(minutes / DAY_MINUTES);
  return {
    date: dateText(days),
    weekday: isoWeekday(days),
    minuteOfDay: minutes - days * DAY_MINUTES,
  };
};

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$|^24:00$/;

export const minuteOf = (clock: string): number => {
  if (!CLOCK.test(clock)) return Number.NaN;
  const [hours = '0', minutes = '0'] = clock.split(':');
  return Number(hours) * 60 + Number(minutes);
};

/**
 * Clock of the local day with number `days` in `timeZone`: minutes since its midnight, as the wall shows them, to epoch ms. Minutes
 * below 0 are the day before, beyond 1440 the day after. On the day clocks change, a time that occurs twice is its first occurrence,
 * and one that does not occur is moved on by the change. Not a number for an unknown zone.
 */
export const clockOf = (timeZone: string, days: number): ((minutes: number) => number) => {
  const midnight = days * DAY_MINUTES;
  // Two days either side: beyond anything the clock is asked for, and never two changes of the clocks within.
  const before = offsetMinutes(timeZone, (midnight - 2 * DAY_MINUTES) * MINUTE_MS);
  const after = offsetMinutes(timeZone, (midnight + 3 * DAY_MINUTES) * MINUTE_MS);
  if (before === after) return (minutes) => (midnight + minutes - before) * MINUTE_MS;
  return (minutes) => {
    const asBefore = (midnight + minutes - before) * MINUTE_MS;
    if (offsetMinutes(timeZone, asBefore) === before) return asBefore;
    const asAfter = (midnight + minutes - after) * MINUTE_MS;
    return offsetMinutes(timeZone, asAfter) === after ? asAfter : asBefore;
  };
};

/** Number of the day that `date` (`YYYY-MM-DD`) names; not a number when it is none. */
export const dayNumber = (date: string): number => {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date) ?? [];
  const days = daysOf(Number(year), Number(month), Number(day));
  return dateText(days) === date ? days : Number.NaN;
};

const two = (n: number): string => String(n).padStart(2, '0');

/** `2013-11-29 09:30` on the wall of `timeZone`; seconds only where there are any. For people. */
export const wallText = (timeZone: string, timeMs: number): string => {
  const { date, minuteOfDay } = localTime(timeZone, timeMs);
  const seconds = Math.floor((((timeMs % MINUTE_MS) + MINUTE_MS) % MINUTE_MS) / 1000);
  return `${date} ${two(Math.floor(minuteOfDay / 60))}:${two(minuteOfDay % 60)}${seconds === 0 ? '' : `:${two(seconds)}`}`;
};
