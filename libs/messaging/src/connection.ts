import { connect, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } from 'nats';
import type { Authenticator, ConnectionOptions, NatsConnection } from 'nats';
import { systemPorts } from '@tallystick/platform';
import type { Log, Metrics, Ports, Stop } from '@tallystick/ports';

export type BusCredentials =
  /** `seed` is an nkey seed, `SU...`. */
  | { readonly kind: 'nkey'; readonly seed: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string };

export interface ConnectBusOptions {
  /** `nats://host:port` or `tls://host:port`; several for a cluster. */
  readonly servers: string | readonly string[];
  /** What the server shows for this connection. */
  readonly name: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly ports?: Ports;
  readonly credentials?: BusCredentials;
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** Replies come in under this prefix, so that permissions can keep identities apart. Default `_INBOX`. */
  readonly inboxPrefix?: string;
  /** Gives up waiting for the first connection. Without it the wait has no end. */
  readonly signal?: AbortSignal;
}

/** One connection of a process to the bus. Reconnects for ever; only `close` ends it. */
export interface BusConnection {
  readonly name: string;
  isConnected(): boolean;
  /** Settles when it is closed for good: with an error when that was not our doing, and then the process had better end. */
  readonly closed: Promise<Error | undefined>;
  /** Server version, such as `2.9.10`. */
  serverVersion(): string;
  /** Round trip to the server, or `undefined` when it did not answer within `withinMs`: for health checks. */
  roundTripMs(withinMs: number): Promise<number | undefined>;
  /** Stops consumers and responders (which finish what they hold), waits for publishes, then drains the connection. */
  close(): Promise<void>;
}

/** What the other files of this package see of a connection. Not exported from the package. */
export interface ConnectionInternals {
  readonly nc: NatsConnection;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly ports: Ports;
  readonly inboxPrefix: string;
  onDisconnect(listener: () => void): Stop;
  onReconnect(listener: () => void): Stop;
  /** Called by `close`, readers before writers. Returns the way to take it back. */
  onClose(stage: 'readers' | 'writers', closer: () => Promise<void>): Stop;
}

// Half a second keeps a restart of the server short for clients and is no load.
const RECONNECT_WAIT_MS = 500;
// Two lost pings in 20 s reveal a half-open link; the client's default takes four minutes.
const PING_INTERVAL_MS = 10_000;
const PINGS_OUT_MAX = 2;
// A drain waits for the server; one that has gone must not hold up the end of the process.
const DRAIN_MS_MAX = 3_000;

const internals = new WeakMap<BusConnection, ConnectionInternals>();

export const internalsOf = (connection: BusConnection): ConnectionInternals => {
  const found = internals.get(connection);
  if (found === undefined) throw new Error('not a connection made by connectBus');
  return found;
};

const authenticator = (credentials: BusCredentials): Authenticator => {
  switch (credentials.kind) {
    case 'nkey':
      return nkeyAuthenticator(new TextEncoder().encode(credentials.seed));
    case 'password':
      return usernamePasswordAuthenticator(credentials.user, credentials.password);
    case 'token':
      return tokenAuthenticator(credentials.token);
  }
};

const clientOptions = (options: ConnectBusOptions): ConnectionOptions => ({
  servers: [...(typeof options.servers === 'string' ? [options.servers] : options.servers)],
  name: options.name,
  maxReconnectAttempts: -1,
  reconnectTimeWait: RECONNECT_WAIT_MS,
  pingInterval: PING_INTERVAL_MS,
  maxPingOut: PINGS_OUT_MAX,
  // The first connection is our own loop below, which can be told to stop; the client's cannot.
  waitOnFirstConnect: false,
  // A stack per request costs four times the publish itself.
  noAsyncTraces: true,
  // A revoked credential must come back to life when it is restored, without a restart.
  ignoreAuthErrorAbort: true,
  ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
  ...(options.tls === undefined ? {} : { tls: options.tls }),
  ...(options.credentials === undefined ? {} : { authenticator: authenticator(options.credentials) }),
});

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN');

