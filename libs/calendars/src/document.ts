import { isoWeekday } from '@tallystick/domain';
import type { Calendar, DateRule, DayRule, Effect, Moves, Phase } from './calendar.ts';
import { CALENDARS, SESSIONS } from './sessions.ts';

const DAYS = ['', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const MONTHS = ['', 'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const NTH: Readonly<Record<number, string>> = { 1: 'first', 2: 'second', 3: 'third', 4: 'fourth', [-1]: 'last' };

const dayText = (weekday: number): string => DAYS[weekday] ?? '';
const plusText = (days: number): string => (days === 0 ? '' : ` ${days < 0 ? 'less' : 'plus'} ${Math.abs(days)} day${Math.abs(days) === 1 ? '' : 's'}`);
const movesText = (moves: Moves | undefined): string => {
  const parts = Object.entries(moves ?? {}).map(([from, by]) => `a ${dayText(Number(from))}’s on ${dayText(isoWeekday(Number(from) - 4 + (by ?? 0)))}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
};

const dateRuleText = (on: DateRule): string => {
  switch (on.kind) {
    case 'fixed':
      return `${on.day} ${MONTHS[on.month] ?? ''}${movesText(on.moves)}${on.only === undefined ? '' : `, on ${on.only.map((day) => dayText(day).slice(0, 2)).join(' ')} only`}`;
    case 'nth':
      return `${NTH[on.nth] ?? String(on.nth)} ${dayText(on.weekday)} of ${MONTHS[on.month] ?? ''}${plusText(on.plus ?? 0)}`;
    case 'easter':
      return `Easter Sunday${plusText(on.plus)}`;
    case 'equinox':
      return `${on.of} equinox in Japan${movesText(on.moves)}`;
    case 'dates':
      return on.dates.join(' ');
  }
};

const phaseText = ({ state, from, until }: Phase): string => `${state} ${from.replace('prev ', 'the evening before ')}–${until}`;
const effectText = (effect: Effect): string => {
  switch (effect.kind) {
    case 'closed':
      return 'closed';
    case 'close_early':
      return `closes ${effect.at}${effect.post_until === undefined ? '' : `, post to ${effect.post_until}`}`;
    case 'open_late':
      return `opens ${effect.at}`;
    case 'special':
      return effect.phases.map(phaseText).join(', ');
  }
};

const yearsText = ({ from_year: from, until_year: until, not_in: not }: DayRule): string => {
  const span = from === undefined && until === undefined ? '' : from === until ? String(from) : `${from ?? ''}–${until ?? ''}`;
  return [span, ...(not === undefined ? [] : [`not ${not.join(', ')}`])].filter((text) => text !== '').join(', ');
};

const rulesTable = ({ rules }: Calendar): readonly string[] => (rules.length === 0 ? ['No day differs from another.'] : [
  '| Day | Date | What happens | Years | Source, where it is another |', '|---|---|---|---|---|',
  ...rules.map((rule) => `| ${rule.name} | ${dateRuleText(rule.on)} | ${effectText(rule.effect)} | ${yearsText(rule)} | ${rule.source ?? ''} |`),
]);

const sessionsOf = (calendar: Calendar): string =>
  [...SESSIONS.values()].filter((session) => session.calendar === calendar && session.name !== calendar.name)
    .map(({ name, trades }) => `\`${name}\`${trades.length > 1 ? ` (${trades.join(', ')})` : ''}`).join(', ');

const section = (calendar: Calendar): readonly string[] => [
  `## ${calendar.name}: ${calendar.title}`, '',
  `Version ${calendar.version}, answers from ${calendar.from} to ${calendar.until}; times are those of ${calendar.time_zone}. Source: ${calendar.source}.`, '',
  ...calendar.hours.map(({ from, phases }) => `- From ${from}: ${phases.map(phaseText).join(', ')}.`),
  ...(calendar.auctions ?? []).map((one) => `- ${one.time_in_force} orders${one.from === undefined ? '' : ` from ${one.from}`}: ${one.from_minutes} to ${one.until_minutes} minutes from the ${one.relative_to}.`),
  ...(calendar.notes ?? []).map((note) => `- ${note}`), '',
  ...rulesTable(calendar), '',
];

/** docs/calendars.md: every calendar with its horizon and source, and every rule of it. */
export const calendarsPage = (): string => [
  '# Exchange calendars', '',
  '<!-- Generated from libs/calendars by `npm run generate`: do not edit. -->', '',
  'Whether a market is open is asked at one gate, `readSession` of `libs/calendars`, by risk when it decides, by execution before and after its claim, and by the paper venue for',
  'the end of DAY orders. The calendars behind it are data: rules where the exchange has rules, dates where it has none, each with its source. A calendar answers only for the days',
  'it knows. Before and past them the gate refuses with `CALENDAR_HORIZON`; it never assumes open. Outside the session it refuses with `SESSION_CLOSED` and says when it opens.', '',
  'What the gate said, with the calendar’s version, is recorded in the decision, so that it is decided again from the log without any calendar.', '',
  '`tally session show us-equities --days 10` shows the days to come; `tally session show XTKS --at 2024-11-05T02:45:00Z` any instant. Both work offline.', '',
  '| Calendar | Market | Sessions that name it | Horizon | Version | Source |', '|---|---|---|---|---|---|',
  ...CALENDARS.map((one) => `| ${one.name} | ${one.title} | ${sessionsOf(one)} | ${one.from} to ${one.until} | ${one.version} | ${one.source} |`), '',
  'An instrument names a session by one of these names, or a calendar by its own: then its regular session.', '',
  ...CALENDARS.flatMap(section),
].join('\n').trimEnd() + '\n';
