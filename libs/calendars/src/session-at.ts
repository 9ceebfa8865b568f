import { dateText, dayNumber, localTime } from '@tallystick/domain';
import type { Calendar, PhaseState } from './calendar.ts';
import { haltBounds, isHalted, type Halt } from './halts.ts';
import { earliestStart, horizonOf, planOf, type DayPlan, type TimedPhase } from './plan.ts';

/** No market has ever been closed for longer by its own calendar; a search that goes further is a calendar without days. */
const CLOSED_DAYS_MAX = 31;

/** Instants in epoch ms, UTC. */
export interface SessionNow {
  readonly ok: true;
  readonly state: PhaseState | 'closed';
  /** The state holds from `since_ms` up to, not including, `until_ms`, and changes at no other instant. */
  readonly since_ms: number;
  readonly until_ms: number;
  /** Local date of the session that is on or, outside of all, comes next; absent where the horizon lies before it. */
  readonly trading_day?: string;
  /** First and last instant of that day's trading: `closes_at_ms` is the first at which its trading is over. */
  readonly opens_at_ms?: number;
  readonly closes_at_ms?: number;
  /** The next instant at which trading begins, or begins again. */
  readonly next_open_ms?: number;
  /** Why it is not open. */
  readonly why?: string;
}

export interface HorizonRefusal {
  readonly ok: false;
  readonly code: 'CALENDAR_HORIZON';
  readonly detail: string;
  readonly remedy: string;
}

export interface SessionOptions {
  /** States in which orders are traded; `open` alone when absent. */
  readonly trades?: readonly PhaseState[];
  readonly halts?: readonly Halt[];
}

const OPEN: readonly PhaseState[] = ['open'];
const beyond = (calendar: Calendar, asked: string): HorizonRefusal => ({
  ok: false, code: 'CALENDAR_HORIZON',
  detail: `calendar ${calendar.name} ${calendar.version} answers from ${calendar.from} to ${calendar.until}, not for ${asked}; what it does not know is not assumed open`,
  remedy: 'use a release whose calendar goes that far; docs/calendars.md lists them',
});

interface Located {
  readonly days: number;
  readonly plan: DayPlan;
  readonly phase: TimedPhase;
}

interface Around {
  readonly on?: Located;
  /** The phase that ended last, and the one that begins next. */
  readonly before?: Located;
  readonly after?: Located;
}

const locate = (calendar: Calendar, timeMs: number, today: number): Around => {
  const last = Math.min(today + 1 + CLOSED_DAYS_MAX, dayNumber(calendar.until));
  const first = Math.max(today - CLOSED_DAYS_MAX, dayNumber(calendar.from));
  let before: Located | undefined;
  for (let days = Math.min(today + 1, last); days >= first && !before; days -= 1) {
    const plan = planOf(calendar, days);
    for (const phase of plan.phases) {
      if (timeMs >= phase.from_ms && timeMs < phase.until_ms) return { on: { days, plan, phase } };
      if (phase.until_ms <= timeMs) before = { days, plan, phase };
    }
  }
  for (let days = Math.max(today, first); days <= last; days += 1) {
    const plan = planOf(calendar, days);
    const phase = plan.phases.find(({ from_ms: from }) => from > timeMs);
    if (phase) return { ...(before ? { before } : {}), after: { days, plan, phase } };
  }
  return before ? { before } : {};
};

/** The first instant after `timeMs` at which a phase that trades begins, other than one that goes on from another of the same day. */
const nextOpening = (calendar: Calendar, timeMs: number, fromDays: number, trades: readonly PhaseState[]): number | undefined => {
  const last = Math.min(fromDays + 1 + CLOSED_DAYS_MAX, dayNumber(calendar.until));
  for (let days = Math.max(fromDays, dayNumber(calendar.from)); days <= last; days += 1) {
    const { phases } = planOf(calendar, days);
    const found = phases.find(({ state, from_ms: from }) => from > timeMs && trades.includes(state) && !phases.some((other) => trades.includes(other.state) && other.until_ms === from));
    if (found) return found.from_ms;
  }
  return undefined;
};

const REASONS: Readonly<Record<Exclude<PhaseState, 'open'>, string>> = { pre: 'before the opening', lunch: 'lunch break', post: 'after the close', halted: 'daily trading halt' };

const whyClosed = (calendar: Calendar, timeMs: number, today: number): string => {
  const plan = planOf(calendar, today);
  const { minuteOfDay } = localTime(calendar.time_zone, timeMs);
  // In the evening, where sessions begin in the evening, the day that would be on is tomorrow's.
  if (earliestStart(calendar) < 0 && minuteOfDay >= earliestStart(calendar) + 24 * 60) {
    const tomorrow = planOf(calendar, today + 1);
    if (tomorrow.phases.length === 0) return tomorrow.why ?? 'no session';
  }
  if (plan.phases.length === 0) return plan.why ?? 'no session';
  const early = plan.rule?.effect.kind === 'close_early' && timeMs >= (plan.phases.at(-1)?.until_ms ?? timeMs);
  return early ? `early close, ${plan.why ?? ''}` : 'outside its trading hours';
};

const tradingOf = (located: Located | undefined, trades: readonly PhaseState[]): Pick<SessionNow, 'trading_day' | 'opens_at_ms' | 'closes_at_ms'> => {
  if (!located) return {};
  const traded = located.plan.phases.filter(({ state }) => trades.includes(state));
  const [first, last] = [traded[0], traded.at(-1)];
  return { trading_day: located.plan.date, ...(first && last ? { opens_at_ms: first.from_ms, closes_at_ms: last.until_ms } : {}) };
};

