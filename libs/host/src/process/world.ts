import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MARKET_CURRENT, MARKET_SNAPSHOT, MarketSnapshotV1 } from '@tallystick/contracts';
import { LogTail } from '@tallystick/event-sourcing';
import { connectEventStore } from '@tallystick/eventstore';
import { QuoteBook } from '@tallystick/market';
import { connectBus, createBus, listen, type BusConnection } from '@tallystick/messaging';
import { buildId, createFailpoints, createHealth, createLog, createMetrics, currentTraceparent, inSpan, startTracing, systemPorts, type HealthRegistry, type MetricsRegistry, type ProcessLog } from '@tallystick/platform';
import type { JsonValue, Ports, Venue } from '@tallystick/ports';
import { ReferenceData, type ServicePorts } from '@tallystick/services';
import { paperVenue } from '@tallystick/venues';
import { z } from 'zod';
import { loadVerifier } from '../keys/keys.ts';
import { killFileAt } from './kill-file.ts';
import { MarketClock, wallClock } from './market-clock.ts';
import { allMetrics } from './metrics.ts';
import type { ProcessConfig } from './process-config.ts';

/** Everything a service process stands on, connected. */
export interface World {
  readonly config: ProcessConfig;
  readonly service: ServicePorts;
  readonly reference: ReferenceData;
  readonly connection: BusConnection;
  readonly book: QuoteBook;
  readonly venues: ReadonlyMap<string, Venue>;
  readonly log: ProcessLog;
  readonly metrics: MetricsRegistry;
  readonly health: HealthRegistry;
  close(): Promise<void>;
}

const MARKET_CURRENT_WAIT_MS = 500;

/** What the services of one process share: connections, and what is kept from the log and the market. */
type Shared = Pick<World, 'reference' | 'connection' | 'book' | 'venues'> & Pick<ServicePorts, 'ports' | 'business' | 'store' | 'bus' | 'tail' | 'failpoints'> & { close(): Promise<void> };

/** What services act on a moment after it was appended, and what stops them. */
const FOLLOWED = { streamPrefixes: ['intent-', 'order-'], watchedPrefixes: ['lease-execution-', 'kill', 'policy-'] } as const;

interface Own {
  readonly name: string;
  readonly instance: string;
  readonly build: string;
  readonly log: ProcessLog;
  readonly metrics: MetricsRegistry;
}

const connect = async ({ name, instance, build, log, metrics }: Own, config: ProcessConfig, env: Readonly<Record<string, string | undefined>>): Promise<Shared> => {
  const ports = systemPorts({ log });
  const failpoints = createFailpoints(env, log);
  if (!failpoints.ok) throw new Error(`${failpoints.code}: ${failpoints.detail}`);
  const tracing = await startTracing({ service: name, build, env, ids: ports.ids, log });
  const connection = await connectBus({ servers: config.natsUrl, name: instance, log, metrics, ports });
  const store = connectEventStore({ url: config.storeUrl, ports, log, metrics, connectionName: instance });
  const book = new QuoteBook(ports.timers);
  const marketClock = new MarketClock(book, ports.clock);
  const bus = createBus(connection);
  const stopMarket = followMarket(connection, book, marketClock);
  const current = MarketSnapshotV1.safeParse(await bus.request(MARKET_CURRENT, {}, MARKET_CURRENT_WAIT_MS));
  if (current.success && book.apply(current.data)) marketClock.heard();
  const tail = new LogTail(store, { name: 'tail', ...FOLLOWED, timers: ports.timers, onUnreadable: (error) => log.write('error', 'tail.unreadable', { detail: String(error) }) });
  tail.start();
  const reference = new ReferenceData({ store, verifier: loadVerifier(config.dataDir), log, policyName: config.policy, killFile: killFileAt(config.killFile ?? join(config.dataDir, 'kill')) });
  await reference.start();
  return {
    ports, failpoints: failpoints.failpoints, business: config.clock === 'market' ? marketClock : wallClock(ports.clock), store, bus, tail, connection, book, reference,
    venues: venuesOf(config, ports, log),
    close: async () => {
      stopMarket();
      await tail.stop();
      await reference.stop();
      await connection.close();
      await store.close();
      await tracing.shutdown();
    },
  };
};

/**
 * Connects to store and bus (waiting for them as long as it takes), follows the market, and reads policy, instruments and rates. A service
 * that shares a process with another is given that one's world: it has its own name, log, metrics and health, and stands on the same connections.
 */
export const createWorld = async (name: string, config: ProcessConfig, env: Readonly<Record<string, string | undefined>>, beside?: World): Promise<World> => {
  const build = buildId(env);
  const instance = config.instance ?? `${name}-${randomBytes(4).toString('hex')}`;
  const log = createLog({ service: name, instance, build, level: config.logLevel });
  const metrics = createMetrics({ definitions: allMetrics, defaultLabels: { service: name }, log });
  const { ports, business, store, bus, tail, failpoints, connection, book, reference, venues, close } =
    beside ? { ...beside, ...beside.service, close: () => Promise.resolve() } : await connect({ name, instance, build, log, metrics }, config, env);
  const health = createHealth(ports.timers);
  health.register('bus', 'ready', () => ({ ok: connection.isConnected() }));
  health.register('policy', 'ready', () => ({ ok: reference.isReady(), detail: reference.isReady() ? 'in force' : 'no readable policy or kill switch' }));
  const service: ServicePorts = {
    identity: { service: name, instance, build }, ports, business, store, bus, tail, market: book, log, metrics, failpoints, traceparent: currentTraceparent,
    inSpan: (span, parent, work) => inSpan(span, {}, parent, work),
  };
  return {
    config, service, reference, connection, book, venues, log, metrics, health,
    close: async () => {
      await close();
      log.flush();
    },
  };
};

const followMarket = (connection: BusConnection, book: QuoteBook, clock: MarketClock): (() => void) =>
  listen(connection, {
    subject: MARKET_SNAPSHOT,
    onMessage: ({ body }: { readonly body: JsonValue }) => {
      const snapshot = MarketSnapshotV1.safeParse(body);
      if (snapshot.success && book.apply(snapshot.data)) clock.heard();
    },
  });

const venuesOf = (config: ProcessConfig, { timers }: Ports, log: ProcessLog): ReadonlyMap<string, Venue> => {
  const venues = new Map<string, Venue>();
  if (config.paperVenueUrl !== undefined && config.paperVenueTokensFile !== undefined) {
    const tokens = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(config.paperVenueTokensFile, 'utf8')));
    const token = (account: string | undefined): string => (account === undefined ? Object.values(tokens)[0] : tokens[account]) ?? '';
    venues.set('paper', paperVenue({ baseUrl: config.paperVenueUrl, token, timers, log }));
  }
  return venues;
};
