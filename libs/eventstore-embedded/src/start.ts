import { StoreError } from './errors.ts';
import { AccessCheck } from './grpc/access.ts';
import type { StoreUser } from './grpc/access.ts';
import { checkExposure } from './grpc/exposure.ts';
import { GrpcServer, checkTls } from './grpc/server.ts';
import type { TlsFiles } from './grpc/server.ts';
import { gaugesOf } from './gauges.ts';
import { startHttp } from './http.ts';
import type { HttpServer } from './http.ts';
import { SILENT_LOG } from './log.ts';
import type { StoreLog } from './log.ts';
import { OPEN_PATHS, Services } from './services/services.ts';
import { WRITE_TIMEOUT_MS } from './services/write-context.ts';
import { WriteRules } from './services/write-rules.ts';
import { identifyLog } from './store/identity.ts';
import { Store } from './store/store.ts';

export interface EmbeddedStoreOptions {
  /** Created when missing. One server at a time. */
  readonly dataDir: string;
  /** Default 127.0.0.1. Where other machines can reach it, it wants `tls` and `users`, or `insecure`. */
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
  /** By name; a password alone is that of a service. Absent: anybody who can connect is taken for a service. */
  readonly users?: ReadonlyMap<string, StoreUser | string>;
  /** With `users`: may calls without credentials pass, as a service's. Default false. */
  readonly anonymous?: boolean;
  /** Listens where other machines can reach it without TLS or users. Default false. */
  readonly insecure?: boolean;
  /**
   * Beginnings of stream names. Events of these streams may be deleted or hidden by metadata (`$maxCount`, `$maxAge`, `$tb`,
   * `$acl`) by an admin alone, and without users by nobody. Default: none.
   */
  readonly protectedPrefixes?: readonly string[];
  /**
   * How long an append or delete may wait for its answer, from the moment all of it has arrived. Then it is answered with a
   * timeout, and may still be written when it was being synced. Default 2,000, as the real server's; under 100 is 100.
   */
  readonly writeTimeoutMs?: number;
  readonly log?: StoreLog;
  /** Bytes after which a new log file begins; tests make it small. */
  readonly segmentBytesMax?: number;
  /**
   * A sync failed, or a part of the log that a start takes on trust turned out to be damaged (a `StoreError`). Connections are
   * cut, nothing is acknowledged from then on, and the process must end: after a failed sync the kernel may drop the pages and
   * call the next sync a success, and a damaged log may not go on. Default: exit with code 74.
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
 * Starts a single-node event store on a data directory. Refuses with a `StoreError`: `STORE_LOCKED`, `STORE_DAMAGED`,
 * `STORE_UNUSABLE` or `STORE_EXPOSED`.
 */
export async function startEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { dataDir, host = '127.0.0.1', log = SILENT_LOG } = options;
  const users = options.users && usersOf(options.users);
  const anonymous = options.anonymous ?? false;
  const note = checkExposure({ host, hasTls: options.tls !== undefined, hasUsers: users !== undefined, anonymous, insecure: options.insecure ?? false });
  if (options.tls !== undefined) checkTls(options.tls);
  const onFatal = (error: Error): void => {
    if (error instanceof StoreError) log.write('error', 'store_damaged', { detail: error.message, remedy: error.remedy });
    else log.write('error', 'store_sync_failed', { detail: error.message });
    grpc.cut();
    if (options.onFatal === undefined) process.exit(EXIT_IO_ERROR);
    options.onFatal(error);
  };
  const store = new Store({ dataDir, log, onFatal, ...(options.segmentBytesMax !== undefined && { segmentBytesMax: options.segmentBytesMax }) });
  const advertised = { host: options.advertisedHost ?? host, port: options.advertisedPort ?? 0 };
  const rules = new WriteRules({ protectedPrefixes: options.protectedPrefixes ?? [], hasUsers: users !== undefined });
  const services = new Services({ store, rules, writeTimeoutMs: options.writeTimeoutMs ?? WRITE_TIMEOUT_MS, advertised });
  let http: HttpServer | undefined;
  let stopping = false;
  const access = new AccessCheck({ anonymous, ...(users !== undefined && { users }) });
  const grpc = new GrpcServer({ handlers: services.handlers, openPaths: OPEN_PATHS, access, log, ...(options.tls !== undefined && { tls: options.tls }) });
  try {
    await identifyLog(store);
    const port = await grpc.listen(host, options.port ?? 0);
    advertised.port = options.advertisedPort ?? port;
    if (options.httpPort !== undefined) {
      const face = {
        notReady: () => (stopping ? 'stopping' : store.failed ? 'sync_failed' : store.isDiskTaking ? undefined : 'disk_refuses_writes'),
        metrics: () => store.metrics.render(gaugesOf({ store, services, grpc, access })),
      };
      http = await startHttp(face, host, options.httpPort);
    }
    log.write('info', 'store_started', { port, data_dir: dataDir, events: store.index.visible, log_bytes: store.bytes });
    if (note !== undefined) log.write(note.level, note.event, note.fields);
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

function usersOf(given: ReadonlyMap<string, StoreUser | string>): ReadonlyMap<string, StoreUser> {
  return new Map([...given].map(([name, user]) => [name, typeof user === 'string' ? { password: user, role: 'service' } : user]));
}
