import { setTimeout as delay } from 'node:timers/promises';
import { MARKET_CURRENT, MARKET_SNAPSHOT } from '@tallystick/contracts';
import { connectEventStore } from '@tallystick/eventstore';
import { allMetrics, paperMarketControl } from '@tallystick/host';
import { connectBus, createBus, serve } from '@tallystick/messaging';
import { buildId, createHealth, createLog, createMetrics, startOpsServer, systemPorts } from '@tallystick/platform';
import type { JsonObject, MarketSnapshot } from '@tallystick/ports';
import { Conductor, SettlementWatch } from '@tallystick/services';
import { paperVenue } from '@tallystick/venues';
import { readConfig } from './config.ts';
import { heardParticipants } from './participants.ts';

export interface RunningConductor {
  readonly opsUrl: string;
  stop(): Promise<void>;
}

/** Five missed in a row mean to listeners that the market is gone. */
const REPEAT_MS = 1_000;

const json = (snapshot: MarketSnapshot): JsonObject => snapshot as unknown as JsonObject;

/** Connects, says the market as it stands, and moves it once every participant has been heard. `giveUp` ends the process. */
export const startConductor = async (env: Readonly<Record<string, string | undefined>>, giveUp: (why: string) => void): Promise<RunningConductor> => {
  const config = readConfig(env);
  const log = createLog({ service: 'conductor', instance: `conductor-${process.pid}`, build: buildId(env), level: config.logLevel });
  const ports = systemPorts({ log });
  const metrics = createMetrics({ definitions: allMetrics, defaultLabels: { service: 'conductor' }, log });
  const health = createHealth(ports.timers);
  const connection = await connectBus({ servers: config.natsUrl, name: 'conductor', log, metrics, ports });
  const store = connectEventStore({ url: config.storeUrl, ports, log, metrics, connectionName: 'conductor' });
  const bus = createBus(connection);
  let stopped = false;
  const control = paperMarketControl(config.paperVenueUrl, config.venueControlToken.reveal(), (ms) => delay(ms), () => stopped);
  const market = await control.market();
  const first = await control.advance({ until_ms: market.position.time_ms, stop_on_report: false });
  // Interpreting reports is pure: no token is needed, and none is given.
  const watch = new SettlementWatch(store, new Map([['paper', paperVenue({ baseUrl: config.paperVenueUrl, token: '' })]]));
  await watch.start();

  let conductor: Conductor | undefined;
  const current = (): MarketSnapshot => conductor?.current() ?? first.snapshot;
  const responder = serve(connection, { subject: MARKET_CURRENT, queue: 'market', handler: () => Promise.resolve(json(current())) });
  const stopRepeating = ports.timers.every(REPEAT_MS, 'market repeats itself', () => Promise.resolve(bus.announce(MARKET_SNAPSHOT, json(current()))));

  const play = async (): Promise<void> => {
    const participants = await heardParticipants(connection, config.participants, (missing) => log.write('info', 'conductor.waiting', { for: missing }));
    if (stopped) return;
    conductor = new Conductor({ control, watch, bus, ports, log, participants, speed: config.speed, startMs: market.position.time_ms, endMs: market.end_ms });
    log.write('info', 'conductor.began', { source: market.source, simulated: market.simulated, speed: config.speed, participants: participants.map(({ instance }) => instance) });
    await conductor.run();
    if (!stopped) log.write('info', 'conductor.market_ended', { time_ms: current().time_ms });
  };
  play().catch((error: unknown) => {
    if (!stopped) giveUp(error instanceof Error ? error.message : String(error));
  });
  void connection.closed.then((error) => {
    if (error) giveUp(`the bus connection closed: ${error.message}`);
  });

  health.register('bus', 'ready', () => ({ ok: connection.isConnected() }));
  const ops = await startOpsServer({ host: config.opsHost, port: config.opsPort, registry: metrics, health: () => health.live(), ready: () => health.ready(), log });
  log.write('info', 'ready', { port: ops.port });
  return {
    opsUrl: ops.url,
    stop: async () => {
      stopped = true;
      conductor?.stop();
      stopRepeating();
      await responder.stop();
      await watch.stop();
      await ops.close();
      await connection.close();
      await store.close();
      log.flush();
    },
  };
};
