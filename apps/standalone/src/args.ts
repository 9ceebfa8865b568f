import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { didYouMean } from './nearest.ts';
import { Refusal } from './refusal.ts';

export const HELP = `Usage: npm start -- [options]

Starts everything on this machine, a process per service, and watches it: nats-server, the event store, the paper venue, intents,
risk, execution, fills, supervisor, gateway and two example strategies. Ctrl-C stops it all in order; a second one at once.

  --data DIR          where everything is kept (default .data in the project)
  --fresh             empties it first
  --port N            the gateway's port, 0 for any free one (default 8787)
  --profile NAME      demo (default), or bare: without strategies
  --market SOURCE     lean:DIR, csv:FILE or simulated (default: as last time in this data directory, at first simulated)
  --day YYYY-MM-DD    only this day of the market
  --symbols A,B       only these symbols
  --seed TEXT         of the simulated market
  --speed SPEED       max: as fast as everything settles, in lockstep; N: that many times real time
                      (default 1 for the simulated market, 60 for recorded ones)
  --exit              ends when the market has ended, with a summary and its checks; exit code 0 only if all of them hold
  --json              the summary as JSON on standard output, everything else on standard error
  --in-process        intents, risk, execution and fills in one process
  --help

With ESDB_URL set, that EventStoreDB is used and no event store is started.

Examples
  npm start
  npm start -- --market csv:quotes.csv --speed 10 --data /tmp/trial
  npm start -- --market lean:Data/equity/usa --day 2013-10-08 --speed max --exit

Exit codes: 0 stopped as asked, or all checks hold; 1 could not go on, or a check failed; 2 wrong arguments; 130 forced.
`;

export type Speed = 'max' | number;

/** What was not said is absent. Paths are absolute. */
export interface MarketChoice {
  readonly market?: string;
  readonly day?: string;
  readonly symbols?: string;
  readonly seed?: string;
}

export type ChosenMarket = MarketChoice & { readonly market: string };

export interface Options extends MarketChoice {
  readonly dataDir: string;
  readonly fresh: boolean;
  readonly port: number;
  readonly profile: 'demo' | 'bare';
  readonly speed?: Speed;
  readonly exit: boolean;
  readonly json: boolean;
  readonly inProcess: boolean;
  readonly help: boolean;
}

const FLAGS = ['fresh', 'exit', 'json', 'in-process', 'help'] as const;
const VALUES = ['data', 'port', 'profile', 'market', 'day', 'symbols', 'seed', 'speed'] as const;
const NAMES = [...FLAGS, ...VALUES].map((name) => `--${name}`);
const PROFILES = ['demo', 'bare'] as const;
const PORT_DEFAULT = 8787;
/** Far beyond what any machine keeps up with; more is a typing error. */
const SPEED_MAX = 100_000;

type Flag = (typeof FLAGS)[number];
type Value = (typeof VALUES)[number];
const isFlag = (name: string): name is Flag => FLAGS.some((flag) => flag === name);
const isValue = (name: string): name is Value => VALUES.some((value) => value === name);

const wrong = (text: string): never => {
  throw new Refusal(`${text} (see --help)`, 2);
};

const split = (args: readonly string[]): { readonly flags: ReadonlySet<Flag>; readonly values: ReadonlyMap<Value, string> } => {
  const flags = new Set<Flag>();
  const values = new Map<Value, string>();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '-h') arg = '--help';
    if (!arg.startsWith('--')) wrong(`unexpected argument ${arg}${didYouMean(`--${arg}`, NAMES)}`);
    const [name = '', inline] = arg.slice(2).split(/=(.*)/s);
    if (isFlag(name)) {
      if (inline !== undefined) wrong(`--${name} takes no value`);
      flags.add(name);
    } else if (isValue(name)) {
      const value = inline ?? rest.shift();
      if (value === undefined || value === '' || (inline === undefined && value.startsWith('--'))) return wrong(`--${name} needs a value`);
      if (values.has(name)) wrong(`--${name} is given twice`);
      values.set(name, value);
    } else wrong(`unknown option --${name}${didYouMean(`--${name}`, NAMES)}`);
  }
  return { flags, values };
};

