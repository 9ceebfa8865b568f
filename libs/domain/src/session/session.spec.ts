import { describe, expect, it } from '@jest/globals';
import { HOURS_ALWAYS, HOURS_US } from '../testing/sessions.ts';
import { clockOf, dayNumber, localTime, minuteOf, wallText } from './local-time.ts';
import { isOpen, sessionOn, tradingDay, type Session } from './session.ts';

const utc = (text: string): number => Date.parse(`${text}Z`);
const MINUTE_MS = 60_000;
const NEW_YORK = 'America/New_York';

/** First and last instant of trading, and the instants on either side. */
const expectOpenBetween = (session: Session, open: string, close: string): void => {
  expect([utc(open) - 1, utc(open), utc(close) - 1, utc(close)].map((timeMs) => isOpen(session, timeMs))).toEqual([false, true, true, false]);
};

describe('a session of US equities', () => {
  it('opens with the minute of the opening and closes with the minute of the close', () => {
    expectOpenBetween(HOURS_US, '2013-10-08T13:30:00', '2013-10-08T20:00:00');
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
    expectOpenBetween(HOURS_US, open, close);
  });

  it('is closed at the weekend, by New York’s weekday', () => {
    expect(isOpen(HOURS_US, utc('2013-10-05T15:00:00'))).toBe(false);
    expect(isOpen(HOURS_US, utc('2013-10-06T15:00:00'))).toBe(false);
    const late: Session = { ...HOURS_US, open: '18:00', close: '23:59' };
    // Saturday 00:30 UTC is Friday evening there.
    expect(isOpen(late, utc('2013-10-05T00:30:00'))).toBe(true);
    expect(isOpen(late, utc('2013-10-06T00:30:00'))).toBe(false);
  });

  it('is closed on a holiday, all of the local day', () => {
    const session: Session = { ...HOURS_US, holidays: ['2013-11-28'] };
    expect(isOpen(session, utc('2013-11-28T15:00:00'))).toBe(false);
    expect(isOpen(session, utc('2013-11-27T15:00:00'))).toBe(true);
  });

  it('closes early where the calendar says so, and never later than usual', () => {
    const session: Session = { ...HOURS_US, early_closes: { '2013-11-29': '13:00', '2013-12-02': '23:00' } };
    expectOpenBetween(session, '2013-11-29T14:30:00', '2013-11-29T18:00:00');
    expectOpenBetween(session, '2013-12-02T14:30:00', '2013-12-02T21:00:00');
  });
});

describe('what cannot be read is closed', () => {
  it.each<readonly [string, Partial<Session>]>([
    ['an opening in words', { open: 'nine' }], ['no opening', { open: '' }], ['hour 24 and a minute', { close: '24:01' }], ['one digit', { open: '9:30' }], ['seconds', { close: '16:00:00' }],
    ['minute 60', { open: '09:60' }], ['spaces', { open: ' 09:30' }], ['an unknown zone', { time_zone: 'America/Nowhere' }], ['no zone', { time_zone: '' }], ['no days', { days: [] }],
    ['an early close in words', { early_closes: { '2013-10-08': 'noon' } }], ['a close before the opening', { open: '16:00', close: '09:30' }],
  ])('%s', (_what, changes) => {
    const at = utc('2013-10-08T15:00:00');
    expect(isOpen(HOURS_US, at)).toBe(true);
    expect(isOpen({ ...HOURS_US, ...changes }, at)).toBe(false);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300])('the instant %s', (timeMs) => {
    expect(isOpen(HOURS_ALWAYS, timeMs)).toBe(false);
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

describe('the clock of a local day', () => {
  const clockText = (zone: string, date: string, minutes: number): string => new Date(clockOf(zone, dayNumber(date))(minutes)).toISOString().slice(0, 16);

  it('gives the instant of a wall time, of the evening before and of the day after', () => {
    expect([-420, 0, 570, 1440, 1500].map((minutes) => clockText(NEW_YORK, '2013-10-08', minutes))).toEqual([
      '2013-10-07T21:00', '2013-10-08T04:00', '2013-10-08T13:30', '2013-10-09T04:00', '2013-10-09T05:00']);
  });

  it('takes the first of two times and moves on one that is not there', () => {
    expect([59, 60, 119, 120, 179, 180].map((minutes) => clockText(NEW_YORK, '2013-11-03', minutes))).toEqual([
      '2013-11-03T04:59', '2013-11-03T05:00', '2013-11-03T05:59', '2013-11-03T07:00', '2013-11-03T07:59', '2013-11-03T08:00']);
    expect([119, 120, 150, 180].map((minutes) => clockText(NEW_YORK, '2013-03-10', minutes))).toEqual(['2013-03-10T06:59', '2013-03-10T07:00', '2013-03-10T07:30', '2013-03-10T07:00']);
  });

  it('agrees with local time on every quarter of an hour of a year, in zones that change and that do not', () => {
    for (const zone of [NEW_YORK, 'Europe/London', 'Asia/Kolkata', 'Australia/Lord_Howe']) {
      let wrong = 0;
      for (let timeMs = utc('2024-01-01T00:00:00'); timeMs < utc('2025-01-01T00:00:00'); timeMs += 15 * MINUTE_MS) {
        const { date, minuteOfDay } = localTime(zone, timeMs);
        const back = clockOf(zone, dayNumber(date))(minuteOfDay);
        // The second of two equal wall times comes back as the first.
        if (back !== timeMs && timeMs - back !== 60 * MINUTE_MS && timeMs - back !== 30 * MINUTE_MS) wrong += 1;
      }
      expect([zone, wrong]).toEqual([zone, 0]);
    }
  });

  it('is no number for a zone or a date that there is not', () => {
    expect(clockOf('America/Nowhere', 0)(0)).toBeNaN();
    for (const date of ['2013-02-29', '2013-13-01', 'tomorrow', '', '2013-1-1']) expect(dayNumber(date)).toBeNaN();
  });

  it('is written for people', () => {
    expect(wallText(NEW_YORK, utc('2013-11-29T14:30:00'))).toBe('2013-11-29 09:30');
    expect(wallText('UTC', utc('2013-11-29T14:30:05.999'))).toBe('2013-11-29 14:30:05');
  });
});

it('keeps of hours what decides about a day', () => {
  const session: Session = { ...HOURS_US, holidays: ['2013-11-28', '2013-12-25'], early_closes: { '2013-11-29': '13:00', '2013-12-24': '13:00' } };
  expect(sessionOn(session, utc('2013-11-29T15:00:00'))).toEqual({ ...HOURS_US, early_closes: { '2013-11-29': '13:00' } });
  expect(sessionOn(session, utc('2013-11-28T15:00:00'))).toEqual({ ...HOURS_US, holidays: ['2013-11-28'] });
});
