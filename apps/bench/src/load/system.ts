import { MARKET_CURRENT, MARKET_SNAPSHOT } from '@tallystick/contracts';
import { connectEventStore } from '@tallystick/eventstore';
import { bootstrap, ensureKeys, loadSigner } from '@tallystick/host';
import { connectBus, createBus, serve } from '@tallystick/messaging';
import { silentLog, silentMetrics, systemPorts } from '@tallystick/platform';
import type { Bus, EventStore, JsonValue, MarketSnapshot, Ports } from '@tallystick/ports';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild, startNats, startPrinting, type Child } from '../machine/children.ts';
import type { Topology } from '../options.ts';
import { sumsOf } from '../processes/channel.ts';
import { ACCOUNTS, POLICY, QUOTE, SYMBOLS } from './product.ts';
import type { RelayBytes } from './relay-shape.ts';

/** Everything but the services: bus, store, venue, a market that stands still, and what must be in the log before trading. */
export interface BenchSystem {
  readonly dir: string;
  readonly ports: Ports;
  readonly bus: Bus;
  readonly store: EventStore;
  readonly venue: Child;
  readonly nats: Child;
  readonly eventStore: Child;
  /** Of every process of the services: where bus, store and venue are. */
  readonly env: Readonly<Record<string, string>>;
  /** What the store counted since its start, by Prometheus name. */
  storeCounts(): Promise<Readonly<Record<string, number>>>;
  startProduct(topology: Topology): Promise<readonly Child[]>;
  startRelay(topology: Topology, bytes: RelayBytes): Promise<readonly Child[]>;
  stop(): Promise<void>;
}

export interface SystemOptions {
  readonly dir: string;
  readonly natsBinary: string;
  readonly profileDir?: string;
}

const STORE = fileURLToPath(new URL('../../../eventstore/dist/main.js', import.meta.url));
const processFile = (name: string): string => fileURLToPath(new URL(`../processes/${name}.js`, import.meta.url));
const SERVICES = ['intents', 'risk', 'execution', 'fills'] as const;
/** Well within the five seconds after which services take the market to be gone. */
const SNAPSHOT_EVERY_MS = 250;
const READY_MS_MAX = 30_000;
const READY_LOOK_MS = 20;

const marketOf = (ports: Ports) => {
  let sequence = 0;
  const next = (): MarketSnapshot => {
    sequence += 1;
    const time_ms = ports.clock.nowMs();
    return { sequence, time_ms, source: 'bench', quotes: SYMBOLS.map((symbol) => ({ symbol, ...QUOTE, time_ms, sequence, source: 'bench' })) };
  };
  return next;
};

const asJson = (value: object): JsonValue => value as JsonValue;

export const startSystem = async ({ dir, natsBinary, profileDir }: SystemOptions): Promise<BenchSystem> => {
  const ports = systemPorts();
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const nats = await startNats(natsBinary, dir);
  const eventStore = await startPrinting('store', STORE, dir, { TALLY_STORE_DATA_DIR: join(dir, 'store'), TALLY_STORE_PORT: '0', TALLY_STORE_HTTP_PORT: '0' },
    profileDir === undefined ? [] : [...profile, '--cpu-prof-name=store.cpuprofile']);
  const storeUrl = `esdb://127.0.0.1:${String(eventStore.ready['port'])}?tls=false`;
  const venue = await startChild<{ readonly port: number }>({ name: 'venue', entry: processFile('venue'), dir, env: {} });
  const venueUrl = `http://127.0.0.1:${venue.ready.port}`;
  const tokensFile = join(dir, 'venue-tokens.json');
  writeFileSync(tokensFile, JSON.stringify(Object.fromEntries(ACCOUNTS.map((account) => [account, `token-of-${account}`]))), { mode: 0o600 });
  ensureKeys(dataDir);

  const store = connectEventStore({ url: storeUrl, ports, log: silentLog, connectionName: 'bench' });
  const instruments = SYMBOLS.map((symbol) => ({ symbol, venue: 'paper', currency: 'USD', tick_size: '0.01', lot_size: '1', session: 'always' }));
  await bootstrap({ store, ports, build: 'bench', policySigner: loadSigner(dataDir, 'policy'), policy: POLICY, instruments });
  const connection = await connectBus({ servers: nats.url, name: 'bench', log: silentLog, metrics: silentMetrics, ports });
  const bus = createBus(connection);
  const next = marketOf(ports);
  serve(connection, { subject: MARKET_CURRENT, queue: 'bench-market', handler: () => Promise.resolve(asJson(next())) });
  const stopMarket = ports.timers.every(SNAPSHOT_EVERY_MS, 'market', () => Promise.resolve(bus.announce(MARKET_SNAPSHOT, next() as never)));

  const env: Readonly<Record<string, string>> = {
    TALLY_DATA_DIR: dataDir, TALLY_STORE_URL: storeUrl, TALLY_NATS_URL: nats.url, TALLY_PAPER_VENUE_URL: venueUrl, TALLY_PAPER_VENUE_TOKENS_FILE: tokensFile,
    // As deployed: metrics on, one trace in ten recorded and sent to a collector, which here is the venue's process.
    OTEL_EXPORTER_OTLP_ENDPOINT: venueUrl, TALLY_TRACE_RATIO: '0.1', NODE_ENV: 'production',
  };
  const groupsOf = (topology: Topology): readonly string[] => (topology === 'one' ? [SERVICES.join(',')] : SERVICES);
  const startGroups = (kind: 'services' | 'relay', topology: Topology, more: Readonly<Record<string, string>>): Promise<readonly Child[]> =>
    Promise.all(groupsOf(topology).map(async (group) => {
      const name = topology === 'one' ? kind : `${kind}-${group}`;
      const nodeOptions = ['--expose-gc', ...(profileDir === undefined ? [] : [...profile, `--cpu-prof-name=${name}.cpuprofile`])];
      const { child } = await startChild({ name, entry: processFile(kind), dir, nodeOptions, env: { ...env, ...more, BENCH_SERVICES: group } });
      return child;
    }));
  const httpPort = String(eventStore.ready['http_port']);

  return {
    dir, ports, bus, store, env, venue: venue.child, nats: nats.child, eventStore: eventStore.child,
    storeCounts: async () => sumsOf(await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()),
    startProduct: async (topology) => {
      const children = await startGroups('services', topology, {});
      const untilMs = performance.now() + READY_MS_MAX;
      while (!(await Promise.all(children.map((child) => child.ask<boolean>('ready')))).every(Boolean)) {
        if (performance.now() > untilMs) throw new Error('the services were not ready in time');
        await ports.timers.sleep(READY_LOOK_MS, 'services ready');
      }
      return children;
    },
    startRelay: (topology, bytes) => startGroups('relay', topology, { BENCH_RELAY_BYTES: JSON.stringify(bytes), BENCH_ACCOUNTS: ACCOUNTS.join(',') }),
    stop: async () => {
      stopMarket();
      await connection.close();
      await store.close();
      await Promise.all([venue.child.stop(), nats.child.stop(), eventStore.child.stop()]);
    },
  };
};
