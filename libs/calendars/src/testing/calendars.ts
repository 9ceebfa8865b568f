import { dateText, dayNumber, wallText } from '@tallystick/domain';
import type { Calendar } from '../calendar.ts';
import { planOf } from '../plan.ts';
import { sessionAt, type SessionNow } from '../session-at.ts';

export const utc = (text: string): number => {
  const timeMs = Date.parse(`${text}Z`);
  if (Number.isNaN(timeMs)) throw new Error(`no time: ${text}`);
  return timeMs;
};

/** `2013-10-08T13:30`, with seconds where there are any. */
export const text = (timeMs: number | undefined): string => (timeMs === undefined ? '' : wallText('UTC', timeMs).replace(' ', 'T'));

export const stateAt = (calendar: Calendar, at: string): string => {
  const now = sessionAt(calendar, utc(at));
  return now.ok ? now.state : now.code;
};

export const nowAt = (calendar: Calendar, at: string | number): SessionNow => {
  const now = sessionAt(calendar, typeof at === 'string' ? utc(at) : at);
  if (!now.ok) throw new Error(now.detail);
  return now;
};

export const datesFrom = (from: string, until: string): readonly string[] => {
  const [first, last] = [dayNumber(from), dayNumber(until)];
  return Array.from({ length: last - first + 1 }, (_, i) => dateText(first + i));
};

/** First opening and last close of the trading of a date, in UTC; `closed` without any. */
export const hoursOn = (calendar: Calendar, date: string): string => {
  const open = planOf(calendar, dayNumber(date)).phases.filter(({ state }) => state === 'open');
  const [first, last] = [open[0], open.at(-1)];
  return first && last ? `${text(first.from_ms)} ${text(last.until_ms)}` : 'closed';
};

/** The phases of a date, `open 13:30-20:00 post 20:00-00:00`, in UTC. */
export const phasesOn = (calendar: Calendar, date: string): string =>
  planOf(calendar, dayNumber(date)).phases.map(({ state, from_ms: from, until_ms: until }) => `${state} ${text(from).slice(11)}-${text(until).slice(11)}`).join(' ');

export const weekdayOf = (date: string): number => ((Date.parse(`${date}T00:00:00Z`) / 86_400_000 + 3) % 7) + 1;