const regular = (calendar: Calendar, timeMs: number, trades: readonly PhaseState[]): SessionNow | HorizonRefusal => {
  const horizon = horizonOf(calendar);
  const today = dayNumber(localTime(calendar.time_zone, timeMs).date);
  if (!(timeMs >= horizon.from_ms && timeMs < horizon.until_ms)) return beyond(calendar, Number.isNaN(today) ? `the time ${timeMs}` : dateText(today));
  const { on, before, after } = locate(calendar, timeMs, today);
  const next = nextOpening(calendar, timeMs, (on ?? after)?.days ?? today, trades);
  const opening = next === undefined ? {} : { next_open_ms: next };
  if (on) {
    const { state, from_ms: since_ms, until_ms } = on.phase;
    const why = state === 'open' ? undefined : REASONS[state];
    return { ok: true, state, since_ms, until_ms, ...tradingOf(on, trades), ...opening, ...(why === undefined ? {} : { why }) };
  }
  return {
    ok: true, state: 'closed', since_ms: before?.phase.until_ms ?? horizon.from_ms, until_ms: Math.min(after?.phase.from_ms ?? horizon.until_ms, horizon.until_ms),
    ...tradingOf(after, trades), ...opening, why: whyClosed(calendar, timeMs, today),
  };
};

/** The first instant from `timeMs` on that no halt covers; infinite when one has no end. */
const clearOf = (halts: readonly Halt[], timeMs: number): number => {
  let at = timeMs;
  for (let halt = halts.find((one) => isHalted(one, at)); halt; halt = halts.find((one) => isHalted(one, at))) {
    if (halt.until_ms === undefined) return Number.POSITIVE_INFINITY;
    at = halt.until_ms;
  }
  return at;
};

/** The first instant from `timeMs` on at which the market trades and no halt stops it. */
const tradesFrom = (calendar: Calendar, timeMs: number, halts: readonly Halt[], trades: readonly PhaseState[]): number | undefined => {
  let at: number | undefined = timeMs;
  // Each halt can cover one opening at most, and the openings between are clear.
  for (let tries = 0; at !== undefined && tries <= halts.length + 1; tries += 1) {
    const clear = clearOf(halts, at);
    const now: SessionNow | HorizonRefusal | undefined = Number.isFinite(clear) ? regular(calendar, clear, trades) : undefined;
    if (now?.ok !== true) return undefined;
    if (now.state !== 'closed' && trades.includes(now.state)) return clear;
    at = now.next_open_ms;
  }
  return undefined;
};

const withHalts = (calendar: Calendar, timeMs: number, now: SessionNow, { halts, trades }: Required<SessionOptions>): SessionNow => {
  const { next_open_ms: opening, ...rest } = now;
  const active = halts.find((halt) => isHalted(halt, timeMs));
  const from = active && now.state !== 'closed' ? timeMs : opening;
  const next = from === undefined ? undefined : tradesFrom(calendar, from, halts, trades);
  const found = { ...rest, ...(next === undefined ? {} : { next_open_ms: next }) };
  if (now.state === 'closed') return found;
  const bounds = haltBounds(halts);
  const since_ms = Math.max(now.since_ms, ...bounds.filter((at) => at <= timeMs));
  const until_ms = Math.min(now.until_ms, ...bounds.filter((at) => at > timeMs));
  return active ? { ...found, state: 'halted', since_ms, until_ms, why: active.reason } : { ...found, since_ms, until_ms };
};

/**
 * What the market of `calendar` does at `timeMs` (epoch ms). Refused with CALENDAR_HORIZON before the beginning and past the end of
 * what the calendar knows, and for what is no instant.
 */
export const sessionAt = (calendar: Calendar, timeMs: number, options: SessionOptions = {}): SessionNow | HorizonRefusal => {
  const trades = options.trades ?? OPEN;
  const now = regular(calendar, timeMs, trades);
  return now.ok && options.halts && options.halts.length > 0 ? withHalts(calendar, timeMs, now, { halts: options.halts, trades }) : now;
};

/** Trading goes on. What is not known is not open. */
export const isOpen = (calendar: Calendar, timeMs: number, options: SessionOptions = {}): boolean => {
  const now = sessionAt(calendar, timeMs, options);
  return now.ok && now.state !== 'closed' && (options.trades ?? OPEN).includes(now.state);
};

/** The end of trading of the day that is on, epoch ms; `undefined` when none is. */
export const closesAtMs = (calendar: Calendar, timeMs: number, options: SessionOptions = {}): number | undefined => {
  const now = sessionAt(calendar, timeMs, options);
  if (!now.ok || now.opens_at_ms === undefined || now.closes_at_ms === undefined) return undefined;
  return timeMs >= now.opens_at_ms && timeMs < now.closes_at_ms ? now.closes_at_ms : undefined;
};

/** When trading next begins, or begins again, after `timeMs`; `undefined` where the calendar does not know. */
export const nextOpenMs = (calendar: Calendar, timeMs: number, options: SessionOptions = {}): number | undefined => {
  const now = sessionAt(calendar, timeMs, options);
  return now.ok ? now.next_open_ms : undefined;
};

/** Dates of trading from `from` to `until` (`YYYY-MM-DD`), both included. Refused with CALENDAR_HORIZON when the calendar does not know all of them. */
export const tradingDaysBetween = (calendar: Calendar, from: string, until: string): { readonly ok: true; readonly days: readonly string[] } | HorizonRefusal => {
  const [first, last] = [dayNumber(from), dayNumber(until)];
  if (!(first >= dayNumber(calendar.from)) || !(last <= dayNumber(calendar.until))) return beyond(calendar, `${from} to ${until}`);
  const days: string[] = [];
  for (let day = first; day <= last; day += 1) {
    const plan = planOf(calendar, day);
    if (plan.phases.some(({ state }) => state === 'open')) days.push(plan.date);
  }
  return { ok: true, days };
};
