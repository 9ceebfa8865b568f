import { SESSIONS, tradingDaysBetween, windows, type TradingSession, type TradingWindow } from '@tallystick/calendars';
import type { NamedSession } from '@tallystick/domain';
import { MarketError } from './source.ts';

export const namedSession = ({ name, calendar }: TradingSession): NamedSession => ({ name, calendar: calendar.name, version: calendar.version, time_zone: calendar.time_zone });

/** The session of that name. Throws MarketError MARKET_SPEC_INVALID for one that nobody knows. */
export const sessionNamed = (name: string): TradingSession => {
  const session = SESSIONS.get(name);
  if (!session) throw new MarketError('MARKET_SPEC_INVALID', `no session "${name}"; known: ${[...SESSIONS.keys()].join(', ')}`);
  return session;
};

/** The window that an order entered at an instant (epoch ms) belongs to, of the session a market names. */
export const sessionWindows = ({ name }: Pick<NamedSession, 'name'>): ((timeMs: number) => TradingWindow | undefined) => windows(sessionNamed(name));

/** Throws MarketError CALENDAR_HORIZON when the session's calendar does not know all days from `first` to `last` (`YYYY-MM-DD`). */
export const refuseBeyondHorizon = ({ calendar }: TradingSession, first: string, last: string): void => {
  const known = tradingDaysBetween(calendar, first, last);
  if (!known.ok) throw new MarketError(known.code, known.detail);
};
