import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { ChosenMarket, MarketChoice } from './args.ts';
import { codeOf, messageOf, Refusal } from './refusal.ts';

const SECRET_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** 192 bits: nobody guesses it, and it is still short enough to copy. */
const TOKEN_BYTES = 24;

export const PAPER_ACCOUNTS = ['paper-1', 'paper-2'] as const;

const Secrets = z.strictObject({
  version: z.literal(1),
  /** Opens the paper venue's control door. */
  control_token: z.string(),
  /** The paper venue's tokens by account. */
  venue_tokens: z.record(z.string(), z.string()),
  /** Bearer tokens of the demo operators; the second agrees to what takes two. Data directories of earlier releases have none. */
  operator_token: z.string(),
  second_operator_token: z.string().optional(),
  viewer_token: z.string(),
});
export type Secrets = z.infer<typeof Secrets>;

const Market = z.strictObject({ market: z.string(), day: z.string().optional(), symbols: z.string().optional(), seed: z.string().optional() });

export interface DataDir {
  readonly dir: string;
  readonly secrets: Secrets;
  /** Nothing was ever up here: the token has not been shown yet. */
  readonly isNew: boolean;
  readonly venueTokensFile: string;
  readonly operatorFile: string;
}

/** What a start makes here, and so what `--fresh` takes away: nothing else, whatever directory it is given. */
const OURS = ['store', 'anchors', 'nats', 'venue', 'keys', 'logs', 'read-model', 'secrets.json', 'venue-tokens.json', 'tokens.json', 'operator.json', 'market.json', 'run.json'];

const readJson = <T>(path: string, schema: z.ZodType<T>): T | undefined => {
  if (!existsSync(path)) return undefined;
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Refusal(`${path} cannot be read (${messageOf(error).split('\n')[0]}): start with --fresh, or with another --data`);
  }
};

/** Whole or not at all, and for its owner only. */
export const writeSecret = (path: string, value: unknown): void => {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: SECRET_MODE });
  chmodSync(`${path}.new`, SECRET_MODE);
  renameSync(`${path}.new`, path);
};

const runningPid = (dir: string): string => {
  const run = readJson(join(dir, 'run.json'), z.object({ pid: z.int() }));
  return run === undefined ? '' : ` (process ${run.pid})`;
};

/**
 * Takes the directory for this process, creating it where it is missing. The lock is the operating system's (SQLite's exclusive file
 * lock), so it ends with the process however that ends. Refuses a directory that another one has, or that cannot be written.
 */
export const lockDataDir = (dir: string): (() => void) => {
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(dir, { recursive: true, mode: DIRECTORY_MODE });
    db = new DatabaseSync(join(dir, 'standalone.lock'));
    db.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (error) {
    db?.close();
    if (/locked|busy/i.test(messageOf(error))) throw new Refusal(`${dir} is in use by another start${runningPid(dir)}: stop that one, or choose another directory with --data`);
    throw new Refusal(`${dir} cannot be used as data directory (${codeOf(error) || messageOf(error)}): choose another with --data`);
  }
  const held = db;
  return () => {
    held.exec('ROLLBACK');
    held.close();
  };
};

export const emptyDataDir = (dir: string): void => {
  for (const name of OURS) rmSync(join(dir, name), { recursive: true, force: true });
};

const token = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** Secrets, made on the first start; the demo operators in the form that the gateway reads: hashes, never tokens. */
export const prepareDataDir = (dir: string): DataDir => {
  const path = join(dir, 'secrets.json');
  const known = readJson(path, Secrets);
  const secrets: Secrets = known ?? {
    version: 1, control_token: token(), operator_token: token(), second_operator_token: token(), viewer_token: token(),
    venue_tokens: Object.fromEntries(PAPER_ACCOUNTS.map((account) => [account, token()])),
  };
  if (known === undefined) writeSecret(path, secrets);
  const venueTokensFile = join(dir, 'venue-tokens.json');
  writeSecret(venueTokensFile, secrets.venue_tokens);
  if (!existsSync(join(dir, 'tokens.json'))) {
    writeSecret(join(dir, 'tokens.json'), {
      version: 1,
      tokens: [
        { name: 'demo-operator', sha256: sha256(secrets.operator_token), scopes: ['read', 'propose', 'reduce', 'operate'] },
        ...(secrets.second_operator_token === undefined ? [] : [{ name: 'demo-second-operator', sha256: sha256(secrets.second_operator_token), scopes: ['read', 'reduce', 'operate'] }]),
        { name: 'demo-viewer', sha256: sha256(secrets.viewer_token), scopes: ['read'] },
      ],
    });
  }
  const operatorFile = join(dir, 'operator.json');
  return { dir, secrets, isNew: !existsSync(operatorFile), venueTokensFile, operatorFile };
};

/** The market asked for; without one that of the last start here, so that a plain start goes on where it was. */
export const chooseMarket = (dir: string, options: MarketChoice): ChosenMarket => {
  const asked = options.market ?? options.day ?? options.symbols ?? options.seed;
  const known = readJson(join(dir, 'market.json'), Market);
  const { market = 'simulated', day, symbols, seed } = asked === undefined && known !== undefined ? known : options;
  return { market, ...(day === undefined ? {} : { day }), ...(symbols === undefined ? {} : { symbols }), ...(seed === undefined ? {} : { seed }) };
};

/** Once the venue has taken it: what it refuses must not be what a plain start tries next. */
export const rememberMarket = (dir: string, { market, day, symbols, seed }: ChosenMarket): void => {
  writeSecret(join(dir, 'market.json'), { market, day, symbols, seed });
};
