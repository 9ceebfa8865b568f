import { dateText, dayNumber } from '@tallystick/domain';
import { describe, expect, it } from '@jest/globals';
import type { DateRule } from './calendar.ts';
import { appliesIn, closed, datesOf, easter, easterSunday, fixed, fixedOn, NEAREST, nth, SUNDAY_TO_MONDAY, THURSDAY, WEEKEND_TO_FRIDAY, WEEKEND_TO_MONDAY } from './rules.ts';

const on = (rule: DateRule, ...years: readonly number[]): readonly string[] => years.flatMap((year) => datesOf(rule, year)).map(dateText);

describe('Easter', () => {
  it('is on the Sundays that almanacs give, the earliest and latest among them', () => {
    const almanac = [
      '1818-03-22', '1913-03-23', '1943-04-25', '2000-04-23', '2008-03-23', '2010-04-04', '2011-04-24', '2012-04-08', '2013-03-31', '2014-04-20', '2015-04-05', '2016-03-27', '2017-04-16',
      '2018-04-01', '2019-04-21', '2020-04-12', '2021-04-04', '2022-04-17', '2023-04-09', '2024-03-31', '2025-04-20', '2026-04-05', '2027-03-28', '2028-04-16', '2038-04-25', '2049-04-18', '2076-04-19',
    ];
    expect(almanac.map((date) => dateText(easterSunday(Number(date.slice(0, 4)))))).toEqual(almanac);
  });

  it('moves its Friday and Mondays with it', () => {
    expect([-2, 1, 50].flatMap((plus) => on(easter(plus), 2024))).toEqual(['2024-03-29', '2024-04-01', '2024-05-20']);
  });
});

describe('a fixed date', () => {
  it('is moved off a weekend as its exchange does', () => {
    // 4 July was a Sunday in 2010, a Saturday in 2015, a Monday in 2011.
    expect(on(fixed(7, 4), 2010, 2015, 2011)).toEqual(['2010-07-04', '2015-07-04', '2011-07-04']);
    expect(on(fixed(7, 4, NEAREST), 2010, 2015, 2011)).toEqual(['2010-07-05', '2015-07-03', '2011-07-04']);
    expect(on(fixed(7, 4, SUNDAY_TO_MONDAY), 2010, 2015, 2011)).toEqual(['2010-07-05', '2015-07-04', '2011-07-04']);
    expect(on(fixed(7, 4, WEEKEND_TO_MONDAY), 2010, 2015, 2011)).toEqual(['2010-07-05', '2015-07-06', '2011-07-04']);
    expect(on(fixed(7, 4, WEEKEND_TO_FRIDAY), 2010, 2015, 2011)).toEqual(['2010-07-02', '2015-07-03', '2011-07-04']);
  });

  it('may move into the year before', () => {
    expect(on(fixed(1, 1, NEAREST), 2022)).toEqual(['2021-12-31']);
  });

  it('holds only on the weekdays that it is for', () => {
    expect(on(fixedOn(12, 24, [1, 2, 3, 4]), 2023, 2024, 2025, 2027)).toEqual(['2024-12-24', '2025-12-24']);
  });
});

describe('the nth weekday', () => {
  it('counts from the beginning of the month', () => {
    expect(on(nth(4, THURSDAY, 11), 2012, 2018, 2024, 2028)).toEqual(['2012-11-22', '2018-11-22', '2024-11-28', '2028-11-23']);
    expect(on(nth(1, 1, 9), 2014, 2015)).toEqual(['2014-09-01', '2015-09-07']);
  });

  it('counts from its end, and days after', () => {
    expect(on(nth(-1, 1, 5), 2021, 2022)).toEqual(['2021-05-31', '2022-05-30']);
    expect(on(nth(-2, 1, 5), 2022)).toEqual(['2022-05-23']);
    expect(on(nth(-1, 7, 12), 2023)).toEqual(['2023-12-31']);
    expect(on(nth(4, THURSDAY, 11, 1), 2013)).toEqual(['2013-11-29']);
  });
});

it('the equinoxes are those that Japan has announced', () => {
  const vernal = { 2010: 21, 2011: 21, 2012: 20, 2013: 20, 2014: 21, 2015: 21, 2016: 20, 2017: 20, 2018: 21, 2019: 21, 2020: 20, 2021: 20, 2022: 21, 2023: 21, 2024: 20, 2025: 20, 2026: 20, 2027: 21 };
  const autumnal = { 2010: 23, 2011: 23, 2012: 22, 2013: 23, 2014: 23, 2015: 23, 2016: 22, 2017: 23, 2018: 23, 2019: 23, 2020: 22, 2021: 23, 2022: 23, 2023: 23, 2024: 22, 2025: 23, 2026: 23, 2027: 23 };
  for (const [year, day] of Object.entries(vernal)) expect(on({ kind: 'equinox', of: 'vernal' }, Number(year))).toEqual([`${year}-03-${day}`]);
  for (const [year, day] of Object.entries(autumnal)) expect(on({ kind: 'equinox', of: 'autumnal' }, Number(year))).toEqual([`${year}-09-${day}`]);
});

it('a list gives the dates of the year, and a rule holds in its years only', () => {
  expect(datesOf({ kind: 'dates', dates: ['2018-12-05', '2025-01-09'] }, 2025)).toEqual([dayNumber('2025-01-09')]);
  const rule = closed('a day', fixed(6, 19), { from_year: 2022, until_year: 2024, not_in: [2023] });
  expect([2021, 2022, 2023, 2024, 2025].map((year) => appliesIn(rule, year))).toEqual([false, true, false, true, false]);
});
