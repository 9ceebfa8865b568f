import { dateText, dayNumber, isoWeekday } from '@tallystick/domain';
import { describe, expect, it } from '@jest/globals';
import { planOf } from '../plan.ts';
import { datesFrom, hoursOn, nowAt, phasesOn, stateAt, text, utc, weekdayOf } from '../testing/calendars.ts';
import { CMEG, CMES } from './cme.ts';
import { XETR, XLON, XPAR } from './europe.ts';
import { XHKG } from './hong-kong.ts';
import { XNSE } from './india.ts';
import { ALWAYS, CRYPTO, FX } from './round-the-clock.ts';
import { XTKS } from './tokyo.ts';
import type { Calendar } from '../calendar.ts';

/** Weekdays without trading, and days of shorter hours with their last close in UTC. */
const closedOf = (calendar: Calendar, year: number): string => datesFrom(`${year}-01-01`, `${year}-12-31`).filter((date) => weekdayOf(date) <= 5 && hoursOn(calendar, date) === 'closed').map((date) => date.slice(5)).join(' ');
const shortOf = (calendar: Calendar, year: number): string =>
  datesFrom(`${year}-01-01`, `${year}-12-31`).filter((date) => planOf(calendar, dayNumber(date)).rule?.effect.kind === 'close_early').map((date) => `${date.slice(5)} ${hoursOn(calendar, date).slice(-5)}`).join(' ');

describe('FX', () => {
  it('trades from the evening before to 17:00 New York on every weekday from 2010 to 2028 but Christmas and New Year’s Day', () => {
    const wrong = datesFrom('2010-01-01', '2028-12-31').filter((date) => {
      const trades = weekdayOf(date) <= 5 && !['01-01', '12-25'].includes(date.slice(5));
      return (hoursOn(FX, date) !== 'closed') !== trades;
    });
    expect(wrong).toEqual([]);
    expect(hoursOn(FX, '2024-03-11')).toBe('2024-03-10T21:00 2024-03-11T21:00');
    expect(hoursOn(FX, '2024-01-02')).toBe('2024-01-01T22:00 2024-01-02T22:00');
  });

  it('is open from Sunday evening to Friday evening without a gap, and the days change at 17:00', () => {
    expect(['2024-05-03T20:59:59', '2024-05-03T21:00', '2024-05-04T12:00', '2024-05-05T20:59:59', '2024-05-05T21:00', '2024-05-06T20:59:59', '2024-05-06T21:00'].map((at) => `${stateAt(FX, at)} ${nowAt(FX, at).trading_day ?? ''}`))
      .toEqual(['open 2024-05-03', 'closed 2024-05-06', 'closed 2024-05-06', 'closed 2024-05-06', 'open 2024-05-06', 'open 2024-05-06', 'open 2024-05-07']);
  });

  it('is closed over Christmas from 17:00 to 17:00, and says so in the evening', () => {
    expect(['2024-12-24T21:59:59', '2024-12-24T22:00', '2024-12-25T21:59:59', '2024-12-25T22:00'].map((at) => stateAt(FX, at))).toEqual(['open', 'closed', 'closed', 'open']);
    expect([nowAt(FX, '2024-12-24T23:00').why, nowAt(FX, '2024-12-25T12:00').why, nowAt(FX, '2024-12-27T23:00').why]).toEqual(['Christmas Day', 'Christmas Day', 'weekend']);
    // A Christmas on a Sunday is not moved.
    expect(stateAt(FX, '2022-12-26T12:00')).toBe('open');
  });

  it('answers for the evening of the last day of 2028, and no further', () => {
    expect(stateAt(FX, '2028-12-31T23:59:59')).toBe('closed');
    expect(stateAt(FX, '2029-01-01T22:00')).toBe('CALENDAR_HORIZON');
    expect(stateAt(FX, '2010-01-01T04:59:59')).toBe('CALENDAR_HORIZON');
    expect(stateAt(FX, '2010-01-01T05:00')).toBe('closed');
  });
});

it.each([CRYPTO, ALWAYS])('$name never closes; its days are those of UTC', (calendar) => {
  for (const at of ['1970-01-01T00:00', '2013-10-05T00:00', '2013-10-06T23:59:59', '2026-01-01T12:00', '2024-02-29T00:00']) expect(stateAt(calendar, at)).toBe('open');
  expect(nowAt(calendar, '2013-10-05T12:00')).toMatchObject({ trading_day: '2013-10-05', closes_at_ms: utc('2013-10-06T00:00'), next_open_ms: utc('2013-10-06T00:00') });
});

