import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeOrder, MARKET_SNAPSHOT, orderStream } from '@tallystick/contracts';
import { evolveOrder, NO_ORDER, type OrderEvent, type OrderState, type PolicyDocument } from '@tallystick/domain';
import { connectEventStore } from '@tallystick/eventstore';
import { startEmbeddedStore } from '@tallystick/eventstore-embedded';
import { csvSource, sessionWindows } from '@tallystick/market';
import { connectBus, createBus, type BusConnection } from '@tallystick/messaging';
import { silentLog, silentMetrics, systemPorts } from '@tallystick/platform';
import type { Bus, EventStore, JsonObject, RecordedEvent } from '@tallystick/ports';
import { Conductor, SettlementWatch } from '@tallystick/services';
import { paperVenue, startPaperVenue, type RunningPaperVenue } from '@tallystick/venues';
import { bootstrap } from '../bootstrap/bootstrap.ts';
import { paperMarketControl, type PaperMarketControl } from '../bootstrap/paper-market.ts';
import { ensureKeys, loadSigner } from '../keys/keys.ts';
import { startService, type RunningService, type ServiceDefinition } from '../process/run-service.ts';
import { executionService, fillsService, intentsService, riskService } from '../services.ts';

/** Tuesday 8 October 2013, 10:00 in New York. */
export const OPEN_MS = Date.UTC(2013, 9, 8, 14, 0, 0);
export const TOKENS = { 'paper-1': 'token-of-paper-1', 'paper-2': 'token-of-paper-2' };
const CONTROL_TOKEN = 'token-of-control';

export const POLICY: PolicyDocument = {
  name: 'paper', mode: 'paper', base_currency: 'USD',
  firm: { max_order_qty: '1000', max_order_notional: '50000', max_daily_notional: '1000000', max_exposure: '500000', price_collar_bps: '500', max_messages_per_minute: 10_000 },
  accounts: { 'paper-1': { mode: 'paper', venue: 'paper', risk_group: 'main' }, 'paper-2': { mode: 'paper', venue: 'paper', risk_group: 'main' } },
  strategies: { test: { accounts: ['paper-1', 'paper-2'] } },
  instruments: ['SPY', 'IBM'], risk_groups: { main: { roll_time: '17:00', time_zone: 'America/New_York' } },
  quote_max_age_ms: 120_000, execute_within_ms: 60_000,
};

/** One row a second and symbol: SPY 100.00 by 100.02 with 500 a side, IBM 50.00 by 50.05 with 100; both rise a cent every ten seconds. */
const marketCsv = (seconds: number): string => {
  const rows = ['time,symbol,bid,bid_size,ask,ask_size,last'];
  for (let s = 0; s < seconds; s += 1) {
    const cents = Math.floor(s / 10);
    const price = (base: number): string => ((base + cents) / 100).toFixed(2);
    const time = OPEN_MS + s * 1000;
    rows.push(`${time},SPY,${price(10_000)},500,${price(10_002)},500,${price(10_001)}`);
    rows.push(`${time},IBM,${price(5_000)},100,${price(5_005)},100,${price(5_002)}`);
  }
  return `${rows.join('\n')}\n`;
};

export interface MiniSystem {
  readonly store: EventStore;
  readonly bus: Bus;
  readonly connection: BusConnection;
  readonly control: PaperMarketControl;
  readonly venue: RunningPaperVenue;
  readonly watch: SettlementWatch;
  /** The event store's server: it comes back on the same port with what it had. */
  readonly storeServer: { stop(): Promise<void>; start(): Promise<void> };
  readonly dataDir: string;
  /** Moves the market to `seconds` after the opening and waits until everything is settled. */
  moveTo(seconds: number): Promise<void>;
  /** Sends an intent as its strategy does and gives the receipt. */
  propose(intent: object, strategy?: string): Promise<Record<string, unknown>>;
  order(orderId: string): Promise<{ readonly state: OrderState; readonly events: readonly OrderEvent[]; readonly recorded: readonly RecordedEvent[] }>;
  start(definition: ServiceDefinition, env?: Record<string, string>): Promise<RunningService>;
  /** `keep`: its directory stays, for a system that goes on in it. */
  stop(options?: { readonly keep?: boolean }): Promise<void>;
}

export interface MiniSystemOptions {
  readonly natsUrl: string;
  /** Data directory of one that was stopped: its log, its venue's book, its place in the market. */
  readonly dataDir?: string;
  readonly policy?: PolicyDocument;
  /** Environment of every service. */
  readonly env?: Record<string, string>;
  readonly services?: readonly ServiceDefinition[];
}

const SECONDS = 1_800;

