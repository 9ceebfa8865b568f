import { describe, expect, it } from '@jest/globals';
import type { Calendar, DayRule } from './calendar.ts';
import { closed, closesEarly, dates, MONDAY_TO_FRIDAY, opensLate, phase, special } from './rules.ts';
import { hoursOn, phasesOn } from './testing/calendars.ts';

/** A made-up exchange in UTC with everything that there is. */
const calendarOf = (...rules: readonly DayRule[]): Calendar => ({
  name: 'TEST', title: 'Test', version: '1', time_zone: 'UTC', from: '2024-01-01', until: '2024-12-31', week: MONDAY_TO_FRIDAY, source: 'made up',
  hours: [
    { from: '2024-01-01', phases: [phase('pre', '08:00', '09:00'), phase('open', '09:00', '12:00'), phase('lunch', '12:00', '13:00'), phase('open', '13:00', '16:00'), phase('post', '16:00', '18:00')] },
    { from: '2024-07-01', phases: [phase('open', '10:00', '16:00')] },
  ],
  rules,
});
const ON = '2024-03-06';
const phases = (...rules: readonly DayRule[]): string => phasesOn(calendarOf(...rules), ON);

describe('the phases of a day', () => {
  it('are those of its hours, from the day that these hold', () => {
    expect(phases()).toBe('pre 08:00-09:00 open 09:00-12:00 lunch 12:00-13:00 open 13:00-16:00 post 16:00-18:00');
    expect(hoursOn(calendarOf(), '2024-06-28')).toBe('2024-06-28T09:00 2024-06-28T16:00');
    expect(hoursOn(calendarOf(), '2024-07-01')).toBe('2024-07-01T10:00 2024-07-01T16:00');
  });

  it('are none on a weekend and on a holiday', () => {
    expect(phasesOn(calendarOf(), '2024-03-09')).toBe('');
    expect(phases(closed('holiday', dates(ON)))).toBe('');
  });

  it.each([
    ['in the afternoon', '15:00', 'pre 08:00-09:00 open 09:00-12:00 lunch 12:00-13:00 open 13:00-15:00'],
    ['at the end of lunch', '13:00', 'pre 08:00-09:00 open 09:00-12:00'],
    ['in the lunch break', '12:30', 'pre 08:00-09:00 open 09:00-12:00'],
    ['at the beginning of lunch', '12:00', 'pre 08:00-09:00 open 09:00-12:00'],
    ['in the morning', '11:59', 'pre 08:00-09:00 open 09:00-11:59'],
  ])('end early %s', (_when, at, wanted) => {
    expect(phases(closesEarly('short', dates(ON), at))).toBe(wanted);
    expect(phases(closesEarly('short', dates(ON), at, { post_until: '17:00' }))).toBe(`${wanted} post ${at}-17:00`);
  });

  it.each([
    ['in the morning', '10:00', 'pre 08:00-10:00 open 10:00-12:00 lunch 12:00-13:00 open 13:00-16:00 post 16:00-18:00'],
    ['in the lunch break', '12:30', 'pre 08:00-12:30 open 13:00-16:00 post 16:00-18:00'],
    ['in the afternoon', '13:30', 'pre 08:00-13:30 open 13:30-16:00 post 16:00-18:00'],
  ])('begin late %s', (_when, at, wanted) => {
    expect(phases(opensLate('late', dates(ON), at))).toBe(wanted);
  });

  it('are all said by special hours, on a weekend too', () => {
    const rule = special('special', dates(ON, '2024-03-09'), [phase('open', '17:00', '18:00')]);
    expect(phases(rule)).toBe('open 17:00-18:00');
    expect(phasesOn(calendarOf(rule), '2024-03-09')).toBe('open 17:00-18:00');
  });

  it('of a day with two rules are special hours before a holiday before shorter hours, in whatever order they are given', () => {
    const rules = [closesEarly('short', dates(ON), '11:00'), closed('holiday', dates(ON)), special('special', dates(ON), [phase('open', '17:00', '18:00')])];
    for (const order of [[0, 1], [1, 0]]) expect(phases(...order.map((i) => rules[i] as DayRule))).toBe('');
    for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) expect(phases(...order.map((i) => rules[i] as DayRule))).toBe('open 17:00-18:00');
  });
});

it('a session over the night in which the clocks change is an hour shorter or longer', () => {
  const overnight: Calendar = { ...calendarOf(), time_zone: 'America/New_York', week: [7], hours: [{ from: '2024-01-01', phases: [phase('open', 'prev 17:00', '17:00')] }] };
  expect(['2024-03-03', '2024-03-10', '2024-11-03'].map((date) => hoursOn(overnight, date))).toEqual([
    '2024-03-02T22:00 2024-03-03T22:00', '2024-03-09T22:00 2024-03-10T21:00', '2024-11-02T21:00 2024-11-03T22:00']);
});