const firstConnection = async (options: ConnectBusOptions, ports: Ports): Promise<NatsConnection> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect(clientOptions(options));
    } catch (error) {
      // Once is news; after that every twentieth attempt, ten seconds, says that it is still so.
      if (attempt % 20 === 1) options.log.write('warn', 'bus.unreachable', { attempt, code: codeOf(error) });
    }
    if (options.signal?.aborted === true) throw new Error('BUS_UNREACHABLE: gave up waiting for the bus');
    await ports.timers.sleep(RECONNECT_WAIT_MS, 'bus.first_connection', options.signal);
  }
};

class Listeners {
  readonly #all = new Set<() => void>();

  add(listener: () => void): Stop {
    this.#all.add(listener);
    return () => {
      this.#all.delete(listener);
    };
  }

  call(): void {
    for (const listener of [...this.#all]) listener();
  }
}

/**
 * Connects and stays connected. Waits for the first connection until `signal` aborts, then rejects with `BUS_UNREACHABLE`.
 */
export const connectBus = async (options: ConnectBusOptions): Promise<BusConnection> => {
  const { log, metrics, name } = options;
  const ports = options.ports ?? systemPorts({ log });
  const nc = await firstConnection(options, ports);
  const disconnects = new Listeners();
  const reconnects = new Listeners();
  const closers = { readers: new Set<() => Promise<void>>(), writers: new Set<() => Promise<void>>() };
  let connected = true;

  const watch = async (): Promise<void> => {
    for await (const status of nc.status()) {
      const type: string = status.type;
      if (type === 'disconnect' && connected) {
        connected = false;
        metrics.count('tally_bus_disconnects_total');
        log.write('warn', 'bus.disconnected', { server: String(status.data) });
        disconnects.call();
      } else if (type === 'reconnect') {
        connected = true;
        log.write('info', 'bus.reconnected', { server: String(status.data) });
        reconnects.call();
      } else if (type === 'error' || type === 'staleConnection' || type === 'ldm') {
        log.write('warn', 'bus.status', { type, data: String(status.data) });
      }
      metrics.gauge('tally_bus_connected', connected ? 1 : 0);
    }
  };
  watch().catch((error: unknown) => {
    log.write('error', 'bus.status_failed', { error });
  });
  metrics.gauge('tally_bus_connected', 1);
  log.write('info', 'bus.connected', { server: nc.getServer(), version: nc.info?.version });

  const closed = nc.closed().then((error) => {
    connected = false;
    metrics.gauge('tally_bus_connected', 0);
    return error instanceof Error ? error : undefined;
  });

  const closeStage = async (stage: 'readers' | 'writers'): Promise<void> => {
    const results = await Promise.allSettled([...closers[stage]].map((closer) => closer()));
    for (const result of results) if (result.status === 'rejected') log.write('error', 'bus.close_failed', { stage, error: result.reason });
  };

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await closeStage('readers');
    await closeStage('writers');
    if (nc.isClosed()) return;
    const gaveUp = new AbortController();
    if (connected) {
      await Promise.race([
        nc.drain().catch((error: unknown) => log.write('warn', 'bus.drain_failed', { error })),
        ports.timers.sleep(DRAIN_MS_MAX, 'bus.drain', gaveUp.signal),
      ]);
    }
    gaveUp.abort();
    await nc.close();
  };

  const connection: BusConnection = {
    name,
    closed,
    isConnected: () => connected && !nc.isClosed(),
    serverVersion: () => nc.info?.version ?? 'unknown',
    roundTripMs: async (withinMs) => {
      if (!connected) return undefined;
      const answered = new AbortController();
      const late = ports.timers.sleep(withinMs, 'bus.round_trip', answered.signal).then(() => undefined);
      const rtt = await Promise.race([nc.rtt().catch(() => undefined), late]);
      answered.abort();
      return rtt;
    },
    close: () => (closing ??= close()),
  };
  internals.set(connection, {
    nc,
    log,
    metrics,
    ports,
    inboxPrefix: options.inboxPrefix ?? '_INBOX',
    onDisconnect: (listener) => disconnects.add(listener),
    onReconnect: (listener) => reconnects.add(listener),
    onClose: (stage, closer) => {
      closers[stage].add(closer);
      return () => {
        closers[stage].delete(closer);
      };
    },
  });
  return connection;
};
