import { describe, expect, it } from '@jest/globals';
import { ALWAYS_OPEN, closesAtMs, isOpen, localTime, minuteOf, SESSIONS, tradingDay, US_EQUITIES, type Session } from './session.ts';

const utc = (text: string): number => Date.parse(`${text}Z`);
const MINUTE_MS = 60_000;
const NEW_YORK = 'America/New_York';

/** First and last instant of trading, and the instants on either side. */
const expectOpenBetween = (session: Session, open: string, close: string): void => {
  expect([utc(open) - 1, utc(open), utc(close) - 1, utc(close)].map((timeMs) => isOpen(session, timeMs))).toEqual([false, true, true, false]);
};

describe('a session of US equities', () => {
  it('opens with the minute of the opening and closes with the minute of the close', () => {
    expectOpenBetween(US_EQUITIES, '2013-10-08T13:30:00', '2013-10-08T20:00:00');
  });

  it.each([
    ['Friday before the spring change of 2013', '2013-03-08T14:30:00', '2013-03-08T21:00:00'],
    ['Monday after it', '2013-03-11T13:30:00', '2013-03-11T20:00:00'],
    ['Friday before the autumn change of 2013', '2013-11-01T13:30:00', '2013-11-01T20:00:00'],
    ['Monday after it', '2013-11-04T14:30:00', '2013-11-04T21:00:00'],
    ['Friday before the spring change of 2026', '2026-03-06T14:30:00', '2026-03-06T21:00:00'],
    ['Monday after it', '2026-03-09T13:30:00', '2026-03-09T20:00:00'],
    ['Friday before the autumn change of 2026', '2026-10-30T13:30:00', '2026-10-30T20:00:00'],
    ['Monday after it', '2026-11-02T14:30:00', '2026-11-02T21:00:00'],
  ])('keeps New York’s time: %s', (_what, open, close) => {
    expectOpenBetween(US_EQUITIES, open, close);
  });

  it('is closed at the weekend, by New York’s weekday', () => {
    expect(isOpen(US_EQUITIES, utc('2013-10-05T15:00:00'))).toBe(false);
    expect(isOpen(US_EQUITIES, utc('2013-10-06T15:00:00'))).toBe(false);
    const late: Session = { ...US_EQUITIES, open: '18:00', close: '23:59' };
    // Saturday 00:30 UTC is Friday evening there.
    expect(isOpen(late, utc('2013-10-05T00:30:00'))).toBe(true);
    expect(isOpen(late, utc('2013-10-06T00:30:00'))).toBe(false);
  });

  it('is closed on a holiday, all of the local day', () => {
    const session: Session = { ...US_EQUITIES, holidays: ['2013-11-28'] };
    expect(isOpen(session, utc('2013-11-28T15:00:00'))).toBe(false);
    expect(isOpen(session, utc('2013-11-27T15:00:00'))).toBe(true);
    expect(closesAtMs(session, utc('2013-11-28T15:00:00'))).toBeUndefined();
  });

  it('closes early where the calendar says so, and never later than usual', () => {
    const session: Session = { ...US_EQUITIES, early_closes: { '2013-11-29': '13:00', '2013-12-02': '23:00' } };
    expectOpenBetween(session, '2013-11-29T14:30:00', '2013-11-29T18:00:00');
    expect(closesAtMs(session, utc('2013-11-29T15:10:20'))).toBe(utc('2013-11-29T18:00:00'));
    expectOpenBetween(session, '2013-12-02T14:30:00', '2013-12-02T21:00:00');
  });
});

describe('the close of the session now open', () => {
  it('is the same from its first to its last instant', () => {
    for (const at of ['2013-10-08T13:30:00', '2013-10-08T15:45:30.500', '2013-10-08T19:59:59.999']) expect(closesAtMs(US_EQUITIES, utc(at))).toBe(utc('2013-10-08T20:00:00'));
    expect(closesAtMs(US_EQUITIES, utc('2013-10-08T20:00:00'))).toBeUndefined();
    expect(closesAtMs(ALWAYS_OPEN, utc('2013-10-08T15:00:00'))).toBe(utc('2013-10-09T00:00:00'));
  });

  it.each([
    ['23 hours', '2013-03-10T05:30:00', '2013-03-11T04:00:00'],
    ['25 hours', '2013-11-03T04:30:00', '2013-11-04T05:00:00'],
    ['25 hours, after the change', '2013-11-03T06:30:00', '2013-11-04T05:00:00'],
  ])('is the local midnight of a day of %s', (_what, at, close) => {
    expect(closesAtMs({ ...ALWAYS_OPEN, time_zone: NEW_YORK }, utc(at))).toBe(utc(close));
  });
});