describe('CME Globex', () => {
  it('trades from 17:00 the day before to 16:00 in Chicago, and rests for an hour', () => {
    expect(['2024-05-05T21:59:59', '2024-05-05T22:00', '2024-05-06T20:59:59', '2024-05-06T21:00', '2024-05-06T21:59:59', '2024-05-06T22:00', '2024-05-10T21:00', '2024-05-11T12:00'].map((at) => stateAt(CMES, at)))
      .toEqual(['closed', 'open', 'open', 'closed', 'closed', 'open', 'closed', 'closed']);
    expect(nowAt(CMES, '2024-05-06T22:00').trading_day).toBe('2024-05-07');
  });

  it('halted equity index futures for a quarter of an hour until June 2021', () => {
    expect(phasesOn(CMES, '2021-06-25')).toBe('open 22:00-20:15 halted 20:15-20:30 open 20:30-21:00');
    expect(phasesOn(CMES, '2021-06-28')).toBe('open 22:00-21:00');
  });

  it('halts early on US holidays, as CME published for 2024, and is closed on three days', () => {
    expect(closedOf(CMES, 2024)).toBe('01-01 03-29 12-25');
    expect(shortOf(CMES, 2024)).toBe('01-15 18:00 02-19 18:00 05-27 17:00 06-19 17:00 07-03 17:15 07-04 17:00 09-02 17:00 11-28 18:00 11-29 18:15 12-24 18:15');
    expect(shortOf(CMES, 2025)).toContain('01-09 14:30');
    expect(closedOf(CMES, 2021)).toBe('01-01 12-24');
    expect(closedOf(CMES, 2022)).toBe('04-15 12-26');
  });

  it('trades equity index futures to 08:15 on the Good Fridays of a jobs report', () => {
    expect(['2021-04-02', '2022-04-15', '2023-04-07', '2024-03-29', '2025-04-18', '2026-04-03'].map((date) => hoursOn(CMES, date).slice(-6))).toEqual(['T13:15', 'closed', 'T13:15', 'closed', 'closed', 'T13:15']);
    expect(hoursOn(CMEG, '2026-04-03')).toBe('closed');
  });
});

describe('European exchanges', () => {
  it('London: holidays and half days as published', () => {
    expect(closedOf(XLON, 2011)).toBe('01-03 04-22 04-25 04-29 05-02 05-30 08-29 12-26 12-27');
    expect(closedOf(XLON, 2012)).toBe('01-02 04-06 04-09 05-07 06-04 06-05 08-27 12-25 12-26');
    expect(closedOf(XLON, 2020)).toBe('01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28');
    expect(closedOf(XLON, 2021)).toBe('01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28');
    expect(closedOf(XLON, 2022)).toBe('01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27');
    expect(closedOf(XLON, 2023)).toBe('01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26');
    expect(closedOf(XLON, 2026)).toBe('01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28');
    expect([shortOf(XLON, 2022), shortOf(XLON, 2023), shortOf(XLON, 2024)]).toEqual(['12-23 12:30 12-30 12:30', '12-22 12:30 12-29 12:30', '12-24 12:30 12-31 12:30']);
  });

  it('Xetra: holidays as published, Whit Monday and Unity Day only in their years', () => {
    expect(closedOf(XETR, 2013)).toBe('01-01 03-29 04-01 05-01 12-24 12-25 12-26 12-31');
    expect(closedOf(XETR, 2017)).toBe('04-14 04-17 05-01 06-05 10-03 10-31 12-25 12-26');
    expect(closedOf(XETR, 2019)).toBe('01-01 04-19 04-22 05-01 06-10 10-03 12-24 12-25 12-26 12-31');
    expect(closedOf(XETR, 2024)).toBe('01-01 03-29 04-01 05-01 12-24 12-25 12-26 12-31');
    expect(closedOf(XETR, 2027)).toBe('01-01 03-26 03-29 12-24 12-31');
    expect([shortOf(XETR, 2018), shortOf(XETR, 2024)]).toEqual(['12-28 13:00', '12-30 13:00']);
  });

  it('Euronext: six holidays and two half days', () => {
    expect(closedOf(XPAR, 2012)).toBe('04-06 04-09 05-01 12-25 12-26');
    expect(closedOf(XPAR, 2024)).toBe('01-01 03-29 04-01 05-01 12-25 12-26');
    expect([shortOf(XPAR, 2012), shortOf(XPAR, 2022), shortOf(XPAR, 2024)]).toEqual(['12-24 13:00 12-31 13:00', '', '12-24 13:00 12-31 13:00']);
  });
});

