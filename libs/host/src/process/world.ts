import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { MARKET_CURRENT, MARKET_SNAPSHOT, MarketSnapshotV1 } from '@tallystick/contracts';
import { connectEventStore } from '@tallystick/eventstore';
import { QuoteBook } from '@tallystick/market';
import { connectBus, createBus, listen, type BusConnection } from '@tallystick/messaging';
import { buildId, createFailpoints, createHealth, createLog, createMetrics, currentTraceparent, inSpan, startTracing, systemPorts, type HealthRegistry, type MetricsRegistry, type ProcessLog } from '@tallystick/platform';
import type { JsonValue, Venue } from '@tallystick/ports';
import { ReferenceData, type ServicePorts } from '@tallystick/services';
import { paperVenue } from '@tallystick/venues';
import { z } from 'zod';
import { loadVerifier } from '../keys/keys.ts';
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

/** Connects to store and bus (waiting for them as long as it takes), follows the market, and reads policy, instruments and rates. */
export const createWorld = async (name: string, config: ProcessConfig, env: Readonly<Record<string, string | undefined>>): Promise<World> => {
  const build = buildId(env);
  const instance = config.instance ?? `${name}-${randomBytes(4).toString('hex')}`;
  const log = createLog({ service: name, instance, build, level: config.logLevel });
  const ports = systemPorts({ log });
  const metrics = createMetrics({ definitions: allMetrics, defaultLabels: { service: name }, log });
  const failpoints = createFailpoints(env, log);
  if (!failpoints.ok) throw new Error(`${failpoints.code}: ${failpoints.detail}`);
  const tracing = await startTracing({ service: name, build, env, ids: ports.ids, log });
  const health = createHealth(ports.timers);
  const connection = await connectBus({ servers: config.natsUrl, name: instance, log, metrics, ports });
  const store = connectEventStore({ url: config.storeUrl, ports, log, metrics, connectionName: instance });
  const book = new QuoteBook(ports.timers);
  const marketClock = new MarketClock(book, ports.clock);
  const bus = createBus(connection);
  const stopMarket = followMarket(connection, book, marketClock);
  const current = MarketSnapshotV1.safeParse(await bus.request(MARKET_CURRENT, {}, MARKET_CURRENT_WAIT_MS));
  if (current.success && book.apply(current.data)) marketClock.heard();
  const reference = new ReferenceData({ store, verifier: loadVerifier(config.dataDir), log, policyName: config.policy });
  await reference.start();
  health.register('bus', 'ready', () => ({ ok: connection.isConnected() }));
  health.register('policy', 'ready', () => ({ ok: reference.isReady(), detail: reference.isReady() ? 'in force' : 'no readable policy or kill switch' }));
  const service: ServicePorts = {
    identity: { service: name, instance, build }, ports, business: config.clock === 'market' ? marketClock : wallClock(ports.clock),
    store, bus, market: book, log, metrics, failpoints: failpoints.failpoints, traceparent: currentTraceparent,
    inSpan: (name, parent, work) => inSpan(name, {}, parent, work),
  };
  return {
    config, service, reference, connection, book, venues: venuesOf(config, service), log, metrics, health,
    close: async () => {
      stopMarket();
      await reference.stop();
      await connection.close();
      await store.close();
      await tracing.shutdown();
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

const venuesOf = (config: ProcessConfig, service: ServicePorts): ReadonlyMap<string, Venue> => {
  const venues = new Map<string, Venue>();
  if (config.paperVenueUrl !== undefined && config.paperVenueTokensFile !== undefined) {
    const tokens = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(config.paperVenueTokensFile, 'utf8')));
    const token = (account: string | undefined): string => (account === undefined ? Object.values(tokens)[0] : tokens[account]) ?? '';
    venues.set('paper', paperVenue({ baseUrl: config.paperVenueUrl, token, timers: service.ports.timers, log: service.log }));
  }
  return venues;
};
