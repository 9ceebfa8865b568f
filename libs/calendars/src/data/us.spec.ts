import { describe, expect, it } from '@jest/globals';
import { datesFrom, hoursOn, phasesOn, stateAt, weekdayOf } from '../testing/calendars.ts';
import { tradingDaysBetween } from '../session-at.ts';
import { XCBO, XCBO_INDEX, XNAS, XNYS } from './us.ts';

/** As NYSE and Nasdaq published them year by year, and as they closed; month and day. */
const HOLIDAYS: Readonly<Record<number, string>> = {
  2010: '01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24',
  2011: '01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26',
  2012: '01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25',
  2013: '01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25',
  2014: '01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25',
  2015: '01-01 01-19 02-16 04-03 05-25 07-03 09-07 11-26 12-25',
  2016: '01-01 01-18 02-15 03-25 05-30 07-04 09-05 11-24 12-26',
  2017: '01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25',
  2018: '01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25',
  2019: '01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25',
  2020: '01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25',
  2021: '01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24',
  2022: '01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26',
  2023: '01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25',
  2024: '01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25',
  2025: '01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25',
  2026: '01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25',
  2027: '01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24',
  2028: '01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25',
};

const EARLY: Readonly<Record<number, string>> = {
  2010: '11-26', 2011: '11-25', 2012: '07-03 11-23 12-24', 2013: '07-03 11-29 12-24', 2014: '07-03 11-28 12-24', 2015: '11-27 12-24', 2016: '11-25', 2017: '07-03 11-24',
  2018: '07-03 11-23 12-24', 2019: '07-03 11-29 12-24', 2020: '11-27 12-24', 2021: '11-26', 2022: '11-25', 2023: '07-03 11-24', 2024: '07-03 11-29 12-24', 2025: '07-03 11-28 12-24',
  2026: '11-27 12-24', 2027: '11-26', 2028: '07-03 11-24',
};

const TRADING_DAYS: Readonly<Record<number, number>> = {
  2010: 252, 2011: 252, 2012: 250, 2013: 252, 2014: 252, 2015: 252, 2016: 252, 2017: 251, 2018: 251, 2019: 252, 2020: 253, 2021: 252, 2022: 251, 2023: 250, 2024: 252, 2025: 250,
};

const listed = (lists: Readonly<Record<number, string>>, year: number): readonly string[] => (lists[year] ?? '').split(' ').map((date) => `${year}-${date}`);

/** New York is four hours behind UTC from the second Sunday of March to the first of November. */
const isSummer = (date: string): boolean => {
  const nth = (month: string, n: number): string => datesFrom(`${date.slice(0, 4)}-${month}-01`, `${date.slice(0, 4)}-${month}-28`).filter((one) => weekdayOf(one) === 7)[n - 1] ?? '';
  return date >= nth('03', 2) && date < nth('11', 1);
};

describe.each(Object.keys(HOLIDAYS).map(Number))('US equities in %i', (year) => {
  const dates = datesFrom(`${year}-01-01`, `${year}-12-31`);
  const closed = new Set(listed(HOLIDAYS, year));
  const early = new Set(listed(EARLY, year));

  it('trade on every day that is no weekend and no holiday, by New York’s clock, shorter where they close early', () => {
    const wrong = dates.filter((date) => {
      const hour = (n: number, minutes: string): string => `${date}T${n + (isSummer(date) ? 4 : 5)}:${minutes}`;
      const wanted = weekdayOf(date) > 5 || closed.has(date) ? 'closed' : `${hour(9, '30')} ${early.has(date) ? hour(13, '00') : hour(16, '00')}`;
      return hoursOn(XNYS, date) !== wanted;
    });
    expect(wrong).toEqual([]);
  });

  it('are the same at Nasdaq', () => {
    expect(dates.filter((date) => phasesOn(XNAS, date) !== phasesOn(XNYS, date))).toEqual([]);
  });

  it('have options beside them, and index options a quarter of an hour longer', () => {
    const minutesLater = (hours: string, by: number): string => (hours === 'closed' ? hours : new Date(Date.parse(`${hours.slice(-16)}Z`) + by * 60_000).toISOString().slice(0, 16));
    expect(dates.filter((date) => hoursOn(XCBO, date) !== hoursOn(XNYS, date))).toEqual([]);
    expect(dates.filter((date) => hoursOn(XCBO_INDEX, date).slice(-16) !== minutesLater(hoursOn(XNYS, date), 15))).toEqual([]);
  });

  it('trade on as many days as were counted', () => {
    const counted = tradingDaysBetween(XNYS, `${year}-01-01`, `${year}-12-31`);
    expect(counted.ok && counted.days.length).toBe(TRADING_DAYS[year] ?? 251);
  });
});

describe('the sessions around the regular one', () => {
  it('are pre from 04:00 and post to 20:00, to 17:00 where it closes early', () => {
    expect(phasesOn(XNYS, '2013-10-08')).toBe('pre 08:00-13:30 open 13:30-20:00 post 20:00-00:00');
    expect(phasesOn(XNYS, '2024-11-29')).toBe('pre 09:00-14:30 open 14:30-18:00 post 18:00-22:00');
    expect(phasesOn(XNYS, '2025-01-09')).toBe('');
  });

  it('begin and end with their minute', () => {
    expect(['07:59:59.999', '08:00', '13:29:59.999', '13:30', '19:59:59.999', '20:00', '23:59:59.999'].map((time) => stateAt(XNYS, `2013-10-08T${time}`)))
      .toEqual(['closed', 'pre', 'pre', 'open', 'open', 'post', 'post']);
    expect(stateAt(XNYS, '2013-10-09T00:00')).toBe('closed');
  });
});

it('every rule names a day on which it matters in at least one year, and a source where it is no standing holiday', () => {
  for (const rule of XNYS.rules) {
    if (rule.on.kind === 'dates') expect([rule.name, rule.source]).toEqual([rule.name, expect.any(String)]);
    expect([rule.name, datesFrom('2010-01-01', '2028-12-31').some((date) => hoursOn({ ...XNYS, rules: XNYS.rules.filter((one) => one !== rule) }, date) !== hoursOn(XNYS, date))]).toEqual([rule.name, true]);
  }
});
