import type { Calendar, Moves } from '../calendar.ts';
import { closed, dates, fixed, MONDAY, MONDAY_TO_FRIDAY, nth, phase, SUNDAY_TO_MONDAY } from '../rules.ts';

/** Golden Week: a holiday on a Sunday is made up for on the first day after it that is not a holiday already. */
const AFTER_GOLDEN_WEEK = { constitution: { 7: 3 }, greenery: { 7: 2 }, children: { 7: 1 } } as const satisfies Record<string, Moves>;
const OLYMPICS = 'Act on Special Measures for the Olympic and Paralympic Games, 2018 and 2020';
const IMPERIAL = 'Act on a holiday for the enthronement, 2018';
const MOVED = [2020, 2021];

export const XTKS: Calendar = {
  name: 'XTKS', title: 'Tokyo Stock Exchange', version: '2026.1', time_zone: 'Asia/Tokyo', from: '2010-01-01', until: '2027-12-31', week: MONDAY_TO_FRIDAY,
  hours: [
    { from: '2010-01-01', phases: [phase('open', '09:00', '11:00'), phase('lunch', '11:00', '12:30'), phase('open', '12:30', '15:00')] },
    { from: '2011-11-21', phases: [phase('open', '09:00', '11:30'), phase('lunch', '11:30', '12:30'), phase('open', '12:30', '15:00')] },
    { from: '2024-11-05', phases: [phase('open', '09:00', '11:30'), phase('lunch', '11:30', '12:30'), phase('open', '12:30', '15:30')] },
  ],
  rules: [
    closed('New Year’s Day', fixed(1, 1)),
    closed('Market holiday', fixed(1, 2)),
    closed('Market holiday', fixed(1, 3)),
    closed('Market holiday', fixed(12, 31)),
    closed('Coming of Age Day', nth(2, MONDAY, 1)),
    closed('National Foundation Day', fixed(2, 11, SUNDAY_TO_MONDAY)),
    closed('Emperor’s Birthday', fixed(2, 23, SUNDAY_TO_MONDAY), { from_year: 2020 }),
    closed('Vernal Equinox Day', { kind: 'equinox', of: 'vernal', moves: SUNDAY_TO_MONDAY }),
    closed('Showa Day', fixed(4, 29, SUNDAY_TO_MONDAY)),
    closed('Constitution Memorial Day', fixed(5, 3, AFTER_GOLDEN_WEEK.constitution)),
    closed('Greenery Day', fixed(5, 4, AFTER_GOLDEN_WEEK.greenery)),
    closed('Children’s Day', fixed(5, 5, AFTER_GOLDEN_WEEK.children)),
    closed('Accession of the Emperor, and the days between holidays', dates('2019-04-30', '2019-05-01', '2019-05-02'), { source: IMPERIAL }),
    closed('Enthronement ceremony', dates('2019-10-22'), { source: IMPERIAL }),
    closed('Marine Day', nth(3, MONDAY, 7), { not_in: MOVED }),
    closed('Marine Day, moved', dates('2020-07-23', '2021-07-22'), { source: OLYMPICS }),
    closed('Mountain Day', fixed(8, 11, SUNDAY_TO_MONDAY), { from_year: 2016, not_in: MOVED }),
    closed('Mountain Day, moved', dates('2020-08-10', '2021-08-09'), { source: OLYMPICS }),
    closed('Respect for the Aged Day', nth(3, MONDAY, 9)),
    closed('Autumnal Equinox Day', { kind: 'equinox', of: 'autumnal', moves: SUNDAY_TO_MONDAY }),
    closed('Day between two holidays', dates('2015-09-22', '2026-09-22')),
    closed('Sports Day', nth(2, MONDAY, 10), { not_in: MOVED }),
    closed('Sports Day, moved', dates('2020-07-24', '2021-07-23'), { source: OLYMPICS }),
    closed('Culture Day', fixed(11, 3, SUNDAY_TO_MONDAY)),
    closed('Labour Thanksgiving Day', fixed(11, 23, SUNDAY_TO_MONDAY)),
    closed('Emperor’s Birthday', fixed(12, 23, SUNDAY_TO_MONDAY), { until_year: 2018 }),
    closed('Failure of the trading system', dates('2020-10-01'), { source: 'JPX notice of 1 October 2020' }),
  ],
  auctions: [
    { time_in_force: 'OPG', relative_to: 'opening', from_minutes: -60, until_minutes: 0 },
    { time_in_force: 'CLS', relative_to: 'close', from_minutes: -5, until_minutes: 0, from: '2024-11-05' },
  ],
  source: 'Japan Exchange Group, business days; Act on National Holidays (1948, as amended); equinoxes announced by the National Astronomical Observatory to 2027',
  notes: ['From 2024-11-05 the last five minutes to 15:30 collect orders for the closing auction; they are part of the session here.'],
};