describe('what cannot be read is closed', () => {
  it.each<readonly [string, Partial<Session>]>([
    ['an opening in words', { open: 'nine' }], ['no opening', { open: '' }], ['hour 24 and a minute', { close: '24:01' }], ['one digit', { open: '9:30' }], ['seconds', { close: '16:00:00' }],
    ['minute 60', { open: '09:60' }], ['spaces', { open: ' 09:30' }], ['an unknown zone', { time_zone: 'America/Nowhere' }], ['no zone', { time_zone: '' }], ['no days', { days: [] }],
    ['an early close in words', { early_closes: { '2013-10-08': 'noon' } }], ['a close before the opening', { open: '16:00', close: '09:30' }],
  ])('%s', (_what, changes) => {
    const at = utc('2013-10-08T15:00:00');
    expect(isOpen(US_EQUITIES, at)).toBe(true);
    expect(isOpen({ ...US_EQUITIES, ...changes }, at)).toBe(false);
    expect(closesAtMs({ ...US_EQUITIES, ...changes }, at)).toBeUndefined();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300])('the instant %s', (timeMs) => {
    expect(isOpen(ALWAYS_OPEN, timeMs)).toBe(false);
  });

  it('reads minutes of the day and nothing else', () => {
    expect(['00:00', '09:30', '23:59', '24:00'].map(minuteOf)).toEqual([0, 570, 1439, 1440]);
    for (const clock of ['24:30', '9:30', '', '0930', '-1:00', '12:5']) expect(minuteOf(clock)).toBeNaN();
  });
});

describe('the trading day', () => {
  it('is the next date’s from the roll on, weekends and ends of years included', () => {
    expect(tradingDay(NEW_YORK, '17:00', utc('2013-10-08T20:59:59.999'))).toBe('2013-10-08');
    expect(tradingDay(NEW_YORK, '17:00', utc('2013-10-08T21:00:00'))).toBe('2013-10-09');
    expect(tradingDay(NEW_YORK, '17:00', utc('2013-12-31T22:00:00'))).toBe('2014-01-01');
    expect(tradingDay(NEW_YORK, '17:00', utc('2012-02-28T22:00:00'))).toBe('2012-02-29');
  });

  it('rolls by the local clock through a change of the clocks', () => {
    expect(tradingDay(NEW_YORK, '17:00', utc('2013-03-08T21:59:59'))).toBe('2013-03-08');
    expect(tradingDay(NEW_YORK, '17:00', utc('2013-03-11T20:59:59'))).toBe('2013-03-11');
    expect(tradingDay(NEW_YORK, '17:00', utc('2013-03-11T21:00:00'))).toBe('2013-03-12');
  });

  it('is the date itself where it rolls at midnight', () => {
    for (const midnight of ['00:00', '24:00']) {
      expect(tradingDay('UTC', midnight, utc('2013-10-08T00:00:00'))).toBe('2013-10-08');
      expect(tradingDay('UTC', midnight, utc('2013-10-08T23:59:59.999'))).toBe('2013-10-08');
    }
  });

  it('never goes back as time goes on', () => {
    for (const roll of ['00:00', '00:01', '17:00', '24:00']) {
      let last = '';
      for (let timeMs = utc('2013-10-31T00:00:00'); timeMs < utc('2013-11-05T00:00:00'); timeMs += 30 * MINUTE_MS) {
        const day = tradingDay(NEW_YORK, roll, timeMs);
        expect(day >= last).toBe(true);
        last = day;
      }
    }
  });

  it('is not guessed from what cannot be read', () => {
    expect(() => tradingDay(NEW_YORK, '5pm', 0)).toThrow(RangeError);
    expect(() => tradingDay('America/Nowhere', '17:00', 0)).toThrow(RangeError);
    expect(() => tradingDay(NEW_YORK, '17:00', Number.NaN)).toThrow(RangeError);
  });
});

describe('local time', () => {
  it('knows date, weekday and minute on both sides of midnight and of 1970', () => {
    expect(localTime(NEW_YORK, utc('2013-10-08T03:59:59.999'))).toEqual({ date: '2013-10-07', weekday: 1, minuteOfDay: 1439 });
    expect(localTime(NEW_YORK, utc('2013-10-08T04:00:00'))).toEqual({ date: '2013-10-08', weekday: 2, minuteOfDay: 0 });
    expect(localTime('UTC', -1)).toEqual({ date: '1969-12-31', weekday: 3, minuteOfDay: 1439 });
    expect(localTime('Asia/Kolkata', utc('2026-01-01T18:30:00'))).toEqual({ date: '2026-01-02', weekday: 5, minuteOfDay: 0 });
    expect(localTime('Asia/Kathmandu', utc('2026-01-01T18:15:00'))).toEqual({ date: '2026-01-02', weekday: 5, minuteOfDay: 0 });
  });

  it('changes within the minute of the change', () => {
    expect(localTime(NEW_YORK, utc('2013-11-03T05:59:59'))).toMatchObject({ minuteOfDay: 119 });
    expect(localTime(NEW_YORK, utc('2013-11-03T06:00:00'))).toMatchObject({ minuteOfDay: 60 });
    expect(localTime(NEW_YORK, utc('2013-03-10T06:59:59'))).toMatchObject({ minuteOfDay: 119 });
    expect(localTime(NEW_YORK, utc('2013-03-10T07:00:00'))).toMatchObject({ minuteOfDay: 180 });
  });
});

describe('the sessions that come with the product', () => {
  it('are found by their names and can be read', () => {
    for (const [name, session] of Object.entries(SESSIONS)) {
      expect(session.name).toBe(name);
      expect(minuteOf(session.open)).toBeLessThan(minuteOf(session.close));
    }
  });

  it('always means at any time', () => {
    for (const at of ['2013-10-05T00:00:00', '2013-10-06T23:59:59.999', '2026-01-01T12:00:00']) expect(isOpen(ALWAYS_OPEN, utc(at))).toBe(true);
  });
});
