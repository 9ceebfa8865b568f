import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ChosenMarket } from './args.ts';
import type { ChildSpec, Stage } from './child.ts';
import type { DataDir } from './data-dir.ts';
import { Refusal } from './refusal.ts';

export const SERVICES = ['intents', 'risk', 'execution', 'fills'] as const;

/** Of each paper account at its first start: what cash is counted from. */
export const PAPER_CASH = '1000000';
/** What a share costs to trade at the paper venue, in its currency. */
export const PAPER_FEE_PER_SHARE = '0.0035';

/** In the order in which they take turns. Instances are named after their strategies. */
export const STRATEGIES = [
  { instance: 'rebalance', account: 'paper-1' },
  { instance: 'signal', account: 'paper-2' },
] as const;
/** What the examples say of themselves in their intents. */
const STRATEGY_VERSION = '1.0.0';

export interface PortPlan {
  readonly nats: number;
  /** Absent with ESDB_URL. */
  readonly store: number | undefined;
  readonly storeHttp: number | undefined;
  readonly venue: number;
  readonly gateway: number;
  /** Health and metrics pages, by process. */
  readonly ops: Readonly<Record<string, number>>;
}

export interface PlanInputs {
  readonly root: string;
  readonly data: DataDir;
  readonly ports: PortPlan;
  readonly market: ChosenMarket;
  readonly natsServer: string;
  readonly inProcess: boolean;
  readonly demo: boolean;
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Plan {
  readonly natsUrl: string;
  /** What a client of the store is told. */
  readonly storeUrl: string;
  readonly venueUrl: string;
  readonly gatewayUrl: string;
  readonly children: readonly ChildSpec[];
}

/** Where the gateway keeps its read model. */
export const readModelFile = (dataDir: string): string => join(dataDir, 'read-model', 'gateway.sqlite');

/** Service processes: 1 is "gave up, start me again"; 0 before it was ready and 2 come again the same. */
const SERVICE_FINAL_CODES = [0, 2];
const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);

/** Exactly 64 KiB of body pass, and their headers; the product itself refuses and records what is larger. */
const NATS_PAYLOAD_BYTES_MAX = 72 * 1024;

export const natsConfig = (port: number, storeDir: string): string => [
  'host: 127.0.0.1',
  `port: ${port}`,
  'server_name: tallystick',
  `max_payload: ${NATS_PAYLOAD_BYTES_MAX}`,
  `jetstream { store_dir: ${JSON.stringify(storeDir)} }`,
  '',
].join('\n');

const FAILPOINTS = 'TALLY_FAILPOINTS_';

/** What npm says about itself is none of the children's business; levels above info would hide the line that says "ready". */
const inherited = (env: PlanInputs['env']): Record<string, string> => {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('npm_') && !entry[0].startsWith(FAILPOINTS));
  return { ...Object.fromEntries(kept), TALLY_LOG_LEVEL: env['TALLY_LOG_LEVEL'] === 'debug' ? 'debug' : 'info' };
};

/**
 * `TALLY_FAILPOINTS_<SERVICE>` says where a service is to fail, for each of its starts, separated by semicolons: a process that died at
 * a point must not die there again for ever. None of the children but the one named is told.
 */
const failpointsOf = (name: string, env: PlanInputs['env']): Pick<ChildSpec, 'failpoints'> => {
  const armed = env[`${FAILPOINTS}${name.toUpperCase()}`];
  return armed === undefined ? {} : { failpoints: armed.split(';').map((points) => points.trim()) };
};

const put = (name: string, value: string | number | undefined): Record<string, string> => (value === undefined ? {} : { [name]: String(value) });

