import type { Calendar, DayRule } from '../calendar.ts';
import { closed, closesEarly, dates, easter, fixed, fixedOn, MONDAY, MONDAY_TO_FRIDAY, NEAREST, nth, phase, SUNDAY_TO_MONDAY, THURSDAY } from '../rules.ts';

const MONDAY_TO_THURSDAY: readonly number[] = [1, 2, 3, 4];
/** Good Fridays on which the US jobs report is published, and equity index futures trade until 08:15. */
const JOBS_REPORT = [2021, 2023, 2026];

const CLOSED: readonly DayRule[] = [
  closed('New Year’s Day', fixed(1, 1, SUNDAY_TO_MONDAY)),
  closed('Christmas Day', fixed(12, 25, NEAREST)),
];

/** US holidays on which Globex halts at noon and opens again in the evening, for the next trading day. */
const HALTED_AT_NOON: readonly DayRule[] = [
  closesEarly('Martin Luther King, Jr. Day', nth(3, MONDAY, 1), '12:00'),
  closesEarly('Presidents’ Day', nth(3, MONDAY, 2), '12:00'),
  closesEarly('Memorial Day', nth(-1, MONDAY, 5), '12:00'),
  closesEarly('Juneteenth', fixed(6, 19, NEAREST), '12:00', { from_year: 2022 }),
  closesEarly('Independence Day', fixed(7, 4, NEAREST), '12:00'),
  closesEarly('Labor Day', nth(1, MONDAY, 9), '12:00'),
  closesEarly('Thanksgiving Day', nth(4, THURSDAY, 11), '12:00'),
];

const SHORTENED: readonly DayRule[] = [
  closesEarly('Day after Thanksgiving', nth(4, THURSDAY, 11, 1), '12:15'),
  closesEarly('Christmas Eve', fixedOn(12, 24, MONDAY_TO_THURSDAY), '12:15'),
];

const common = {
  version: '2026.1', time_zone: 'America/Chicago', from: '2019-01-01', until: '2026-12-31', week: MONDAY_TO_FRIDAY,
  source: 'CME Group, holiday and trading hours calendar, and its notice of every holiday',
};
const HOLIDAY_NOTE = 'A holiday on which Globex halts early is here a trading day that ends then; CME books its trades for the next one.';

export const CMES: Calendar = {
  ...common, name: 'CMES', title: 'CME Globex equity index futures',
  hours: [
    { from: '2019-01-01', phases: [phase('open', 'prev 17:00', '15:15'), phase('halted', '15:15', '15:30'), phase('open', '15:30', '16:00')] },
    // The halt of a quarter of an hour ended with the trading day of 28 June 2021.
    { from: '2021-06-28', phases: [phase('open', 'prev 17:00', '16:00')] },
  ],
  rules: [
    ...CLOSED, ...HALTED_AT_NOON, ...SHORTENED,
    closed('Good Friday', easter(-2), { not_in: JOBS_REPORT }),
    ...JOBS_REPORT.map((year) => closesEarly('Good Friday with a jobs report', easter(-2), '08:15', { from_year: year, until_year: year })),
    closesEarly('Eve of Independence Day', fixedOn(7, 3, MONDAY_TO_THURSDAY), '12:15'),
    closesEarly('National Day of Mourning for President Carter', dates('2025-01-09'), '08:30', { source: 'CME Group notice of 30 December 2024' }),
  ],
  notes: [HOLIDAY_NOTE],
};

export const CMEG: Calendar = {
  ...common, name: 'CMEG', title: 'CME Globex overnight session (interest rates, FX, energy, metals)',
  hours: [{ from: '2019-01-01', phases: [phase('open', 'prev 17:00', '16:00')] }],
  rules: [
    ...CLOSED, ...HALTED_AT_NOON, ...SHORTENED,
    closed('Good Friday', easter(-2)),
    closesEarly('National Day of Mourning for President Carter', dates('2025-01-09'), '12:15', { source: 'CME Group notice of 30 December 2024' }),
  ],
  notes: [HOLIDAY_NOTE, 'Holiday hours differ by product group; these are the earliest halt of any of them, so that nothing is taken for open that is not.'],
};
