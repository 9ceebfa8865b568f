import { CALENDARS, planOf, readSession, SESSIONS, sessionAt, type Calendar, type TimedPhase, type TradingSession } from '@tallystick/calendars';
import { dateText, dayNumber, isoWeekday, localTime, sessionRefusal, wallText, type SessionReading } from '@tallystick/domain';
import type { Command } from 'commander';
import { wholeNumber, type Context, type Run } from '../context.ts';
import { CliError, EXIT, usage } from '../errors.ts';
import type { Cell, Column } from '../output.ts';

interface ShowFlags {
  readonly at?: string;
  readonly days: string;
}

/** A year and a day: more is a table for a file, and docs/calendars.md has the rules. */
const DAYS_MAX = 366;
const WEEKDAYS = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
/** A zone is required: a local time without one is a guess. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

const timeOf = ({ around }: Context, text: string | undefined): number => {
  if (text === undefined) return around.nowMs();
  const timeMs = /^\d{12,14}$/.test(text) ? Number(text) : ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) throw usage(`${JSON.stringify(text)} is no time`, 'give a UTC date, a time with its zone as 2024-11-29T14:30:00Z, or milliseconds since 1970');
  return timeMs;
};

/** The session of a listed instrument, from the read model that a system on this machine has left; nothing has to run. */
const sessionOfSymbol = async ({ settings }: Context, symbol: string): Promise<string | undefined> => {
  const { readModel } = settings;
  if (readModel === undefined) return undefined;
  // Loaded here: only a symbol needs it.
  const { instrumentInFile } = await import('@tallystick/read-models');
  try {
    return instrumentInFile(readModel, symbol)?.session;
  } catch (error) {
    throw new CliError({ code: 'READ_MODEL_UNREADABLE', message: `${readModel}: ${error instanceof Error ? error.message : String(error)}`, fix: 'name a session or a calendar: those need no read model', exit: EXIT.usage });
  }
};

const sessionNamed = async (context: Context, name: string): Promise<TradingSession> => {
  const found = SESSIONS.get(name) ?? SESSIONS.get(name.toLowerCase()) ?? SESSIONS.get(name.toUpperCase());
  if (found) return found;
  const listed = await sessionOfSymbol(context, name);
  const session = listed === undefined ? undefined : SESSIONS.get(listed);
  if (session) return session;
  throw usage(listed === undefined ? `there is no session, calendar or listed instrument ${JSON.stringify(name)}` : `${name} names a session ${JSON.stringify(listed)} that this build does not have`,
    `known: ${[...SESSIONS.keys()].join(', ')}; a symbol needs the data directory of a system (--data)`);
};

const stateCell = ({ code, state }: Pick<SessionReading, 'code' | 'state'>): Cell => ({ text: state, tone: code === undefined ? 'good' : state === 'unknown' ? 'bad' : 'warn' });

const instant = ({ time_zone: zone }: Calendar, timeMs: number | undefined): string | undefined => (timeMs === undefined ? undefined : `${wallText(zone, timeMs)} ${zone} (${wallText('UTC', timeMs)} UTC)`);

interface Day {
  readonly date: string;
  readonly weekday: string;
  readonly known: boolean;
  readonly phases: readonly TimedPhase[];
  readonly why?: string;
}

const daysFrom = (calendar: Calendar, timeMs: number, count: number): readonly Day[] => {
  const first = dayNumber(localTime(calendar.time_zone, timeMs).date);
  return Array.from({ length: count }, (_, i): Day => {
    const date = dateText(first + i);
    const weekday = WEEKDAYS[isoWeekday(first + i)] ?? '';
    if (date < calendar.from || date > calendar.until) return { date, weekday, known: false, phases: [] };
    const { phases, why } = planOf(calendar, first + i);
    return { date, weekday, known: true, phases, ...(why === undefined ? {} : { why }) };
  });
};

const hoursText = ({ date, phases, known }: Day, { time_zone: zone }: Calendar): string => {
  const clock = (timeMs: number): string => {
    const text = wallText(zone, timeMs);
    return text.startsWith(date) || text.endsWith(' 00:00') ? text.slice(11) : text.slice(5);
  };
  if (!known) return 'not known';
  return phases.length === 0 ? 'closed' : phases.map(({ state, from_ms: from, until_ms: until }) => `${state} ${clock(from)}–${clock(until)}`).join(', ');
};