describe('Tokyo', () => {
  it('breaks for lunch, an hour and a half until November 2011', () => {
    expect(phasesOn(XTKS, '2011-11-18')).toBe('open 00:00-02:00 lunch 02:00-03:30 open 03:30-06:00');
    expect(phasesOn(XTKS, '2011-11-21')).toBe('open 00:00-02:30 lunch 02:30-03:30 open 03:30-06:00');
    expect(['02:29:59', '02:30', '03:29:59', '03:30'].map((time) => stateAt(XTKS, `2024-06-03T${time}`))).toEqual(['open', 'lunch', 'lunch', 'open']);
    expect(nowAt(XTKS, '2024-06-03T02:45')).toMatchObject({ why: 'lunch break', trading_day: '2024-06-03', next_open_ms: utc('2024-06-03T03:30'), closes_at_ms: utc('2024-06-03T06:00') });
  });

  it('closes half an hour later from 5 November 2024 on', () => {
    // The fourth was a holiday.
    expect(['2024-11-01', '2024-11-04', '2024-11-05'].map((date) => hoursOn(XTKS, date).slice(-5))).toEqual(['06:00', 'losed', '06:30']);
  });

  it('keeps the holidays as published, those of the Olympics and of the enthronement too', () => {
    expect(closedOf(XTKS, 2019)).toBe('01-01 01-02 01-03 01-14 02-11 03-21 04-29 04-30 05-01 05-02 05-03 05-06 07-15 08-12 09-16 09-23 10-14 10-22 11-04 12-31');
    expect(closedOf(XTKS, 2020)).toBe('01-01 01-02 01-03 01-13 02-11 02-24 03-20 04-29 05-04 05-05 05-06 07-23 07-24 08-10 09-21 09-22 10-01 11-03 11-23 12-31');
    expect(closedOf(XTKS, 2021)).toBe('01-01 01-11 02-11 02-23 04-29 05-03 05-04 05-05 07-22 07-23 08-09 09-20 09-23 11-03 11-23 12-31');
    expect(closedOf(XTKS, 2015)).toBe('01-01 01-02 01-12 02-11 04-29 05-04 05-05 05-06 07-20 09-21 09-22 09-23 10-12 11-03 11-23 12-23 12-31');
    expect(closedOf(XTKS, 2026)).toBe('01-01 01-02 01-12 02-11 02-23 03-20 04-29 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23 12-31');
    expect(closedOf(XTKS, 2027)).toBe('01-01 01-11 02-11 02-23 03-22 04-29 05-03 05-04 05-05 07-19 08-11 09-20 09-23 10-11 11-03 11-23 12-31');
  });
});

describe('Hong Kong', () => {
  it('breaks for lunch and trades half days before three holidays', () => {
    expect(phasesOn(XHKG, '2024-06-03')).toBe('open 01:30-04:00 lunch 04:00-05:00 open 05:00-08:00');
    expect(shortOf(XHKG, 2024)).toBe('02-09 04:00 12-24 04:00 12-31 04:00');
    expect(stateAt(XHKG, '2024-02-09T04:30')).toBe('closed');
  });

  it('keeps the general holidays as gazetted', () => {
    expect(closedOf(XHKG, 2022)).toBe('02-01 02-02 02-03 04-05 04-15 04-18 05-02 05-09 06-03 07-01 09-12 10-04 12-26 12-27');
    expect(closedOf(XHKG, 2025)).toBe('01-01 01-29 01-30 01-31 04-04 04-18 04-21 05-01 05-05 07-01 10-01 10-07 10-29 12-25 12-26');
    expect(closedOf(XHKG, 2026)).toBe('01-01 02-17 02-18 02-19 04-03 04-06 04-07 05-01 05-25 06-19 07-01 10-01 10-19 12-25');
  });

  it('lost days and mornings to typhoons and rain', () => {
    for (const date of ['2021-10-13', '2023-07-17', '2023-09-01', '2023-09-08', '2024-09-06']) expect([date, hoursOn(XHKG, date)]).toEqual([date, 'closed']);
    expect(['2021-06-28', '2022-08-25', '2023-10-09'].map((date) => hoursOn(XHKG, date).slice(11, 16))).toEqual(['05:30', '05:00', '06:00']);
    expect(hoursOn(XHKG, '2022-11-02').slice(-5)).toBe('05:55');
  });
});