const readPort = (text: string | undefined): number => {
  if (text === undefined) return PORT_DEFAULT;
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : wrong(`--port ${text} is not a port from 0 to 65535`);
};

const readSpeed = (text: string | undefined): Speed | undefined => {
  if (text === undefined || text === 'max') return text;
  const speed = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  return speed > 0 && speed <= SPEED_MAX ? speed : wrong(`--speed ${text} is neither max nor a number above 0 and up to ${SPEED_MAX}`);
};

const readDay = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const atMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  const real = !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text);
  return real ? text : wrong(`--day ${text} is not a date YYYY-MM-DD`);
};

const pathOf = (given: string, cwd: string, isRight: (stat: ReturnType<typeof statSync>) => boolean | undefined, what: string): string => {
  const path = resolve(cwd, given);
  const stat = statSync(path, { throwIfNoEntry: false });
  return isRight(stat) === true ? path : wrong(`--market: there is no ${what} at ${path}`);
};

const readMarket = (text: string | undefined, cwd: string): string | undefined => {
  if (text === undefined || text === 'simulated') return text;
  const [kind = '', path = ''] = text.split(/:(.*)/s);
  if (kind === 'lean' && path !== '') return `lean:${pathOf(path, cwd, (stat) => stat?.isDirectory(), 'directory')}`;
  if (kind === 'csv' && path !== '') return `csv:${pathOf(path, cwd, (stat) => stat?.isFile(), 'file')}`;
  return wrong(`--market ${text} is none of lean:DIR, csv:FILE and simulated${didYouMean(kind, ['lean', 'csv', 'simulated'])}`);
};

const readProfile = (text: string | undefined): 'demo' | 'bare' => {
  if (text === undefined) return 'demo';
  return PROFILES.find((profile) => profile === text) ?? wrong(`--profile ${text} is neither demo nor bare${didYouMean(text, PROFILES)}`);
};

const matching = (name: string, text: string | undefined, pattern: RegExp, what: string): string | undefined =>
  (text === undefined || pattern.test(text) ? text : wrong(`--${name} ${text} is not ${what}`));

const put = <K extends string, V>(key: K, value: V | undefined): { readonly [name in K]?: V } => (value === undefined ? {} : ({ [key]: value } as { [name in K]?: V }));

/**
 * `cwd`: where the caller stands, to which relative paths belong; `root`: the project's directory, which holds the default data
 * directory. Throws a Refusal of exit code 2 with the first thing that is wrong.
 */
export const readOptions = (args: readonly string[], { cwd, root }: { readonly cwd: string; readonly root: string }): Options => {
  const { flags, values } = split(args);
  const data = values.get('data');
  const simulated = values.get('market') ?? 'simulated';
  if (values.has('seed') && simulated !== 'simulated') wrong('--seed is for the simulated market: recorded ones are as they are');
  return {
    dataDir: data === undefined ? join(root, '.data') : resolve(cwd, data),
    port: readPort(values.get('port')),
    profile: readProfile(values.get('profile')),
    fresh: flags.has('fresh'), exit: flags.has('exit'), json: flags.has('json'), inProcess: flags.has('in-process'), help: flags.has('help'),
    ...put('speed', readSpeed(values.get('speed'))),
    ...put('market', readMarket(values.get('market'), cwd)),
    ...put('day', readDay(values.get('day'))),
    ...put('symbols', matching('symbols', values.get('symbols'), /^[A-Za-z0-9._-]{1,32}(,[A-Za-z0-9._-]{1,32})*$/, 'a list of symbols, A,B,C')),
    ...put('seed', matching('seed', values.get('seed'), /^[A-Za-z0-9._-]{1,64}$/, 'up to 64 letters, digits and . _ -')),
  };
};

/** Recorded days at real pace take a working day to watch; a minute per second shows what happens. */
const RECORDED_SPEED = 60;
export const speedFor = (speed: Speed | undefined, market: string): Speed => speed ?? (market === 'simulated' ? 1 : RECORDED_SPEED);
