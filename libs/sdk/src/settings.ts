import { readFileSync } from 'node:fs';
import { ID_TEXT } from '@tallystick/contracts';
import type { BusCredentials } from '@tallystick/messaging';
import type { Log, Ports } from '@tallystick/ports';

/** What is not given comes from the environment, as the supervisor sets it. */
export interface TallyOptions {
  /** NATS servers, `nats://host:port`. Default: TALLY_NATS_URL, commas between several. */
  readonly servers?: string | readonly string[];
  /** The same as `servers`, for one. */
  readonly url?: string;
  /** Bus token. Default: the contents of the file that TALLY_NATS_TOKEN_FILE names. */
  readonly token?: string;
  /** Any other way to log in to the bus; wins over `token`. */
  readonly credentials?: BusCredentials;
  /** Default: TALLY_STRATEGY, TALLY_STRATEGY_VERSION. */
  readonly strategy?: { readonly id: string; readonly version: string };
  /** Default: TALLY_ACCOUNT. */
  readonly account?: string;
  /** Default: TALLY_MODE, else `paper`. */
  readonly mode?: 'paper' | 'live';
  /** One running copy of a strategy. Default: TALLY_INSTANCE, else the strategy's id. */
  readonly instanceId?: string;
  /** One start of an instance. Default: TALLY_RUN_ID, else a fresh UUID. */
  readonly runId?: string;
  /** Stops waiting for the first connection. Without it the wait has no end. */
  readonly signal?: AbortSignal;
  readonly log?: Log;
  readonly ports?: Ports;
}

export interface Settings {
  readonly servers: readonly string[];
  readonly credentials: BusCredentials | undefined;
  readonly strategy: { readonly id: string; readonly version: string };
  readonly account: string;
  readonly mode: 'paper' | 'live';
  readonly instanceId: string;
  /** Absent where neither options nor environment name one. */
  readonly runId: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What `connectTally` throws when it cannot begin. `SETTINGS_INVALID`: `message` names every setting that is wrong. */
export class TallyError extends Error {
  override readonly name = 'TallyError';

  constructor(
    readonly code: 'SETTINGS_INVALID',
    message: string,
  ) {
    super(message);
  }
}

const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,31}$/;
/** As heartbeats carry it. */
const RUN_ID_CHARS_MAX = 128;

const readToken = (file: string, problems: string[]): BusCredentials | undefined => {
  try {
    return { kind: 'token', token: readFileSync(file, 'utf8').trim() };
  } catch (error) {
    problems.push(`TALLY_NATS_TOKEN_FILE ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
};

const credentialsOf = (options: TallyOptions, env: Environment, problems: string[]): BusCredentials | undefined => {
  if (options.credentials) return options.credentials;
  if (options.token !== undefined) return { kind: 'token', token: options.token };
  const file = env['TALLY_NATS_TOKEN_FILE'];
  return file ? readToken(file, problems) : undefined;
};

const serversOf = (options: TallyOptions, env: Environment): readonly string[] => {
  const given = options.servers ?? options.url ?? env['TALLY_NATS_URL'] ?? '';
  const list = typeof given === 'string' ? given.split(',') : given;
  return list.map((server) => server.trim()).filter((server) => server !== '');
};

/** Throws `SETTINGS_INVALID` with all problems at once. */
export const resolveSettings = (options: TallyOptions, env: Environment): Settings => {
  const problems: string[] = [];
  const name = (text: string | undefined, what: string): string => {
    if (text === undefined || text === '') problems.push(`${what} is missing`);
    else if (!ID_TEXT.test(text)) problems.push(`${what} ${JSON.stringify(text.slice(0, 80))} is not a name: letters, digits, _ and -, at most 64`);
    return text ?? '';
  };
  const servers = serversOf(options, env);
  if (servers.length === 0) problems.push('no bus: give servers, or set TALLY_NATS_URL');
  const id = name(options.strategy?.id ?? env['TALLY_STRATEGY'], 'strategy (TALLY_STRATEGY)');
  const version = options.strategy?.version ?? env['TALLY_STRATEGY_VERSION'] ?? '';
  if (!VERSION.test(version)) problems.push(`strategy version (TALLY_STRATEGY_VERSION) ${JSON.stringify(version.slice(0, 80))} is not a version: at most 32 of letters, digits and . _ + -`);
  const account = name(options.account ?? env['TALLY_ACCOUNT'], 'account (TALLY_ACCOUNT)');
  const mode = options.mode ?? env['TALLY_MODE'] ?? 'paper';
  if (mode !== 'paper' && mode !== 'live') problems.push(`mode (TALLY_MODE) ${JSON.stringify(mode.slice(0, 80))} is neither paper nor live`);
  const instanceId = name(options.instanceId ?? (env['TALLY_INSTANCE'] || id), 'instance (TALLY_INSTANCE)');
  const runId = options.runId ?? (env['TALLY_RUN_ID'] || undefined);
  if (runId !== undefined && runId.length > RUN_ID_CHARS_MAX) problems.push(`run id (TALLY_RUN_ID) has more than ${RUN_ID_CHARS_MAX} characters`);
  const credentials = credentialsOf(options, env, problems);
  if (problems.length > 0) throw new TallyError('SETTINGS_INVALID', problems.join('; '));
  return { servers, credentials, strategy: { id, version }, account, mode: mode === 'live' ? 'live' : 'paper', instanceId, runId };
};
