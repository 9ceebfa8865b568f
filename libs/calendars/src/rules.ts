import { dayNumber, daysOf, isoWeekday, type SessionState } from '@tallystick/domain';
import type { Clock, DateRule, DayRule, Effect, Moves, Phase } from './calendar.ts';

export const MONDAY = 1;
export const THURSDAY = 4;
export const MONDAY_TO_FRIDAY: readonly number[] = [1, 2, 3, 4, 5];

/** Off a weekend to the nearest weekday. */
export const NEAREST: Moves = { 6: -1, 7: 1 };
export const SUNDAY_TO_MONDAY: Moves = { 7: 1 };
export const WEEKEND_TO_MONDAY: Moves = { 6: 2, 7: 1 };
/** A weekend's is the last weekday before. */
export const WEEKEND_TO_FRIDAY: Moves = { 6: -1, 7: -2 };

export const fixed = (month: number, day: number, moves?: Moves): DateRule => ({ kind: 'fixed', month, day, ...(moves ? { moves } : {}) });
/** That date only in the years in which it is one of those weekdays. */
export const fixedOn = (month: number, day: number, only: readonly number[]): DateRule => ({ kind: 'fixed', month, day, only });
export const nth = (n: number, weekday: number, month: number, plus?: number): DateRule => ({ kind: 'nth', nth: n, weekday, month, ...(plus === undefined ? {} : { plus }) });
export const easter = (plus: number): DateRule => ({ kind: 'easter', plus });
export const dates = (...list: readonly string[]): DateRule => ({ kind: 'dates', dates: list });

type Years = Pick<DayRule, 'from_year' | 'until_year' | 'not_in' | 'source'>;

export const phase = (state: Exclude<SessionState, 'closed' | 'unknown'>, from: Clock, until: Clock): Phase => ({ state, from, until });
const ruled = (name: string, on: DateRule, effect: Effect, years: Years): DayRule => ({ name, on, effect, ...years });
export const closed = (name: string, on: DateRule, years: Years = {}): DayRule => ruled(name, on, { kind: 'closed' }, years);
export const closesEarly = (name: string, on: DateRule, at: Clock, years: Years & { readonly post_until?: Clock } = {}): DayRule => {
  const { post_until, ...rest } = years;
  return ruled(name, on, { kind: 'close_early', at, ...(post_until === undefined ? {} : { post_until }) }, rest);
};
export const opensLate = (name: string, on: DateRule, at: Clock, years: Years = {}): DayRule => ruled(name, on, { kind: 'open_late', at }, years);
export const special = (name: string, on: DateRule, phases: readonly Phase[], years: Years = {}): DayRule => ruled(name, on, { kind: 'special', phases }, years);

/** Day number of Western Easter Sunday: the computus of Meeus, Jones and Butcher. */
export const easterSunday = (year: number): number => {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const e = b % 4;
  const g = Math.floor((8 * b + 13) / 25);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const k = c % 4;
  const l = (32 + 2 * e + 2 * i - h - k) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return daysOf(year, Math.floor(n / 31), (n % 31) + 1);
};

/** Day of March or September, in millionths of a day and integers: 20.8431 and 23.2488, and 0.242194 a year, less the leap days. */
const equinox = (year: number, of: 'vernal' | 'autumnal'): number => {
  const since = year - 1980;
  const day = Math.floor(((of === 'vernal' ? 20_843_100 : 23_248_800) + 242_194 * since) / 1_000_000) - Math.floor(since / 4);
  return daysOf(year, of === 'vernal' ? 3 : 9, day);
};

const moved = (days: number, moves: Moves = {}): number => days + (moves[isoWeekday(days) as keyof Moves] ?? 0);

const nthOf = (year: number, { nth: n, weekday, month, plus = 0 }: Extract<DateRule, { kind: 'nth' }>): number => {
  if (n > 0) {
    const first = daysOf(year, month, 1);
    return first + ((weekday - isoWeekday(first) + 7) % 7) + (n - 1) * 7 + plus;
  }
  const last = (month === 12 ? daysOf(year + 1, 1, 1) : daysOf(year, month + 1, 1)) - 1;
  return last - ((isoWeekday(last) - weekday + 7) % 7) + (n + 1) * 7 + plus;
};

/** Day numbers that the rule names by `year`; a moved date may lie in the year before or after. */
export const datesOf = (on: DateRule, year: number): readonly number[] => {
  switch (on.kind) {
    case 'fixed': {
      const days = daysOf(year, on.month, on.day);
      return on.only === undefined || on.only.includes(isoWeekday(days)) ? [moved(days, on.moves)] : [];
    }
    case 'nth':
      return [nthOf(year, on)];
    case 'easter':
      return [easterSunday(year) + on.plus];
    case 'equinox':
      return [moved(equinox(year, on.of), on.moves)];
    case 'dates':
      return on.dates.filter((date) => date.startsWith(`${year}-`)).map(dayNumber);
  }
};

/** Whether the rule applied in `year`. */
export const appliesIn = ({ from_year: from, until_year: until, not_in: not }: DayRule, year: number): boolean =>
  (from === undefined || year >= from) && (until === undefined || year <= until) && not?.includes(year) !== true;
