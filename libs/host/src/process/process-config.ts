import { integerVariable, loadConfig } from '@tallystick/platform';
import { z } from 'zod';

/** What every service process is told. Variables are `TALLY_<NAME>`; `ESDB_URL` alone points it at another event store. */
const ProcessConfigSchema = z.object({
  mode: z.enum(['paper', 'live']).default('paper'),
  /** Keys, tokens and disposable read models; never the record itself. */
  dataDir: z.string().min(1),
  /** What is known of the log, outside of it; `<dataDir>/anchors` without it. On another disk than the log, better. */
  anchorDir: z.string().min(1).optional(),
  storeUrl: z.string().min(1),
  natsUrl: z.string().min(1),
  natsReplicas: integerVariable(1, 5).default(1),
  policy: z.string().min(1).default('paper'),
  opsHost: z.string().default('127.0.0.1'),
  opsPort: integerVariable(0, 65_535).default(0),
  /** `market`: time is the newest snapshot's, as replays need. `wall`: the machine's. */
  clock: z.enum(['market', 'wall']).default('market'),
  instance: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,47}$/).optional(),
  paperVenueUrl: z.url().optional(),
  /** JSON object, account to token; mode 0600. */
  paperVenueTokensFile: z.string().optional(),
  /** While it exists nothing is sent from this host; `kill` of the data directory where it is not set. */
  killFile: z.string().min(1).optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type ProcessConfig = z.infer<typeof ProcessConfigSchema>;

/** Throws one line per wrong variable (CONFIG_INVALID): a process that is told nonsense must not start. */
export const processConfig = (env: Readonly<Record<string, string | undefined>>): ProcessConfig => {
  const loaded = loadConfig(ProcessConfigSchema, { ...env, TALLY_STORE_URL: env['ESDB_URL'] ?? env['TALLY_STORE_URL'] });
  if (!loaded.ok) throw new Error(`${loaded.code}\n${loaded.detail}`);
  return loaded.config;
};
