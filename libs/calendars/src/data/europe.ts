import type { Calendar } from '../calendar.ts';
import { closed, closesEarly, dates, easter, fixed, fixedOn, MONDAY, MONDAY_TO_FRIDAY, nth, phase, WEEKEND_TO_FRIDAY, WEEKEND_TO_MONDAY } from '../rules.ts';

const common = { version: '2026.1', from: '2010-01-01', until: '2027-12-31', week: MONDAY_TO_FRIDAY } as const;
const CONTINUOUS = 'Hours are those of continuous trading; the auctions before and after are given as windows.';

export const XLON: Calendar = {
  ...common, name: 'XLON', title: 'London Stock Exchange', time_zone: 'Europe/London',
  hours: [{ from: '2010-01-01', phases: [phase('open', '08:00', '16:30')] }],
  rules: [
    closed('New Year’s Day', fixed(1, 1, WEEKEND_TO_MONDAY)),
    closed('Good Friday', easter(-2)),
    closed('Easter Monday', easter(1)),
    closed('Early May bank holiday', nth(1, MONDAY, 5), { not_in: [2020] }),
    closed('Early May bank holiday, moved to VE Day', dates('2020-05-08')),
    closed('Spring bank holiday', nth(-1, MONDAY, 5), { not_in: [2012, 2022] }),
    closed('Spring bank holiday, moved, and Diamond Jubilee', dates('2012-06-04', '2012-06-05')),
    closed('Spring bank holiday, moved, and Platinum Jubilee', dates('2022-06-02', '2022-06-03')),
    closed('Summer bank holiday', nth(-1, MONDAY, 8)),
    closed('Christmas Day', fixed(12, 25, { 6: 2, 7: 2 })),
    closed('Boxing Day', fixed(12, 26, { 6: 2, 7: 2 })),
    closed('Royal wedding', dates('2011-04-29')),
    closed('State funeral of Queen Elizabeth II', dates('2022-09-19')),
    closed('Coronation of King Charles III', dates('2023-05-08')),
    closesEarly('Last trading day before Christmas', fixed(12, 24, WEEKEND_TO_FRIDAY), '12:30'),
    closesEarly('Last trading day of the year', fixed(12, 31, WEEKEND_TO_FRIDAY), '12:30'),
  ],
  auctions: [
    { time_in_force: 'OPG', relative_to: 'opening', from_minutes: -10, until_minutes: 0 },
    { time_in_force: 'CLS', relative_to: 'close', from_minutes: 0, until_minutes: 5 },
  ],
  source: 'London Stock Exchange, business days and holiday notices; bank holidays by the Banking and Financial Dealings Act 1971 and royal proclamation',
  notes: [CONTINUOUS],
};

export const XETR: Calendar = {
  ...common, name: 'XETR', title: 'Xetra (Deutsche Börse)', time_zone: 'Europe/Berlin',
  hours: [{ from: '2010-01-01', phases: [phase('open', '09:00', '17:30')] }],
  rules: [
    closed('New Year’s Day', fixed(1, 1)),
    closed('Good Friday', easter(-2)),
    closed('Easter Monday', easter(1)),
    closed('Labour Day', fixed(5, 1)),
    closed('Whit Monday', easter(50), { from_year: 2015, until_year: 2021 }),
    closed('German Unity Day', fixed(10, 3), { from_year: 2014, until_year: 2021 }),
    closed('Reformation Day, 500 years', dates('2017-10-31')),
    closed('Christmas Eve', fixed(12, 24)),
    closed('Christmas Day', fixed(12, 25)),
    closed('Second Christmas Day', fixed(12, 26)),
    closed('New Year’s Eve', fixed(12, 31)),
    closesEarly('Last trading day of the year', fixed(12, 30, WEEKEND_TO_FRIDAY), '14:00'),
  ],
  auctions: [
    { time_in_force: 'OPG', relative_to: 'opening', from_minutes: -10, until_minutes: 0 },
    { time_in_force: 'CLS', relative_to: 'close', from_minutes: 0, until_minutes: 5 },
  ],
  source: 'Deutsche Börse Cash Market, trading calendar and trading hours (trading-free days published to 2029)',
  notes: [CONTINUOUS],
};

export const XPAR: Calendar = {
  ...common, name: 'XPAR', title: 'Euronext (Amsterdam, Brussels, Lisbon, Paris)', time_zone: 'Europe/Paris',
  hours: [{ from: '2010-01-01', phases: [phase('open', '09:00', '17:30')] }],
  rules: [
    closed('New Year’s Day', fixed(1, 1)),
    closed('Good Friday', easter(-2)),
    closed('Easter Monday', easter(1)),
    closed('Labour Day', fixed(5, 1)),
    closed('Christmas Day', fixed(12, 25)),
    closed('Boxing Day', fixed(12, 26)),
    closesEarly('Christmas Eve', fixedOn(12, 24, MONDAY_TO_FRIDAY), '14:00'),
    closesEarly('New Year’s Eve', fixedOn(12, 31, MONDAY_TO_FRIDAY), '14:00'),
  ],
  auctions: [
    { time_in_force: 'OPG', relative_to: 'opening', from_minutes: -105, until_minutes: 0 },
    { time_in_force: 'CLS', relative_to: 'close', from_minutes: 0, until_minutes: 5 },
  ],
  source: 'Euronext, trading hours and holidays of the cash markets, and Trading Manual',
  notes: [CONTINUOUS],
};
