import { dayNumber } from '@tallystick/domain';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Calendar, PhaseState } from './calendar.ts';
import { XNYS } from './data/us.ts';
import { FX } from './data/round-the-clock.ts';
import { XTKS } from './data/tokyo.ts';
import { CMES } from './data/cme.ts';
import { evolveHalts, type Halt } from './halts.ts';
import { horizonOf, minutesOf } from './plan.ts';
import { closesAtMs, isOpen, nextOpenMs, sessionAt, tradingDaysBetween } from './session-at.ts';
import { CALENDARS } from './sessions.ts';
import { nowAt, stateAt, text, utc } from './testing/calendars.ts';

const EXTENDED: readonly PhaseState[] = ['pre', 'open', 'post'];

/** Throws with what was asked: hundreds of thousands of these are checked, and Jest's own matchers would take minutes. */
const must = (holds: boolean, what: string, ...about: readonly unknown[]): void => {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(about)}`);
};

describe.each(CALENDARS.map((calendar) => [calendar.name, calendar] as const))('%s, at any instant that it knows', (_name, calendar) => {
  const horizon = horizonOf(calendar);
  const last = Math.min(horizon.until_ms, utc('2029-01-02T00:00'));
  // Instants near boundaries are where mistakes are: half of them lie within two minutes of a quarter of an hour.
  const instants = fc.tuple(fc.integer({ min: horizon.from_ms, max: last - 1 }), fc.option(fc.integer({ min: -120_000, max: 120_000 }), { nil: undefined }))
    .map(([at, near]) => (near === undefined ? at : Math.floor(at / 900_000) * 900_000 + near)).filter((at) => at >= horizon.from_ms && at < last);
  const asked = fc.tuple(instants, fc.constantFrom<readonly PhaseState[]>(['open'], EXTENDED));
  const trading = (at: number, trades: readonly PhaseState[]): string => {
    const now = sessionAt(calendar, at, { trades });
    return now.ok && now.state !== 'closed' && trades.includes(now.state) ? `open ${now.trading_day ?? ''}` : 'closed';
  };

  it('its state changes at the boundaries that it reports, and nowhere between', () => {
    fc.assert(fc.property(asked, fc.double({ min: 0, max: 1, noNaN: true }), ([at, trades], part) => {
      const now = sessionAt(calendar, at, { trades });
      if (!now.ok) throw new Error(now.detail);
      const { since_ms: since, until_ms: until } = now;
      must(at >= since && at < until, 'lies outside its own bounds', at, now);
      for (const same of [since, Math.floor(since + part * (until - 1 - since)), until - 1]) {
        must(JSON.stringify({ ...sessionAt(calendar, same, { trades }), why: '' }) === JSON.stringify({ ...now, why: '' }), 'differs within its bounds', at, same, now);
      }
      for (const other of [since - 1, until]) {
        const there = sessionAt(calendar, other, { trades });
        must(there.ok ? there.state !== now.state || there.trading_day !== now.trading_day : other < horizon.from_ms || other >= horizon.until_ms, 'is the same beyond its bounds', at, other, now);
      }
    }), { numRuns: 300 });
  });

  it('it opens at the next opening and at none before, and its close is the first instant of not trading that day', () => {
    fc.assert(fc.property(asked, fc.double({ min: 0, max: 1, noNaN: true }), ([at, trades], part) => {
      const now = sessionAt(calendar, at, { trades });
      if (!now.ok) throw new Error(now.detail);
      const { next_open_ms: next, opens_at_ms: opens, closes_at_ms: closes } = now;
      const here = trading(at, trades);
      if (next !== undefined) {
        must(next > at && trading(next, trades) !== 'closed', 'does not open when it says', at, now);
        must(trading(next - 1, trades) !== trading(next, trades), 'opens where it was open', at, now);
        must(here !== 'closed' || trading(Math.floor(at + part * (next - 1 - at)), trades) === 'closed', 'opens before it says', at, now);
      }
      if (opens === undefined || closes === undefined) return;
      must(opens < closes && trading(opens, trades) !== 'closed' && trading(opens, trades) === trading(closes - 1, trades), 'does not trade from its opening to its close', at, now);
      must(trading(closes, trades) !== trading(closes - 1, trades), 'trades on after its close', at, now);
      must(here === 'closed' || (at >= opens && at < closes), 'trades outside its hours', at, now);
    }), { numRuns: 300 });
  });

  it('its data is well formed: phases in order within a day and a day before, rules of real dates, hours for every day', () => {
    expect([dayNumber(calendar.from), dayNumber(calendar.until), dayNumber(calendar.until) - dayNumber(calendar.from) > 365].every((one) => one !== false && !Number.isNaN(one))).toBe(true);
    expect((calendar.hours[0]?.from ?? '9') <= calendar.from).toBe(true);
    expect(calendar.hours.map(({ from }) => from)).toEqual(calendar.hours.map(({ from }) => from).sort());
    for (const phases of [...calendar.hours.map((hours) => hours.phases), ...calendar.rules.flatMap(({ effect }) => (effect.kind === 'special' ? [effect.phases] : []))]) {
      const minutes = phases.flatMap(({ from, until }) => [minutesOf(from), minutesOf(until)]);
      expect(minutes).toEqual([...minutes].sort((a, b) => a - b));
      expect(minutes.every((minute) => minute >= -1440 && minute <= 1440)).toBe(true);
    }
    for (const { on, name } of calendar.rules) if (on.kind === 'dates') expect([name, on.dates.filter((date) => Number.isNaN(dayNumber(date)) || date < calendar.from || date > calendar.until)]).toEqual([name, []]);
  });
});

describe('the horizon', () => {
  it.each([
    ['before the first day', XNYS, '2010-01-01T04:59:59.999', '2010-01-01T05:00', 'closed'],
    ['before the first day of a market of the evening', FX, '2010-01-01T04:59:59.999', '2010-01-01T05:00', 'closed'],
    ['after the last day', XNYS, '2028-12-31T00:00', '2029-01-01T05:00', 'CALENDAR_HORIZON'],
    ['after the last afternoon of a market of the evening', CMES, '2026-12-31T22:59:59.999', '2026-12-31T23:00', 'CALENDAR_HORIZON'],
  ])('%s', (_where, calendar, last, first, state) => {
    expect([stateAt(calendar, last) === 'CALENDAR_HORIZON', stateAt(calendar, first)]).toEqual([state !== 'CALENDAR_HORIZON', state]);
  });

  it('is told with what the calendar knows and what to do', () => {
    expect(sessionAt(XNYS, utc('2029-02-03T15:00'))).toEqual({
      ok: false, code: 'CALENDAR_HORIZON', remedy: expect.stringContaining('docs/calendars.md'),
      detail: 'calendar XNYS 2026.1 answers from 2010-01-01 to 2028-12-31, not for 2029-02-03; what it does not know is not assumed open',
    });
  });

  it('is never assumed open', () => {
    for (const at of [utc('2009-12-31T15:00'), utc('2029-01-02T15:00'), Number.NaN, Number.POSITIVE_INFINITY, -8.64e15, 8.64e15]) {
      expect([isOpen(XNYS, at), closesAtMs(XNYS, at), nextOpenMs(XNYS, at)]).toEqual([false, undefined, undefined]);
      expect(sessionAt(XNYS, at)).toMatchObject({ ok: false, code: 'CALENDAR_HORIZON' });
    }
  });

  it('leaves the next opening out where it lies beyond', () => {
    expect(nowAt(XNYS, '2028-12-29T20:00')).toMatchObject({ state: 'open', closes_at_ms: utc('2028-12-29T21:00') });
    expect(nowAt(XNYS, '2028-12-30T20:00')).toEqual({ ok: true, state: 'closed', since_ms: utc('2028-12-30T01:00'), until_ms: utc('2029-01-01T05:00'), why: 'weekend' });
  });

  it('holds for trading days too', () => {
    expect(tradingDaysBetween(XNYS, '2024-12-23', '2025-01-10')).toEqual({ ok: true, days: [
      '2024-12-23', '2024-12-24', '2024-12-26', '2024-12-27', '2024-12-30', '2024-12-31', '2025-01-02', '2025-01-03', '2025-01-06', '2025-01-07', '2025-01-08', '2025-01-10'] });
    for (const [from, until] of [['2009-12-31', '2010-01-04'], ['2028-12-29', '2029-01-02'], ['soon', '2024-01-01'], ['2024-01-01', 'later']] as const) expect(tradingDaysBetween(XNYS, from, until)).toMatchObject({ ok: false, code: 'CALENDAR_HORIZON' });
  });
});

describe('why a market is not open', () => {
  it.each<readonly [string, Calendar, string, string | undefined]>([
    ['it is', XNYS, '2024-07-03T15:00', undefined],
    ['a holiday', XNYS, '2024-07-04T15:00', 'Independence Day'],
    ['a weekend', XNYS, '2024-07-06T15:00', 'weekend'],
    ['the morning before', XNYS, '2024-07-05T12:00', 'before the opening'],
    ['an evening', XNYS, '2024-07-05T21:00', 'after the close'],
    ['a night', XNYS, '2024-07-08T06:00', 'outside its trading hours'],
    ['after an early close', XNYS, '2024-07-03T21:30', 'early close, Eve of Independence Day'],
    ['an early halt of futures', CMES, '2024-05-27T18:00', 'early close, Memorial Day'],
    ['the daily break of futures', CMES, '2024-05-28T21:30', 'outside its trading hours'],
    ['the daily halt of futures', CMES, '2021-06-25T20:20', 'daily trading halt'],
    ['lunch', XTKS, '2024-06-03T02:45', 'lunch break'],
  ])('%s', (_what, calendar, at, why) => {
    expect(nowAt(calendar, at).why).toBe(why);
  });
});

describe('halts', () => {
  const halt = (id: string, from: string, until?: string): Halt => ({ halt_id: id, from_ms: utc(from), reason: 'news pending', ...(until === undefined ? {} : { until_ms: utc(until) }) });
  const at = (when: string, ...halts: readonly Halt[]) => {
    const now = sessionAt(XNYS, utc(when), { halts });
    if (!now.ok) throw new Error(now.detail);
    return now;
  };

  it('stop trading from their first instant to their last', () => {
    const one = halt('a', '2024-06-03T15:00', '2024-06-03T15:10');
    expect(['14:59:59.999', '15:00', '15:09:59.999', '15:10'].map((time) => at(`2024-06-03T${time}`, one).state)).toEqual(['open', 'halted', 'halted', 'open']);
    expect(at('2024-06-03T15:05', one)).toMatchObject({ since_ms: one.from_ms, until_ms: one.until_ms, next_open_ms: one.until_ms, why: 'news pending', trading_day: '2024-06-03' });
    expect(at('2024-06-03T14:30', one).until_ms).toBe(one.from_ms);
    expect(at('2024-06-03T15:30', one).since_ms).toBe(one.until_ms);
  });

  it('without an end leave the next opening unknown', () => {
    const now = at('2024-06-03T15:05', halt('a', '2024-06-03T15:00'));
    expect([now.state, now.next_open_ms, text(now.until_ms)]).toEqual(['halted', undefined, '2024-06-03T20:00']);
    expect(at('2024-06-03T22:00', halt('a', '2024-06-03T15:00')).next_open_ms).toBeUndefined();
  });

  it('over the close, and one upon the other, move the next opening on', () => {
    expect(text(at('2024-06-03T19:55', halt('a', '2024-06-03T19:50', '2024-06-03T20:30')).next_open_ms)).toBe('2024-06-04T13:30');
    expect(text(at('2024-06-03T15:00', halt('a', '2024-06-03T15:00', '2024-06-03T15:10'), halt('b', '2024-06-03T15:10', '2024-06-03T15:20')).next_open_ms)).toBe('2024-06-03T15:20');
    expect(text(at('2024-06-03T22:00', halt('a', '2024-06-04T13:00', '2024-06-04T14:00')).next_open_ms)).toBe('2024-06-04T14:00');
  });

  it('open nothing that is closed', () => {
    expect(at('2024-06-02T15:00', halt('a', '2024-06-02T00:00', '2024-06-02T20:00')).state).toBe('closed');
  });

  it('are folded from their events, in any repetition', () => {
    const events = [
      { type: 'TradingHalted', data: halt('a', '2024-06-03T15:00') }, { type: 'TradingHalted', data: halt('b', '2024-06-03T16:00', '2024-06-03T17:00') },
      { type: 'TradingResumed', data: { halt_id: 'a', at_ms: utc('2024-06-03T15:10') } }, { type: 'TradingResumed', data: { halt_id: 'a', at_ms: utc('2024-06-03T15:20') } },
      { type: 'TradingResumed', data: { halt_id: 'unknown', at_ms: 0 } },
    ] as const;
    const folded = events.reduce<readonly Halt[]>(evolveHalts, []);
    expect(folded).toEqual([halt('a', '2024-06-03T15:00', '2024-06-03T15:10'), halt('b', '2024-06-03T16:00', '2024-06-03T17:00')]);
    expect(evolveHalts(folded, { type: 'TradingHalted', data: halt('b', '2024-06-03T16:00', '2024-06-03T18:00') })).toHaveLength(2);
  });
});

it('closesAtMs is the end of the trading that is on', () => {
  expect(['2024-07-03T13:00', '2024-07-03T13:30', '2024-07-03T16:59:59', '2024-07-03T17:00'].map((when) => text(closesAtMs(XNYS, utc(when))))).toEqual(['', '2024-07-03T17:00', '2024-07-03T17:00', '']);
  expect(text(closesAtMs(XNYS, utc('2024-07-02T23:00'), { trades: EXTENDED }))).toBe('2024-07-03T00:00');
  expect(text(closesAtMs(XTKS, utc('2024-11-05T02:45')))).toBe('2024-11-05T06:30');
});
