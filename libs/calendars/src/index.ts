export { auctionWindow } from './auctions.ts';
export type { AuctionWindow, Calendar, Clock, DateRule, DayRule, Effect, Hours, Phase, PhaseState } from './calendar.ts';
export { evolveHalts, type Halt, type HaltEvent } from './halts.ts';
export { horizonOf, planOf, type DayPlan, type TimedPhase } from './plan.ts';
export { closesAtMs, isOpen, nextOpenMs, sessionAt, tradingDaysBetween, type HorizonRefusal, type SessionNow, type SessionOptions } from './session-at.ts';
export { ALWAYS_OPEN, CALENDARS, readSession, SESSIONS, US_EQUITIES, type TradingSession } from './sessions.ts';
export { windowOf, windows, type TradingWindow } from './trading-window.ts';
