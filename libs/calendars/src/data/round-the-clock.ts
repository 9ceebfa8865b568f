import type { Calendar } from '../calendar.ts';
import { closed, fixed, MONDAY_TO_FRIDAY, phase } from '../rules.ts';

/** The year in which nobody will ask any more; a calendar that never closes still has to end. */
const NEVER = '2999-12-31';
const EVERY_DAY: readonly number[] = [1, 2, 3, 4, 5, 6, 7];

export const FX: Calendar = {
  name: 'FX', title: 'Spot foreign exchange', version: '2026.1', time_zone: 'America/New_York',
  // One day more than the year, so that the evening of 31 December 2028 is answered for.
  from: '2010-01-01', until: '2029-01-01', week: MONDAY_TO_FRIDAY,
  hours: [{ from: '2010-01-01', phases: [phase('open', 'prev 17:00', '17:00')] }],
  rules: [closed('New Year’s Day', fixed(1, 1)), closed('Christmas Day', fixed(12, 25))],
  source: 'Market convention, as in the ACI Model Code: the week ends on Friday at 17:00 New York, where the value date rolls, and begins on Sunday at that hour',
  notes: [
    'Trading days run from 17:00 to 17:00 and are named after the day they end on. Christmas and New Year’s Day are closed where they fall on a weekday; they are not moved off a weekend.',
    'A venue’s own maintenance minutes at the roll, and shortened liquidity on other holidays, are the venue’s and not the market’s.',
  ],
};

const always = {
  version: '2026.1', time_zone: 'UTC', from: '1970-01-01', until: NEVER, week: EVERY_DAY,
  hours: [{ from: '1970-01-01', phases: [phase('open', '00:00', '24:00')] }], rules: [],
};

export const CRYPTO: Calendar = {
  ...always, name: 'CRYPTO', title: 'Crypto assets', source: 'Convention: trading never stops; days are those of UTC',
  notes: ['Maintenance of a venue is a halt of that venue.'],
};

export const ALWAYS: Calendar = { ...always, name: 'ALWAYS', title: 'Simulated markets', source: 'By definition: never closes; days are those of UTC' };
