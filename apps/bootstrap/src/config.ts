import { integerVariable, loadConfig, secretVariable } from '@tallystick/platform';
import { z } from 'zod';

export const HELP = `Usage: bootstrap <prepare | record>

prepare  makes what an installation needs once and hands it out, a directory per process with nothing in it that the process does
         not need. Keeps what is there. Needs no network.
           TALLY_DATA_DIR               where keys, tokens and the directories of the processes go (required)
           TALLY_PAPER_ACCOUNTS         accounts at the paper venue (default paper-1,paper-2: those of deploy/policy/paper.yaml)
record   writes the kill switch, the paper venue's instruments and the signed paper policy to the log. Does nothing twice.
           TALLY_DATA_DIR               holds keys/public.json and keys/policy.pem (required)
           ESDB_URL or TALLY_STORE_URL  the event store (required)
           TALLY_PAPER_VENUE_URL        http://host:port (required)
           TALLY_VENUE_CONTROL_TOKEN    opens the venue's control door (required)
           TALLY_POLICY_FILE            default deploy/policy/paper.yaml
           TALLY_BOOTSTRAP_MS_MAX       gives up after this long, in milliseconds (default 120000)

The keys are for paper only: nothing signed with them can arm live.
Exit codes: 0 done, 1 could not be done (start it again), 2 wrong arguments or settings.
`;

/** Names go into file contents and environment variables: no separator that means something to either. */
const ACCOUNTS = /^[A-Za-z0-9._-]{1,64}(,[A-Za-z0-9._-]{1,64})*$/;

const PrepareSchema = z.object({
  dataDir: z.string().min(1),
  paperAccounts: z.string().regex(ACCOUNTS, 'is not account[,account…]').default('paper-1,paper-2').transform((text) => text.split(',')),
});
export type PrepareConfig = z.infer<typeof PrepareSchema>;

const RecordSchema = z.object({
  dataDir: z.string().min(1),
  storeUrl: z.string().min(1),
  paperVenueUrl: z.url({ protocol: /^https?$/ }),
  venueControlToken: secretVariable(),
  policyFile: z.string().min(1).optional(),
  /** A store and a venue that take longer than this to come up are not coming. */
  bootstrapMsMax: integerVariable(1_000, 3_600_000).default(120_000),
});
export type RecordConfig = z.infer<typeof RecordSchema>;

type Env = Readonly<Record<string, string | undefined>>;
type Read<T> = { readonly ok: true; readonly config: T } | { readonly ok: false; readonly detail: string };

/** `detail` names every wrong variable, one a line, without values. */
export const prepareConfig = (env: Env): Read<PrepareConfig> => loadConfig(PrepareSchema, env);

/** `ESDB_URL` wins over `TALLY_STORE_URL`, as everywhere. */
export const recordConfig = (env: Env): Read<RecordConfig> => loadConfig(RecordSchema, { ...env, TALLY_STORE_URL: env['ESDB_URL'] ?? env['TALLY_STORE_URL'] });
