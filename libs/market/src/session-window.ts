import { minuteOf } from '@tallystick/domain';
import type { Session } from '@tallystick/domain';
import { dayClock, localDate, nextMidnightMs } from './zone.ts';

/** Epoch ms, UTC. Open at `open_ms`, closed again at `close_ms`. */
export interface SessionWindow {
  readonly open_ms: number;
  readonly close_ms: number;
}

const isoWeekday = (date: string): number => ((new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7) + 1;

/** When `session` trades on its local `date` (`YYYY-MM-DD`); `undefined` on a day it does not. */
export const sessionWindow = (session: Session, date: string): SessionWindow | undefined => {
  if (!session.days.includes(isoWeekday(date)) || session.holidays?.includes(date)) return undefined;
  const clock = dayClock(session.time_zone, date);
  const open_ms = clock(minuteOf(session.open) * 60_000);
  const close_ms = clock(minuteOf(session.early_closes?.[date] ?? session.close) * 60_000);
  return close_ms > open_ms ? { open_ms, close_ms } : undefined;
};

/** The window of the local date that an instant (epoch ms) belongs to. Remembers the last date: replays ask in order. */
export const sessionWindows = (session: Session): ((timeMs: number) => SessionWindow | undefined) => {
  let fromMs = Number.POSITIVE_INFINITY;
  let untilMs = Number.NEGATIVE_INFINITY;
  let window: SessionWindow | undefined;
  return (timeMs) => {
    if (timeMs >= fromMs && timeMs < untilMs) return window;
    const date = localDate(session.time_zone, timeMs);
    const clock = dayClock(session.time_zone, date);
    fromMs = clock(0);
    untilMs = nextMidnightMs(session.time_zone, timeMs);
    window = sessionWindow(session, date);
    return window;
  };
};
