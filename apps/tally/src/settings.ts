import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { CliError, EXIT } from './errors.ts';

/** Given before or after any command. */
export interface GlobalFlags {
  readonly json?: boolean;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly data?: string;
}

/** What a start leaves in its data directory for the operator, mode 0600. */
const OperatorFile = z.object({ url: z.string().optional(), token: z.string().optional(), store_url: z.string().optional(), read_model: z.string().optional() });
type OperatorFile = z.infer<typeof OperatorFile>;

export interface Settings {
  readonly url: string;
  /** Read only when a request needs it. */
  token(): string;
  readonly storeUrl: string | undefined;
  readonly readModel: string | undefined;
  /** Directory of the embedded event store, as `npm start` and the store's own process find it. */
  readonly storeDir: string | undefined;
  /** Of the system, where that is known. */
  readonly dataDir: string | undefined;
  /** Where these came from, for messages. */
  readonly source: string;
}

type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = 'http://127.0.0.1:8787';

const unreadable = (path: string, error: unknown): CliError => new CliError({
  code: 'SETTINGS_UNREADABLE', message: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, fix: 'check the path and that it is yours to read', exit: EXIT.usage,
});

/** `.data/operator.json` of this directory or the nearest above: where `npm start` puts it. */
const nearestOperatorFile = (from: string): string | undefined => {
  for (let dir = from; ; dir = dirname(dir)) {
    const file = join(dir, '.data', 'operator.json');
    if (existsSync(file)) return file;
    if (dirname(dir) === dir) return undefined;
  }
};

interface OperatorFound {
  /** Where the system keeps its data, when that is known. */
  readonly dataDir: string | undefined;
  readonly path: string | undefined;
  readonly content: OperatorFile;
}

const operatorFile = (flags: GlobalFlags, env: Env, cwd: string): OperatorFound => {
  const named = flags.data ?? env['TALLY_DATA_DIR'];
  const path = named === undefined ? nearestOperatorFile(cwd) : join(resolve(cwd, named), 'operator.json');
  const dataDir = path === undefined ? undefined : dirname(path);
  if (path === undefined || !existsSync(path)) return { dataDir, path: undefined, content: {} };
  try {
    return { dataDir, path, content: OperatorFile.parse(JSON.parse(readFileSync(path, 'utf8'))) };
  } catch (error) {
    throw unreadable(path, error);
  }
};

/** Flags win over the environment, the environment over operator.json of the data directory. */
export const readSettings = (flags: GlobalFlags, env: Env, cwd: string): Settings => {
  const { dataDir, path, content } = operatorFile(flags, env, cwd);
  /** Refused when it is wanted: a store can be restored into a directory where no system has been started yet. */
  const wanted = (): OperatorFile => {
    if (flags.data === undefined || path !== undefined) return content;
    throw new CliError({ code: 'SETTINGS_MISSING', message: `there is no ${join(resolve(cwd, flags.data), 'operator.json')}`, fix: 'start the system with this --data first, or name another', exit: EXIT.usage });
  };
  const token = (): string => {
    const { token: known } = wanted();
    const file = flags.tokenFile ?? env['TALLY_TOKEN_FILE'];
    if (file === undefined) {
      const found = env['TALLY_TOKEN'] ?? known;
      if (found !== undefined) return found;
      throw new CliError({ code: 'TOKEN_MISSING', message: 'there is no token', fix: 'set TALLY_TOKEN or TALLY_TOKEN_FILE, or name the data directory of a running system with --data', exit: EXIT.auth });
    }
    try {
      return readFileSync(resolve(cwd, file), 'utf8').trim();
    } catch (error) {
      throw unreadable(file, error);
    }
  };
  const besideData = dataDir === undefined ? undefined : join(dataDir, 'store');
  return {
    get url() {
      const { url } = wanted();
      return (flags.url ?? env['TALLY_URL'] ?? url ?? DEFAULT_URL).replace(/\/+$/, '');
    },
    get storeUrl() {
      const { store_url: url } = wanted();
      return env['ESDB_URL'] ?? env['TALLY_STORE_URL'] ?? url;
    },
    get readModel() {
      const { read_model: file } = wanted();
      return env['TALLY_READ_MODEL'] ?? file;
    },
    dataDir, token, source: path ?? 'the environment', storeDir: flags.data === undefined ? (env['TALLY_STORE_DATA_DIR'] ?? besideData) : besideData,
  };
};
