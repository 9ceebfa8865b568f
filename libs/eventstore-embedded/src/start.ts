import { AccessCheck } from './grpc/access.ts';
import { GrpcServer } from './grpc/server.ts';
import type { TlsFiles } from './grpc/server.ts';
import { startHttp } from './http.ts';
import type { HttpServer } from './http.ts';
import { SILENT_LOG } from './log.ts';
import type { StoreLog } from './log.ts';
import { Services } from './services/services.ts';
import { identifyLog } from './store/identity.ts';
import { Store } from './store/store.ts';

export interface EmbeddedStoreOptions {
  /** Created when missing. One server at a time. */
  readonly dataDir: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Health and metrics; absent means none, 0 any free port. */
  readonly httpPort?: number;
  /** What gossip tells clients to connect to. Default: `host` and the port in use. */
  readonly advertisedHost?: string;
  readonly advertisedPort?: number;
  /** Absent: plain text. */
  readonly tls?: TlsFiles;
  /** Passwords by user name. Absent: anybody who can connect may do anything. */
  readonly users?: ReadonlyMap<string, string>;
  /** With `users`: may calls without credentials pass. Default false. */
  readonly anonymous?: boolean;
  readonly log?: StoreLog;
  /** Bytes after which a new log file begins; tests make it small. */
  readonly segmentBytesMax?: number;
  /**
   * A sync failed. Nothing is acknowledged from then on, connections are cut, and the process must end: after a failed
   * sync the kernel may drop the pages and call the next sync a success. Default: exit with code 74.
   */
  readonly onFatal?: (error: Error) => void;
}

export interface EmbeddedStore {
  readonly port: number;
  readonly httpPort: number | undefined;
  /** For `EventStoreDBClient.connectionString`. */
  readonly connectionString: string;
  /** Answers what was accepted, ends calls with UNAVAILABLE, syncs and closes. */
  stop(): Promise<void>;
}

/** The code of `sysexits.h` for an input/output error. */
const EXIT_IO_ERROR = 74;

/**
 * Starts a single-node event store on a data directory. Refuses with a `StoreError`: `STORE_LOCKED`, `STORE_DAMAGED` or
 * `STORE_UNUSABLE`.
 */
export async function startEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { dataDir, host = '127.0.0.1', log = SILENT_LOG } = options;
  const onFatal = (error: Error): void => {
    log.write('error', 'store_sync_failed', { detail: error.message });
    grpc.cut();
    if (options.onFatal === undefined) process.exit(EXIT_IO_ERROR);
    options.onFatal(error);
  };
  const store = new Store({ dataDir, log, onFatal, ...(options.segmentBytesMax !== undefined && { segmentBytesMax: options.segmentBytesMax }) });
  const advertised = { host: options.advertisedHost ?? host, port: options.advertisedPort ?? 0 };
  const services = new Services(store, advertised);
  let http: HttpServer | undefined;
  let stopping = false;
  const access = new AccessCheck({ anonymous: options.anonymous ?? false, ...(options.users !== undefined && { users: options.users }) });
  const grpc = new GrpcServer({ handlers: services.handlers, access, log, ...(options.tls !== undefined && { tls: options.tls }) });
  try {
    await identifyLog(store);
    const port = await grpc.listen(host, options.port ?? 0);
    advertised.port = options.advertisedPort ?? port;
    if (options.httpPort !== undefined) {
      const face = {
        isReady: () => !stopping && !store.failed,
        metrics: () => store.metrics.render(gauges(store, services, grpc)),
      };
      http = await startHttp(face, host, options.httpPort);
    }
    log.write('info', 'store_started', { port, data_dir: dataDir, events: store.index.visible, log_bytes: store.bytes });
    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      stopping = true;
      await services.shutDown();
      await grpc.close();
      await http?.close();
      store.close();
      log.write('info', 'store_stopped', { events: store.index.visible });
    };
    return {
      port,
      httpPort: http?.port,
      connectionString: `esdb://${host}:${port}?tls=${options.tls !== undefined}`,
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    await grpc.close();
    store.close();
    throw error;
  }
}

function gauges(store: Store, services: Services, grpc: GrpcServer): Record<string, number> {
  let lagMax = 0;
  for (const subscription of services.subscriptions) lagMax = Math.max(lagMax, subscription.lag());
  return {
    tally_store_events: store.index.visible,
    tally_store_streams: store.index.streams.count,
    tally_store_log_bytes: store.bytes,
    tally_store_log_segments: store.segmentCount,
    tally_store_connections: grpc.connections,
    tally_store_subscriptions: services.subscriptions.size,
    tally_store_subscription_lag_events_max: lagMax,
    tally_store_memory_bytes: process.memoryUsage.rss(),
  };
}
