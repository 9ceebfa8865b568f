import type { AuctionWindow, Calendar, DayRule } from '../calendar.ts';
import { closed, closesEarly, dates, easter, fixed, fixedOn, MONDAY, MONDAY_TO_FRIDAY, NEAREST, nth, phase, SUNDAY_TO_MONDAY, THURSDAY } from '../rules.ts';

const MONDAY_TO_THURSDAY: readonly number[] = [1, 2, 3, 4];

/** Days on which no US stock or options exchange trades. */
const CLOSED: readonly DayRule[] = [
  // Rule 7.2: a holiday on a Saturday is kept on the Friday before, unless that ends a month or a year.
  closed('New Year’s Day', fixed(1, 1, SUNDAY_TO_MONDAY)),
  closed('Martin Luther King, Jr. Day', nth(3, MONDAY, 1)),
  closed('Washington’s Birthday', nth(3, MONDAY, 2)),
  closed('Good Friday', easter(-2)),
  closed('Memorial Day', nth(-1, MONDAY, 5)),
  closed('Juneteenth National Independence Day', fixed(6, 19, NEAREST), { from_year: 2022, source: 'NYSE Rule 7.2 and Nasdaq’s schedule, as amended in 2021' }),
  closed('Independence Day', fixed(7, 4, NEAREST)),
  closed('Labor Day', nth(1, MONDAY, 9)),
  closed('Thanksgiving Day', nth(4, THURSDAY, 11)),
  closed('Christmas Day', fixed(12, 25, NEAREST)),
  closed('Hurricane Sandy', dates('2012-10-29', '2012-10-30'), { source: 'NYSE and Nasdaq notices of 28 and 29 October 2012' }),
  closed('National Day of Mourning for President George H. W. Bush', dates('2018-12-05'), { source: 'NYSE and Nasdaq notices of 1 December 2018' }),
  closed('National Day of Mourning for President Carter', dates('2025-01-09'), { source: 'NYSE and Nasdaq notices of 30 December 2024' }),
];

/** The days that end early, at times that differ by market. */
const shortened = (at: string, post_until?: string): readonly DayRule[] => {
  const post = post_until === undefined ? {} : { post_until };
  return [
    closesEarly('Eve of Independence Day', fixedOn(7, 3, MONDAY_TO_THURSDAY), at, post),
    closesEarly('Day after Thanksgiving', nth(4, THURSDAY, 11, 1), at, post),
    closesEarly('Christmas Eve', fixedOn(12, 24, MONDAY_TO_THURSDAY), at, post),
  ];
};

const common = { version: '2026.1', from: '2010-01-01', until: '2028-12-31', week: MONDAY_TO_FRIDAY } as const;

const equities = {
  ...common, time_zone: 'America/New_York',
  hours: [{ from: '2010-01-01', phases: [phase('pre', '04:00', '09:30'), phase('open', '09:30', '16:00'), phase('post', '16:00', '20:00')] }],
  rules: [...CLOSED, ...shortened('13:00', '17:00')],
  notes: [
    'Pre and post sessions are those of NYSE Arca and Nasdaq as they are today; Nasdaq has opened at 04:00 since 18 March 2013.',
    'Market-wide circuit breakers and outages of one exchange (22 August 2013, 8 July 2015) are halts, not part of the calendar.',
  ],
};

const auctions = (cutoffMinutes: number): readonly AuctionWindow[] => [
  { time_in_force: 'OPG', relative_to: 'opening', from_minutes: -330, until_minutes: -2 },
  { time_in_force: 'CLS', relative_to: 'close', from_minutes: -390, until_minutes: -cutoffMinutes },
];

export const XNYS: Calendar = {
  ...equities, name: 'XNYS', title: 'New York Stock Exchange', auctions: auctions(10),
  source: 'NYSE Rule 7.2 and nyse.com/markets/hours-calendars (holidays and early closings, published to 2028)',
};

export const XNAS: Calendar = {
  ...equities, name: 'XNAS', title: 'Nasdaq Stock Market', auctions: auctions(5),
  source: 'nasdaqtrader.com, US equity and options markets holiday schedule',
};

const options = {
  ...common, time_zone: 'America/Chicago',
  notes: ['Regular hours only: global trading hours and the curb session of index options are left out, and so is what trades there.'],
};

export const XCBO: Calendar = {
  ...options, name: 'XCBO', title: 'US equity options (Cboe and all US options exchanges)',
  hours: [{ from: '2010-01-01', phases: [phase('open', '08:30', '15:00')] }], rules: [...CLOSED, ...shortened('12:00')],
  source: 'Cboe Rule 5.1 and cboe.com/about/hours/us-options',
};

export const XCBO_INDEX: Calendar = {
  ...options, name: 'XCBO-INDEX', title: 'US index options (Cboe), and options on the ETFs that trade as late',
  hours: [{ from: '2010-01-01', phases: [phase('open', '08:30', '15:15')] }], rules: [...CLOSED, ...shortened('12:15')],
  source: 'Cboe Rule 5.1 and cboe.com/about/hours/us-options',
};