describe('India', () => {
  it('keeps the holidays of the exchange’s circulars', () => {
    expect(closedOf(XNSE, 2023)).toBe('01-26 03-07 03-30 04-04 04-07 04-14 05-01 06-29 08-15 09-19 10-02 10-24 11-14 11-27 12-25');
    expect(closedOf(XNSE, 2025)).toBe('02-26 03-14 03-31 04-10 04-14 04-18 05-01 08-15 08-27 10-02 10-22 11-05 12-25');
  });

  it('trades for an hour on Diwali, whatever the day', () => {
    expect(['2020-11-14', '2023-11-12', '2024-11-01', '2025-10-21'].map((date) => hoursOn(XNSE, date))).toEqual([
      '2020-11-14T12:45 2020-11-14T13:45', '2023-11-12T12:45 2023-11-12T13:45', '2024-11-01T12:30 2024-11-01T13:30', '2025-10-21T08:15 2025-10-21T09:15']);
  });

  it('trades on some weekends, and made up for a failure in the evening', () => {
    expect(['2020-02-01', '2024-01-20', '2025-02-01', '2026-02-01'].map((date) => hoursOn(XNSE, date).slice(10))).toEqual(['2020-02-01', '2024-01-20', '2025-02-01', '2026-02-01'].map((date) => `T03:45 ${date}T10:00`));
    expect(phasesOn(XNSE, '2024-03-02')).toBe('open 03:45-04:30 open 06:00-07:00');
    expect(['06:10', '10:14:59', '10:15', '11:29:59', '11:30'].map((time) => stateAt(XNSE, `2021-02-24T${time}`))).toEqual(['closed', 'closed', 'open', 'open', 'closed']);
  });
});

describe('the clocks of each zone, the day before and after they change', () => {
  it.each([
    ['FX', FX, '2024-03-08 2024-03-11 2024-11-01 2024-11-04', '22:00 21:00 21:00 22:00'],
    ['CMES', CMES, '2024-03-08 2024-03-11 2024-11-01 2024-11-04', '22:00 21:00 21:00 22:00'],
    ['XLON', XLON, '2024-03-28 2024-04-02 2024-10-25 2024-10-28', '16:30 15:30 15:30 16:30'],
    ['XETR', XETR, '2024-03-28 2024-04-02 2024-10-25 2024-10-28', '16:30 15:30 15:30 16:30'],
    ['XPAR', XPAR, '2011-03-25 2011-03-28 2011-10-28 2011-10-31', '16:30 15:30 15:30 16:30'],
    ['XTKS', XTKS, '2024-03-08 2024-03-11 2024-11-01 2024-11-05', '06:00 06:00 06:00 06:30'],
    ['XHKG', XHKG, '2024-03-08 2024-04-02 2024-10-25 2024-11-04', '08:00 08:00 08:00 08:00'],
    ['XNSE', XNSE, '2024-03-07 2024-04-02 2024-10-25 2024-11-04', '10:00 10:00 10:00 10:00'],
  ])('%s closes by its own wall', (_name, calendar, dates, closes) => {
    expect(dates.split(' ').map((date) => hoursOn(calendar, date).slice(-5)).join(' ')).toBe(closes);
  });

  it('change at the weekend, so that every night of FX is whole', () => {
    const lengthsHours = datesFrom('2024-01-02', '2024-12-31').flatMap((date) => planOf(FX, dayNumber(date)).phases.map(({ from_ms: from, until_ms: until }) => (until - from) / 3_600_000));
    expect(new Set(lengthsHours)).toEqual(new Set([24]));
    expect(text(nowAt(FX, '2024-03-08T23:00').next_open_ms)).toBe('2024-03-10T21:00');
    expect(text(nowAt(FX, '2024-11-01T22:00').next_open_ms)).toBe('2024-11-03T22:00');
  });
});

it('days are named by the calendar that Gregory gave us', () => {
  expect(datesFrom('2010-01-01', '2028-12-31').filter((date) => isoWeekday(dayNumber(date)) !== weekdayOf(date) || dateText(dayNumber(date)) !== date)).toEqual([]);
});
