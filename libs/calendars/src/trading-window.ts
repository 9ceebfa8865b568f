import { clockOf, dateText, dayNumber, localTime } from '@tallystick/domain';
import { planOf, type DayPlan } from './plan.ts';
import type { TradingSession } from './sessions.ts';

/** When a session trades on one trading day, epoch ms UTC: open at `open_ms`, over at `close_ms`, without trading in its `breaks`. */
export interface TradingWindow {
  readonly open_ms: number;
  readonly close_ms: number;
  readonly breaks: readonly { readonly from_ms: number; readonly until_ms: number }[];
}

const windowOfPlan = ({ phases }: DayPlan, { trades }: TradingSession): TradingWindow | undefined => {
  const traded = phases.filter(({ state }) => trades.includes(state));
  const [first, last] = [traded[0], traded.at(-1)];
  if (!first || !last) return undefined;
  const breaks = traded.slice(1).flatMap(({ from_ms: until_ms }, i) => {
    const from_ms = traded[i]?.until_ms ?? until_ms;
    return from_ms < until_ms ? [{ from_ms, until_ms }] : [];
  });
  return { open_ms: first.from_ms, close_ms: last.until_ms, breaks };
};

const isKnown = ({ calendar }: TradingSession, days: number): boolean => days >= dayNumber(calendar.from) && days <= dayNumber(calendar.until);

/** The window of the trading day named `date` (`YYYY-MM-DD`); `undefined` on a day without trading, and beyond the calendar's horizon. */
export const windowOf = (session: TradingSession, date: string): TradingWindow | undefined => {
  const days = dayNumber(date);
  return isKnown(session, days) ? windowOfPlan(planOf(session.calendar, days), session) : undefined;
};

/**
 * The window that an order entered at an instant (epoch ms) belongs to: the local date's until it is over, then the one that begins
 * the same evening, if one does. It may still have to come, or be over; `undefined` on a day without trading. Remembers the last answer:
 * replays ask in order.
 */
export const windows = (session: TradingSession): ((timeMs: number) => TradingWindow | undefined) => {
  const { time_zone: zone } = session.calendar;
  let fromMs = Number.POSITIVE_INFINITY;
  let untilMs = Number.NEGATIVE_INFINITY;
  let window: TradingWindow | undefined;
  return (timeMs) => {
    if (timeMs >= fromMs && timeMs < untilMs) return window;
    const today = dayNumber(localTime(zone, timeMs).date);
    const midnight = clockOf(zone, today)(0);
    const nextMidnight = clockOf(zone, today + 1)(0);
    const [todays, tomorrows] = [windowOf(session, dateText(today)), windowOf(session, dateText(today + 1))];
    const isEvening = tomorrows !== undefined && tomorrows.open_ms < nextMidnight;
    const over = isEvening ? Math.min(todays?.close_ms ?? midnight, nextMidnight) : nextMidnight;
    [fromMs, untilMs, window] = timeMs < over ? [midnight, over, todays] : [over, nextMidnight, tomorrows];
    return window;
  };
};
