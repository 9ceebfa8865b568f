import { isDecimalText } from '@tallystick/domain';
import type { MarketOptions } from '@tallystick/market';

export interface PaperVenueConfig {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly market: string;
  readonly marketOptions: MarketOptions;
  readonly accounts: readonly { readonly account: string; readonly cash: string; readonly token: string }[];
  readonly controlToken: string;
  readonly feePerShare: string;
  readonly dedupe: 'none' | 'permanent';
  readonly requestsPerSecond: number | undefined;
}

export type ConfigRead = { readonly ok: true; readonly config: PaperVenueConfig } | { readonly ok: false; readonly problems: readonly string[] };

export const HELP = `tallystick paper venue: matches orders against a replayed market and keeps its own book.

It never advances by itself: POST /control/step moves the market, everything else happens between steps.

Required
  TALLY_VENUE_DATA_DIR             where the book is kept; one process at a time
  TALLY_VENUE_TOKENS               account=token[,account=token…]; a token opens /v1 for its account
  TALLY_VENUE_CONTROL_TOKEN        opens /control and the whole of /v1/book

Market
  TALLY_MARKET                     lean:DIR, csv:FILE or simulated (default simulated)
  TALLY_MARKET_DAY                 YYYY-MM-DD; default every day found (simulated: 2024-01-03)
  TALLY_MARKET_SYMBOLS             SPY,IBM,…; default all found
  TALLY_MARKET_RESOLUTION          second, minute or tick, where LEAN's tree has several
  TALLY_MARKET_SESSION             us-equities (default), always, xetra, fx …; tally session show lists them
  TALLY_SEED                       of the simulated market; default 1

Venue
  TALLY_VENUE_PORT                 default 7410; 0 takes a free one
  TALLY_VENUE_HOST                 default 127.0.0.1
  TALLY_VENUE_CASH                 cash of each account at first start, default 1000000
  TALLY_VENUE_FEE_PER_SHARE        default 0.0035
  TALLY_VENUE_DEDUPE               none (default) or permanent: what happens to a client order id that comes twice
  TALLY_VENUE_REQUESTS_PER_SECOND  per account; default no limit

Prints {"event":"ready","port":…} when it listens. GET /healthz, /readyz and /metrics need no token.
Ends on SIGTERM or SIGINT with 0; with 1 when it cannot start, with 2 when its settings are wrong.
`;

type Env = Readonly<Record<string, string | undefined>>;

const ACCOUNT = /^[A-Za-z0-9._-]{1,64}$/;
/** Short tokens are guessed; this is a floor, not a policy. */
const TOKEN_CHARS_MIN = 8;
const DEFAULT_PORT = 7410;

const readAccounts = (env: Env, cash: string, problems: string[]): PaperVenueConfig['accounts'] => {
  const text = env['TALLY_VENUE_TOKENS'] ?? '';
  if (text === '') problems.push('TALLY_VENUE_TOKENS is missing: account=token[,account=token…]');
  const accounts = text.split(',').filter((pair) => pair !== '').map((pair) => {
    const at = pair.indexOf('=');
    return { account: pair.slice(0, Math.max(at, 0)).trim(), token: pair.slice(at + 1).trim(), cash };
  });
  for (const { account, token } of accounts) {
    // The token is a secret: its account is named, never itself.
    if (!ACCOUNT.test(account)) problems.push('TALLY_VENUE_TOKENS: an account is 1 to 64 of A-Z a-z 0-9 . _ -, followed by =token');
    else if (token.length < TOKEN_CHARS_MIN) problems.push(`TALLY_VENUE_TOKENS: the token of ${account} has fewer than ${TOKEN_CHARS_MIN} characters`);
  }
  if (new Set(accounts.map((each) => each.account)).size !== accounts.length) problems.push('TALLY_VENUE_TOKENS: an account is named twice');
  if (new Set(accounts.map((each) => each.token)).size !== accounts.length) problems.push('TALLY_VENUE_TOKENS: two accounts have one token');
  return accounts;
};

const readWhole = (env: Env, name: string, problems: string[], { most, least = 0 }: { most: number; least?: number }): number | undefined => {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  problems.push(`${name} "${text}" is not a whole number from ${least} to ${most}`);
  return undefined;
};

const readAmount = (env: Env, name: string, preset: string, problems: string[]): string => {
  const text = env[name] ?? preset;
  if (!isDecimalText(text) || text.startsWith('-')) problems.push(`${name} "${text}" is not a decimal of 0 or more`);
  return text;
};

/** Settings from the environment. All problems are named at once. */
export const readConfig = (env: Env): ConfigRead => {
  const problems: string[] = [];
  const port = readWhole(env, 'TALLY_VENUE_PORT', problems, { most: 65_535 }) ?? DEFAULT_PORT;
  const requestsPerSecond = readWhole(env, 'TALLY_VENUE_REQUESTS_PER_SECOND', problems, { most: 1_000_000, least: 1 });
  const cash = readAmount(env, 'TALLY_VENUE_CASH', '1000000', problems);
  const feePerShare = readAmount(env, 'TALLY_VENUE_FEE_PER_SHARE', '0.0035', problems);
  const accounts = readAccounts(env, cash, problems);
  const dataDir = env['TALLY_VENUE_DATA_DIR'] ?? '';
  if (dataDir === '') problems.push('TALLY_VENUE_DATA_DIR is missing');
  const controlToken = env['TALLY_VENUE_CONTROL_TOKEN'] ?? '';
  if (controlToken.length < TOKEN_CHARS_MIN) problems.push(`TALLY_VENUE_CONTROL_TOKEN is missing, or has fewer than ${TOKEN_CHARS_MIN} characters`);
  if (accounts.some((each) => each.token === controlToken)) problems.push('TALLY_VENUE_CONTROL_TOKEN is also an account\'s token');
  const dedupe = env['TALLY_VENUE_DEDUPE'] ?? 'none';
  if (dedupe !== 'none' && dedupe !== 'permanent') problems.push(`TALLY_VENUE_DEDUPE "${dedupe}" is neither none nor permanent`);
  if (problems.length > 0) return { ok: false, problems };
  const given = <K extends string>(key: K, name: string): Partial<Record<K, string>> => {
    const value = env[name];
    return value === undefined || value === '' ? {} : ({ [key]: value } as Partial<Record<K, string>>);
  };
  const symbols = (env['TALLY_MARKET_SYMBOLS'] ?? '').split(',').map((symbol) => symbol.trim()).filter((symbol) => symbol !== '');
  return {
    ok: true,
    config: {
      port, host: env['TALLY_VENUE_HOST'] ?? '127.0.0.1', dataDir, accounts, controlToken, feePerShare, requestsPerSecond,
      dedupe: dedupe === 'permanent' ? 'permanent' : 'none',
      market: env['TALLY_MARKET'] || 'simulated',
      marketOptions: {
        ...given('day', 'TALLY_MARKET_DAY'), ...given('seed', 'TALLY_SEED'), ...given('resolution', 'TALLY_MARKET_RESOLUTION'),
        ...given('session', 'TALLY_MARKET_SESSION'), ...(symbols.length > 0 ? { symbols } : {}),
      },
    },
  };
};
