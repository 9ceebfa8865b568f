import { integerVariable, loadConfig, secretVariable } from '@tallystick/platform';
import { z } from 'zod';

export const HELP = `Usage: conductor [--help]

Moves the paper venue's market and says every snapshot on the bus: without it the market clock cannot be read and every order is denied.
One at a time. Where one process starts everything (npm start) it has this inside.

  ESDB_URL or TALLY_STORE_URL  the event store (required)
  TALLY_NATS_URL               (required)
  TALLY_PAPER_VENUE_URL        http://host:port (required)
  TALLY_VENUE_CONTROL_TOKEN    opens the venue's control door (required)
  TALLY_SPEED                  max: in lockstep, as fast as everything settles; or how many times real time (default 1)
  TALLY_PARTICIPANTS           strategy instances that take turns, in their order: a,b (default none); waits until each has been heard
  TALLY_OPS_HOST, TALLY_OPS_PORT, TALLY_LOG_LEVEL  as for every service

After the market's end it repeats the last snapshot until it is stopped.
Exit codes: 0 stopped as asked, 1 gave up (start it again), 2 wrong settings.
`;

const ConfigSchema = z.object({
  storeUrl: z.string().min(1),
  natsUrl: z.string().min(1),
  paperVenueUrl: z.url({ protocol: /^https?$/ }),
  venueControlToken: secretVariable(),
  speed: z.string().regex(/^(max|[1-9]\d{0,5})$/, 'is neither max nor a whole number from 1').default('1').transform((text): 'max' | number => (text === 'max' ? text : Number(text))),
  participants: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,47}(,[A-Za-z0-9][A-Za-z0-9-]{0,47})*$/, 'is not instance[,instance…]').optional().transform((text) => text?.split(',') ?? []),
  opsHost: z.string().default('127.0.0.1'),
  opsPort: integerVariable(0, 65_535).default(0),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});
export type ConductorConfig = z.infer<typeof ConfigSchema>;

/** Throws CONFIG_INVALID and one line per wrong variable, without values. */
export const readConfig = (env: Readonly<Record<string, string | undefined>>): ConductorConfig => {
  const loaded = loadConfig(ConfigSchema, { ...env, TALLY_STORE_URL: env['ESDB_URL'] ?? env['TALLY_STORE_URL'] });
  if (!loaded.ok) throw new Error(`${loaded.code}\n${loaded.detail}`);
  return loaded.config;
};