/** The whole of the main job in this process: real event store, real bus, paper venue over HTTP, and the services' own Nest modules. */
export const startMiniSystem = async (options: MiniSystemOptions): Promise<MiniSystem> => {
  const dir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tally-mini-'));
  mkdirSync(join(dir, 'store'), { recursive: true });
  const csv = join(dir, 'market.csv');
  writeFileSync(csv, marketCsv(SECONDS));
  const ports = systemPorts();
  let embedded: Awaited<ReturnType<typeof startEmbeddedStore>> | undefined = await startEmbeddedStore({ dataDir: join(dir, 'store'), port: 0 });
  const { connectionString, port: storePort } = embedded;
  const storeServer: MiniSystem['storeServer'] = {
    stop: async () => {
      const ending = embedded;
      embedded = undefined;
      await ending?.stop();
    },
    start: async () => {
      embedded ??= await startEmbeddedStore({ dataDir: join(dir, 'store'), port: storePort });
    },
  };
  const feed = await csvSource({ file: csv });
  const venue = await startPaperVenue({
    port: 0, dataDir: join(dir, 'venue'), feed, windowAt: sessionWindows(feed.description.session), controlToken: CONTROL_TOKEN, feePerShare: '0.01',
    accounts: Object.entries(TOKENS).map(([account, token]) => ({ account, token, cash: '1000000' })),
  });
  const baseUrl = `http://127.0.0.1:${venue.port}`;
  const tokensFile = join(dir, 'venue-tokens.json');
  writeFileSync(tokensFile, JSON.stringify(TOKENS), { mode: 0o600 });
  ensureKeys(dir);
  const store = connectEventStore({ url: connectionString, ports, log: silentLog, connectionName: 'mini' });
  let stopped = false;
  const control = paperMarketControl(baseUrl, CONTROL_TOKEN, (ms) => ports.timers.sleep(ms, 'control'), () => stopped);
  const market = await control.market();
  await bootstrap({ store, ports, build: 'test', policySigner: loadSigner(dir, 'policy'), policy: options.policy ?? POLICY, instruments: market.instruments.map((instrument) => ({ ...instrument, venue: 'paper' })) });
  const connection = await connectBus({ servers: options.natsUrl, name: 'mini', log: silentLog, metrics: silentMetrics, ports });
  const bus = createBus(connection);
  const watch = new SettlementWatch(store, new Map([['paper', paperVenue({ baseUrl, token: TOKENS['paper-1'] })]]));
  await watch.start();
  const conductor = new Conductor({ control, watch, bus, ports, log: silentLog, participants: [], speed: 'max', startMs: OPEN_MS, endMs: OPEN_MS });
  const env = { TALLY_DATA_DIR: dir, TALLY_STORE_URL: connectionString, TALLY_NATS_URL: options.natsUrl, TALLY_PAPER_VENUE_URL: baseUrl,
    TALLY_PAPER_VENUE_TOKENS_FILE: tokensFile, TALLY_LOG_LEVEL: 'error', ...options.env };
  const running: RunningService[] = [];
  const start = async (definition: ServiceDefinition, more: Record<string, string> = {}): Promise<RunningService> => {
    // A process that gives up ends; here its service does.
    let gaveUp = (): void => undefined;
    const service = await startService(definition, { ...env, ...more }, () => gaveUp());
    let ending: Promise<void> | undefined;
    const once: RunningService = { ...service, stop: () => (ending ??= service.stop()) };
    gaveUp = () => void once.stop();
    running.push(once);
    return once;
  };
  // A log that was exchanged never settles by itself: the market stands where it stood.
  const stands = options.dataDir === undefined ? undefined : (await control.advance({ until_ms: market.position.time_ms, stop_on_report: false })).snapshot;
  const announce = (): void => (stands && !conductor.current() ? bus.announce(MARKET_SNAPSHOT, stands as unknown as JsonObject) : conductor.announce());
  const repeat = ports.timers.every(1_000, 'market repeats itself', () => Promise.resolve(announce()));
  if (stands) announce();
  else await conductor.moveTo(OPEN_MS);
  for (const definition of options.services ?? [intentsService, riskService, executionService, fillsService]) await start(definition);
  return {
    store, bus, connection, control, venue, watch, start, storeServer, dataDir: dir,
    moveTo: (seconds) => conductor.moveTo(OPEN_MS + seconds * 1000),
    propose: async (intent, strategy = 'test') => (await bus.request(`tally.intent.${strategy}`, intent as never, 10_000)) as Record<string, unknown>,
    order: async (orderId) => {
      const read = await store.read(orderStream(orderId));
      if (!read.ok) throw new Error(read.code);
      const events = read.events.map((recorded) => {
        const decoded = decodeOrder(recorded);
        if (!decoded.ok) throw new Error(decoded.detail);
        return decoded.event;
      });
      return { events, recorded: read.events, state: events.reduce(evolveOrder, NO_ORDER) };
    },
    stop: async ({ keep = false } = {}) => {
      stopped = true;
      conductor.stop();
      repeat();
      for (const service of running.reverse()) await service.stop();
      await watch.stop();
      await connection.close();
      await store.close();
      await venue.close();
      await storeServer.stop();
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
};
