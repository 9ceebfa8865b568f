import { clockOf, dateText, dayNumber, isoWeekday, minuteOf } from '@tallystick/domain';
import type { Calendar, Clock, DayRule, Effect, Phase, PhaseState } from './calendar.ts';
import { appliesIn, datesOf } from './rules.ts';

const DAY_MINUTES = 24 * 60;
const PREVIOUS = 'prev ';
/** Two years of days, of each calendar: a replay of months computes each day once, and memory stays bounded. */
const CACHED_DAYS_MAX = 800;

/** A phase of a day as instants, epoch ms UTC. */
export interface TimedPhase {
  readonly state: PhaseState;
  readonly from_ms: number;
  readonly until_ms: number;
}

/** One trading day, or one without trading and why. */
export interface DayPlan {
  readonly date: string;
  /** In order, without overlap; none on a day without trading. */
  readonly phases: readonly TimedPhase[];
  /** What is special about the date. */
  readonly rule?: DayRule;
  readonly why?: string;
}

/** Minutes since the day's midnight; of the evening before, negative. Not a number when unreadable. */
export const minutesOf = (clock: Clock): number => (clock.startsWith(PREVIOUS) ? minuteOf(clock.slice(PREVIOUS.length)) - DAY_MINUTES : minuteOf(clock));

interface Minutes {
  readonly state: PhaseState;
  readonly from: number;
  readonly until: number;
}

const inMinutes = (phases: readonly Phase[]): readonly Minutes[] => phases.map(({ state, from, until }) => ({ state, from: minutesOf(from), until: minutesOf(until) }));

const isBreak = (phase: Minutes | undefined): boolean => phase?.state === 'lunch' || phase?.state === 'halted';

const shaped = (phases: readonly Minutes[], effect: Effect | undefined): readonly Minutes[] => {
  if (effect === undefined) return phases;
  switch (effect.kind) {
    case 'closed':
      return [];
    case 'special':
      return inMinutes(effect.phases);
    case 'close_early': {
      const at = minutesOf(effect.at);
      const kept = phases.filter(({ state, from }) => state !== 'post' && from < at).map((one) => ({ ...one, until: Math.min(one.until, at) }));
      // A break that runs into the close is no break any more.
      while (isBreak(kept.at(-1))) kept.pop();
      return effect.post_until === undefined ? kept : [...kept, { state: 'post', from: at, until: minutesOf(effect.post_until) }];
    }
    case 'open_late': {
      const at = minutesOf(effect.at);
      const kept = phases.filter(({ state, until }) => state !== 'pre' && until > at).map((one) => ({ ...one, from: Math.max(one.from, at) }));
      while (isBreak(kept[0])) kept.shift();
      return [...phases.filter(({ state }) => state === 'pre').map((one) => ({ ...one, until: at })), ...kept];
    }
  }
};

const strength: Readonly<Record<Effect['kind'], number>> = { open_late: 1, close_early: 1, closed: 2, special: 3 };

/** Rules of every day of `year` that has one; where two name a day, special hours win over a closed day, a closed day over shorter hours. */
const rulesOfYear = (calendar: Calendar, year: number): ReadonlyMap<number, DayRule> => {
  const found = new Map<number, DayRule>();
  const [first, last] = [dayNumber(`${year}-01-01`), dayNumber(`${year}-12-31`)];
  for (const rule of calendar.rules) {
    for (const named of [year - 1, year, year + 1]) {
      if (!appliesIn(rule, named)) continue;
      for (const days of datesOf(rule.on, named)) {
        const other = found.get(days);
        if (days >= first && days <= last && (!other || strength[rule.effect.kind] > strength[other.effect.kind])) found.set(days, rule);
      }
    }
  }
  return found;
};

interface Known {
  /** First instant answered for, and the first after. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly years: Map<number, ReadonlyMap<number, DayRule>>;
  readonly plans: Map<number, DayPlan>;
  /** Minutes before midnight at which the longest day begins, as a negative number; 0 where none begins the evening before. */
  readonly earliest: number;
}

const known = new WeakMap<Calendar, Known>();

const knownOf = (calendar: Calendar): Known => {
  const found = known.get(calendar);
  if (found) return found;
  const all = [...calendar.hours.flatMap(({ phases }) => phases), ...calendar.rules.flatMap(({ effect }) => (effect.kind === 'special' ? effect.phases : []))];
  const earliest = Math.min(0, ...all.map(({ from }) => minutesOf(from)));
  const made: Known = {
    years: new Map(), plans: new Map(), earliest,
    fromMs: clockOf(calendar.time_zone, dayNumber(calendar.from))(0), untilMs: clockOf(calendar.time_zone, dayNumber(calendar.until) + 1)(earliest),
  };
  known.set(calendar, made);
  return made;
};

/** Minutes, 0 or negative, between a day's midnight and the earliest that a session of it begins. */
export const earliestStart = (calendar: Calendar): number => knownOf(calendar).earliest;

/** First instant (epoch ms) that the calendar answers for, and the first after. The evening before a day that it does not know is not answered for. */
export const horizonOf = (calendar: Calendar): { readonly from_ms: number; readonly until_ms: number } => {
  const { fromMs: from_ms, untilMs: until_ms } = knownOf(calendar);
  return { from_ms, until_ms };
};

const ruleOf = (calendar: Calendar, days: number): DayRule | undefined => {
  const { years } = knownOf(calendar);
  const year = Number(dateText(days).slice(0, 4));
  const rules = years.get(year) ?? rulesOfYear(calendar, year);
  years.set(year, rules);
  return rules.get(days);
};

const makePlan = (calendar: Calendar, days: number): DayPlan => {
  const date = dateText(days);
  const rule = ruleOf(calendar, days);
  const about = rule ? { rule, why: rule.name } : {};
  if (rule?.effect.kind !== 'special' && !calendar.week.includes(isoWeekday(days))) return { date, phases: [], ...about, why: rule?.effect.kind === 'closed' ? rule.name : 'weekend' };
  const hours = calendar.hours.filter(({ from }) => from <= date).at(-1);
  const clock = clockOf(calendar.time_zone, days);
  const phases = shaped(inMinutes(hours?.phases ?? []), rule?.effect).map(({ state, from, until }) => ({ state, from_ms: clock(from), until_ms: clock(until) }));
  return { date, phases, ...about };
};

/** The plan of the day with number `days`. Does not look at the horizon: that is for who asks. */
export const planOf = (calendar: Calendar, days: number): DayPlan => {
  const { plans } = knownOf(calendar);
  const found = plans.get(days);
  if (found) return found;
  const made = makePlan(calendar, days);
  if (plans.size >= CACHED_DAYS_MAX) plans.clear();
  plans.set(days, made);
  return made;
};
