/** Local times of a zone as UTC. `Intl` knows the zones' rules; it is asked a few times a day of data, never a row. */

const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

const formatters = new Map<string, Intl.DateTimeFormat>();

const formatterOf = (timeZone: string): Intl.DateTimeFormat => {
  const known = formatters.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  });
  formatters.set(timeZone, made);
  return made;
};

/** Milliseconds east of UTC at `utcMs`. */
export const offsetMs = (timeZone: string, utcMs: number): number => {
  const part: Record<string, number> = {};
  const whole = utcMs - (((utcMs % 1000) + 1000) % 1000);
  for (const { type, value } of formatterOf(timeZone).formatToParts(whole)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
};

/** `YYYY-MM-DD` in `timeZone` at `utcMs`. */
export const localDate = (timeZone: string, utcMs: number): string =>
  new Date(utcMs + offsetMs(timeZone, utcMs)).toISOString().slice(0, 10);

/** First instant at which the offset is no longer `before`, between two instants that differ, to the minute. */
const transitionBetween = (timeZone: string, fromMs: number, toMs: number, before: number): number => {
  let low = Math.floor(fromMs / MINUTE_MS);
  let high = Math.ceil(toMs / MINUTE_MS);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(timeZone, middle * MINUTE_MS) === before) low = middle;
    else high = middle;
  }
  return high * MINUTE_MS;
};

/**
 * Wall-clock milliseconds since midnight of `date` (`YYYY-MM-DD`) in `timeZone`, as epoch ms UTC. On the day clocks change:
 * a time that occurs twice is its first occurrence, one that does not occur is moved forward by the change.
 */
export const dayClock = (timeZone: string, date: string): ((msOfDay: number) => number) => {
  const midnightAsUtc = Date.parse(`${date}T00:00:00Z`);
  // A day's rules lie within half a day either side of its UTC namesake, whatever the zone.
  const early = offsetMs(timeZone, midnightAsUtc - DAY_MS / 2);
  const startUtc = midnightAsUtc - offsetMs(timeZone, midnightAsUtc - early);
  const before = offsetMs(timeZone, startUtc);
  const after = offsetMs(timeZone, startUtc + DAY_MS + 2 * 3_600_000);
  if (before === after) return (msOfDay) => midnightAsUtc + msOfDay - before;
  const changesAt = transitionBetween(timeZone, startUtc, startUtc + DAY_MS + 2 * 3_600_000, before);
  return (msOfDay) => {
    const asBefore = midnightAsUtc + msOfDay - before;
    if (asBefore < changesAt) return asBefore;
    const asAfter = midnightAsUtc + msOfDay - after;
    return asAfter < changesAt ? asBefore : asAfter;
  };
};

/** The first instant (epoch ms) of the local date after the one `utcMs` lies on. */
export const nextMidnightMs = (timeZone: string, utcMs: number): number => {
  const date = localDate(timeZone, utcMs);
  return dayClock(timeZone, new Date(Date.parse(`${date}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10))(0);
};

/** `localDate` for times asked in order: the rules are looked up once a date. */
export const localDates = (timeZone: string): ((utcMs: number) => string) => {
  let fromMs = Number.POSITIVE_INFINITY;
  let untilMs = Number.NEGATIVE_INFINITY;
  let date = '';
  return (utcMs) => {
    if (utcMs >= fromMs && utcMs < untilMs) return date;
    date = localDate(timeZone, utcMs);
    fromMs = dayClock(timeZone, date)(0);
    untilMs = nextMidnightMs(timeZone, utcMs);
    return date;
  };
};
