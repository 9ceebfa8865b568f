import { parseArgs } from 'node:util';
import type { Log } from '@tallystick/ports';
import type { z } from 'zod';
import { BasketParameters } from './basket/parameters.ts';
import { basketStrategy } from './basket/strategy.ts';
import { CrossoverParameters } from './crossover/parameters.ts';
import { crossoverStrategy } from './crossover/strategy.ts';
import type { Strategy } from './shared/strategy.ts';

export const HELP = `Usage: strategies <rebalance|signal> [options]

Example strategies. They take turns on business time and propose intents; risk decides.
  rebalance   holds a basket at its target weights: one basket intent every 30 minutes
  signal      trades when a fast average of mids crosses a slow one: per symbol, every minute

Options, and the environment they default to
  --parameters JSON   TALLY_PARAMETERS; what may be set and its defaults: see src/basket and src/crossover
  --symbols A,B       TALLY_SYMBOLS; default: every symbol that is quoted
  --ambition SHARE    signal only: share of orders beyond what a policy allows, to see refusals (default 0.03)
  --account NAME      TALLY_ACCOUNT
  --servers URL       TALLY_NATS_URL
  --help

Also from the environment: TALLY_INSTANCE, TALLY_RUN_ID, TALLY_STRATEGY (default: the name), TALLY_STRATEGY_VERSION, TALLY_MODE,
TALLY_NATS_TOKEN_FILE. Log lines are JSON on standard output. SIGTERM and SIGINT end it with 0 once the turn in hand is over;
exit code 2: settings are wrong.
`;

/** Raised with every change in what a strategy would do on the same data. */
const VERSION = '1.0.0';

interface Kind<P> {
  readonly parameters: z.ZodType<P>;
  readonly build: (parameters: P, log: Log) => Strategy;
}

/** Parameters parsed, strategy ready to be built. */
const prepared = <P>(kind: Kind<P>, given: unknown): { readonly ok: true; readonly build: (log: Log) => Strategy } | { readonly ok: false; readonly problems: readonly string[] } => {
  const parsed = kind.parameters.safeParse(given);
  if (parsed.success) return { ok: true, build: (log) => kind.build(parsed.data, log) };
  return { ok: false, problems: parsed.error.issues.map((issue) => `parameter ${issue.path.map(String).join('.') || '(all)'}: ${issue.message}`) };
};

const STRATEGIES = {
  rebalance: (given: unknown) => prepared({ parameters: BasketParameters, build: basketStrategy }, given),
  signal: (given: unknown) => prepared({ parameters: CrossoverParameters, build: crossoverStrategy }, given),
} as const;

type Env = Readonly<Record<string, string | undefined>>;

export type Settings =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] }
  | {
      readonly kind: 'run';
      readonly name: string;
      readonly build: (log: Log) => Strategy;
      /** For the connection: the environment with what the options say laid over it. */
      readonly env: Env;
    };

const OPTIONS = {
  parameters: { type: 'string' }, symbols: { type: 'string' }, ambition: { type: 'string' }, account: { type: 'string' }, servers: { type: 'string' }, help: { type: 'boolean' },
} as const;

const readParameters = (text: string | undefined, problems: string[]): Record<string, unknown> => {
  if (text === undefined || text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    problems.push('TALLY_PARAMETERS is not a JSON object');
  } catch {
    problems.push('TALLY_PARAMETERS is not JSON');
  }
  return {};
};

const readArguments = (args: readonly string[], problems: string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return undefined;
  }
};

/** Arguments without the program's own, and the environment. All problems are named at once. */
export const readSettings = (args: readonly string[], env: Env): Settings => {
  const problems: string[] = [];
  const read = readArguments(args, problems);
  if (!read) return { kind: 'wrong', problems };
  const { values, positionals } = read;
  if (values.help === true) return { kind: 'help' };
  const [name = '', ...rest] = positionals;
  const parameters = readParameters(values.parameters ?? env['TALLY_PARAMETERS'], problems);
  const symbols = (values.symbols ?? env['TALLY_SYMBOLS'] ?? '').split(',').map((symbol) => symbol.trim()).filter((symbol) => symbol !== '');
  if (!Object.hasOwn(STRATEGIES, name) || rest.length > 0) {
    return { kind: 'wrong', problems: [`name one strategy, ${Object.keys(STRATEGIES).join(' or ')}`, ...problems] };
  }
  const strategy = STRATEGIES[name as keyof typeof STRATEGIES]({
    ...parameters, ...(symbols.length > 0 ? { symbols } : {}), ...(values.ambition === undefined ? {} : { ambition: values.ambition }),
  });
  if (!strategy.ok) problems.push(...strategy.problems);
  if (!strategy.ok || problems.length > 0) return { kind: 'wrong', problems };
  return {
    kind: 'run', name, build: strategy.build,
    env: {
      ...env, TALLY_STRATEGY: env['TALLY_STRATEGY'] || name, TALLY_STRATEGY_VERSION: env['TALLY_STRATEGY_VERSION'] || VERSION,
      ...(values.account === undefined ? {} : { TALLY_ACCOUNT: values.account }), ...(values.servers === undefined ? {} : { TALLY_NATS_URL: values.servers }),
    },
  };
};
