import { dayNumber } from '@tallystick/domain';
import type { Calendar } from './calendar.ts';
import { planOf } from './plan.ts';

const MINUTE_MS = 60_000;

/** When orders of that time in force are taken for the auction of `date` (`YYYY-MM-DD`), epoch ms; `undefined` where the calendar has none, or no session that day. */
export const auctionWindow = (calendar: Calendar, date: string, timeInForce: 'OPG' | 'CLS'): { readonly from_ms: number; readonly until_ms: number } | undefined => {
  if (date < calendar.from || date > calendar.until) return undefined;
  const window = calendar.auctions?.filter((one) => one.time_in_force === timeInForce && (one.from ?? date) <= date).at(-1);
  const open = planOf(calendar, dayNumber(date)).phases.filter(({ state }) => state === 'open');
  const [first, last] = [open[0], open.at(-1)];
  if (!window || !first || !last) return undefined;
  const at = window.relative_to === 'opening' ? first.from_ms : last.until_ms;
  return { from_ms: at + window.from_minutes * MINUTE_MS, until_ms: at + window.until_minutes * MINUTE_MS };
};