const showOne = async (context: Context, name: string, flags: ShowFlags): Promise<void> => {
  const { out } = context;
  const session = await sessionNamed(context, name);
  const { calendar, trades } = session;
  const at = timeOf(context, flags.at);
  const days = daysFrom(calendar, at, Number(flags.days));
  const reading = readSession(session.name, at);
  const now = sessionAt(calendar, at, { trades });
  const { name: id, title, version, time_zone, from, until, source } = calendar;
  if (!now.ok) context.exit = EXIT.failed;
  if (out.json) return out.data({ asked: name, at_ms: at, session: session.name, trades, calendar: { name: id, title, version, time_zone, from, until, source }, reading, ...(now.ok ? { opens_at_ms: now.opens_at_ms, closes_at_ms: now.closes_at_ms } : {}), days });
  const refusal = sessionRefusal(reading, at);
  out.facts([
    ['session', `${session.name}${session.name === name ? '' : `, asked as ${name}`}; orders are taken when ${trades.join(', ')}`], ['calendar', `${id} ${version}, ${title}`], ['answers', `from ${from} to ${until}`],
    ['at', instant(calendar, at)], ['state', stateCell(reading)], ['why', reading.why], ['since', instant(calendar, reading.since_ms)], ['until', instant(calendar, reading.until_ms)],
    ['trading day', reading.trading_day], ['opens', now.ok ? instant(calendar, now.opens_at_ms) : undefined], ['closes', now.ok ? instant(calendar, now.closes_at_ms) : undefined],
    ['opens next', now.ok ? instant(calendar, now.next_open_ms) : undefined], ['an order now', refusal === undefined ? 'may be sent' : `is refused with ${refusal.code}`], ['source', source],
  ]);
  if (days.length === 0) return;
  out.line();
  out.table(days, [
    { head: 'DATE', of: (day) => day.date }, { head: 'DAY', of: (day) => day.weekday }, { head: `HOURS (${time_zone})`, of: (day) => ({ text: hoursText(day, calendar), ...(day.phases.length === 0 ? { tone: 'warn' as const } : {}) }) },
    { head: 'WHAT', of: (day) => day.why ?? '' },
  ]);
};

const COLUMNS: readonly Column<{ readonly calendar: Calendar; readonly reading: SessionReading }>[] = [
  { head: 'CALENDAR', of: ({ calendar }) => calendar.name }, { head: 'MARKET', of: ({ calendar }) => calendar.title }, { head: 'STATE', of: ({ reading }) => stateCell(reading) },
  { head: 'TRADING DAY', of: ({ reading }) => reading.trading_day ?? '' },
  { head: 'UNTIL', of: ({ reading, calendar }) => (reading.until_ms === undefined ? '' : wallText(calendar.time_zone, reading.until_ms)) },
  { head: 'OPENS NEXT', of: ({ reading, calendar }) => (reading.next_open_ms === undefined ? '' : wallText(calendar.time_zone, reading.next_open_ms)) },
  { head: 'ZONE', of: ({ calendar }) => calendar.time_zone }, { head: 'HORIZON', of: ({ calendar }) => `${calendar.from} to ${calendar.until}` }, { head: 'VERSION', of: ({ calendar }) => calendar.version },
  { head: 'WHY', of: ({ reading }) => (reading.state === 'unknown' ? 'beyond its horizon' : reading.why ?? '') },
];

const showAll = (context: Context, flags: ShowFlags): void => {
  const { out } = context;
  const at = timeOf(context, flags.at);
  const rows = CALENDARS.map((calendar) => ({ calendar, reading: readSession(calendar.name, at) }));
  if (out.json) return out.data({ at_ms: at, sessions: [...SESSIONS.values()].map(({ name, calendar, trades }) => ({ name, calendar: calendar.name, trades })), readings: rows.map(({ reading }) => reading) });
  out.table(rows, COLUMNS);
  out.note(`at ${wallText('UTC', at)} UTC; sessions that instruments name: ${[...SESSIONS.keys()].filter((name) => !CALENDARS.some((calendar) => calendar.name === name)).join(', ')}`);
};

const show = async (context: Context, name: string | undefined, flags: ShowFlags): Promise<void> => {
  if (Number(flags.days) > DAYS_MAX) throw usage(`--days is at most ${DAYS_MAX}`);
  if (name === undefined) return showAll(context, flags);
  await showOne(context, name, flags);
};

export const sessionCommands = (program: Command, run: Run): void => {
  program.command('session').description('when markets trade, by the exchange calendars of this build').command('show').description('one session, calendar or listed instrument; all calendars without a name')
    .argument('[name]', 'such as us-equities, XNYS or SPY').option('--at <time>', 'a time with its zone, as 2024-11-29T14:30:00Z, or a date: its midnight in UTC; now when absent').option('--days <n>', 'its days from then on', wholeNumber('--days'), '5')
    .addHelpText('after', '\nAsks nobody: the calendars are built in, and an instrument is looked up in the read model on this machine. Ends with 1 where the calendar does not know the day.\n\nExamples:\n  tally session show\n  tally session show us-equities --days 10\n  tally session show XTKS --at 2024-11-05T02:45:00Z\n  tally session show SPY --data .data --json')
    .action(run((context, [name], flags: ShowFlags) => show(context, name, flags)));
};