/** Everything to be started, with the environment of each. Pure, but for the look whether it was built: refuses when not. */
export const makePlan = (inputs: PlanInputs): Plan => {
  const { root, data, ports, market, env } = inputs;
  const base = inherited(env);
  const esdbUrl = env['ESDB_URL'];
  const natsUrl = `nats://127.0.0.1:${ports.nats}`;
  const storeUrl = esdbUrl ?? `esdb://127.0.0.1:${ports.store}?tls=false`;
  const venueUrl = `http://127.0.0.1:${ports.venue}`;
  const gatewayUrl = `http://127.0.0.1:${ports.gateway}`;
  const entryOf = (file: string): string => {
    const entry = join(root, file);
    if (!existsSync(entry)) throw new Refusal(`${file} is missing: run npm run build`);
    return entry;
  };
  const node = (name: string, stage: Stage, entry: string, own: Record<string, string>, more: Partial<ChildSpec> = {}): ChildSpec => ({
    name, stage, command: process.execPath, args: [entryOf(entry)], env: { ...base, ...own },
    ports: {}, healthPorts: [], readyBy: 'line', finalCodes: ANY_CODE, ...more,
  });
  const world = {
    TALLY_DATA_DIR: data.dir, TALLY_STORE_URL: storeUrl, TALLY_NATS_URL: natsUrl, TALLY_MODE: 'paper', TALLY_CLOCK: 'market', TALLY_POLICY: 'paper',
    TALLY_PAPER_VENUE_URL: venueUrl, TALLY_PAPER_VENUE_TOKENS_FILE: data.venueTokensFile,
  };
  const service = (name: string, stage: Stage, own: Record<string, string> = {}, listens: Record<string, number> = {}): ChildSpec => {
    const ops = opsPort(ports, name);
    return node(name, stage, `apps/${name}/dist/main.js`, { ...world, TALLY_OPS_PORT: String(ops), ...own }, { ports: { ...listens, ops }, healthPorts: [ops], finalCodes: SERVICE_FINAL_CODES, ...failpointsOf(name, env) });
  };

  const nats: ChildSpec = {
    name: 'nats-server', stage: 'bus', command: inputs.natsServer, args: ['-c', join(data.dir, 'nats', 'nats.conf')], env: base,
    ports: { nats: ports.nats }, healthPorts: [], readyBy: { port: ports.nats }, finalCodes: ANY_CODE,
  };
  const store = ports.store === undefined ? [] : [node('eventstore', 'store', 'apps/eventstore/dist/main.js', {
    TALLY_STORE_DATA_DIR: join(data.dir, 'store'), TALLY_STORE_PORT: String(ports.store), ...put('TALLY_STORE_HTTP_PORT', ports.storeHttp), TALLY_STORE_LOG_LEVEL: 'info',
  }, { ports: { grpc: ports.store, ...(ports.storeHttp === undefined ? {} : { http: ports.storeHttp }) } })];
  const venue = node('paper-venue', 'venue', 'apps/paper-venue/dist/main.js', {
    TALLY_VENUE_DATA_DIR: join(data.dir, 'venue'), TALLY_VENUE_PORT: String(ports.venue), TALLY_VENUE_CONTROL_TOKEN: data.secrets.control_token,
    TALLY_VENUE_TOKENS: Object.entries(data.secrets.venue_tokens).map(([account, token]) => `${account}=${token}`).join(','),
    TALLY_VENUE_CASH: PAPER_CASH, TALLY_VENUE_FEE_PER_SHARE: PAPER_FEE_PER_SHARE, TALLY_VENUE_DEDUPE: 'none',
    TALLY_MARKET: market.market, ...put('TALLY_MARKET_DAY', market.day), ...put('TALLY_MARKET_SYMBOLS', market.symbols), ...put('TALLY_SEED', market.seed),
  }, { ports: { http: ports.venue } });
  const four = Object.fromEntries(SERVICES.map((name) => [name, opsPort(ports, name)]));
  const services = inputs.inProcess
    ? [node('services', 'services', 'apps/standalone/dist/services.js', { ...world, TALLY_SERVICE_OPS_PORTS: JSON.stringify(four) }, { ports: four, healthPorts: Object.values(four), finalCodes: SERVICE_FINAL_CODES })]
    : SERVICES.map((name) => service(name, 'services'));
  const pages = { ...four, supervisor: opsPort(ports, 'supervisor'), 'paper-venue': ports.venue, ...(ports.storeHttp === undefined ? {} : { eventstore: ports.storeHttp }) };
  const watched = Object.entries(pages).map(([name, port]) => ({ name, url: `http://127.0.0.1:${port}` }));
  const gateway = service('gateway', 'gateway', { TALLY_GATEWAY_PORT: String(ports.gateway), TALLY_SERVICES: JSON.stringify(watched) }, { http: ports.gateway });
  const instances = (inputs.demo ? STRATEGIES : []).map(({ instance, account }) => ({
    instance_id: instance, strategy: instance, strategy_version: STRATEGY_VERSION, account, mode: 'paper',
    file: process.execPath, args: [entryOf('apps/strategies/dist/main.js'), instance],
    env: { TALLY_NATS_URL: natsUrl, TALLY_ACCOUNT: account, TALLY_MODE: 'paper' },
  }));
  const supervisor = service('supervisor', 'supervisor', { TALLY_INSTANCES: JSON.stringify(instances) });
  return { natsUrl, storeUrl, venueUrl, gatewayUrl, children: [nats, ...store, venue, ...services, supervisor, gateway] };
};

const opsPort = ({ ops }: PortPlan, name: string): number => {
  const port = ops[name];
  if (port === undefined) throw new Error(`no port is planned for ${name}`);
  return port;
};
