import { constants, createSecureServer, createServer } from 'node:http2';
import type { Http2SecureServer, Http2Server, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { StoreError, errorText } from '../errors.ts';
import type { StoreLog } from '../log.ts';
import { NOT_ADMITTED } from './access.ts';
import type { AccessCheck } from './access.ts';
import { Call, GRPC } from './call.ts';

export type Handler = (call: Call) => void;

/** A client may have this much of one call, and of one connection, under way to us: a few of its largest batches. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
/** In MB. Node counts headers and queued frames of a connection; its default of 10 is less than 10,000 unary calls at once need. */
const SESSION_MEMORY_MB = 256;
/** A client that cancels many calls is not an attacker on our networks; Node's default would close its connection at 1,000. */
const RESET_BURST = 100_000;
const RESET_PER_SECOND = 10_000;
/** How long a connection may take to say goodbye. */
const CLOSE_GRACE_MS = 150;

export interface TlsFiles {
  /** PEM: the server's certificate, with any intermediate ones after it. */
  readonly certificate: string | Buffer;
  /** PEM. */
  readonly key: string | Buffer;
}

/** Refuses with `STORE_UNUSABLE` a certificate and a key that are none or do not belong together. */
export function checkTls({ certificate, key }: TlsFiles): void {
  try {
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    throw new StoreError('STORE_UNUSABLE', `the TLS certificate and key cannot be used: ${errorText(error)}`, 'Give both as PEM, and the key that belongs to the certificate.');
  }
}

export interface GrpcServerOptions {
  readonly handlers: ReadonlyMap<string, Handler>;
  /** Paths of calls that need no credentials. */
  readonly openPaths: ReadonlySet<string>;
  readonly access: AccessCheck;
  readonly log: StoreLog;
  readonly tls?: TlsFiles;
}

/** gRPC over HTTP/2, plain or with TLS. Calls to paths without a handler are answered UNIMPLEMENTED. */
export class GrpcServer {
  private readonly server: Http2Server | Http2SecureServer;
  private readonly sessions = new Set<ServerHttp2Session>();
  private readonly handlers: ReadonlyMap<string, Handler>;
  private readonly openPaths: ReadonlySet<string>;
  private readonly access: AccessCheck;
  private readonly log: StoreLog;

  constructor({ handlers, openPaths, access, log, tls }: GrpcServerOptions) {
    this.handlers = handlers;
    this.openPaths = openPaths;
    this.access = access;
    this.log = log;
    const limits = {
      settings: { initialWindowSize: STREAM_WINDOW_BYTES },
      maxSessionMemory: SESSION_MEMORY_MB,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESET_PER_SECOND,
    };
    this.server = tls === undefined ? createServer(limits) : createSecureServer({ ...limits, cert: tls.certificate, key: tls.key });
    this.server.on('session', (session) => this.adopt(session));
    this.server.on('stream', (stream, headers) => this.accept(stream, headers));
    this.server.on('sessionError', (error) => log.write('debug', 'store_connection_error', { detail: errorText(error) }));
  }

  get connections(): number {
    return this.sessions.size;
  }

  /** Resolves with the port. Refuses with `STORE_UNUSABLE`. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', (error) =>
        reject(new StoreError('STORE_UNUSABLE', `cannot listen on ${host}:${port}: ${error.message}`, 'Free the port or choose another.')),
      );
      this.server.listen(port, host, () => resolve((this.server.address() as AddressInfo).port));
    });
  }

  /** Takes no more connections or calls, gives those there are a moment to end, then cuts them. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const session of this.sessions) session.close();
    const cut = setTimeout(() => this.cut(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(cut);
  }

  /** Ends every connection at once, saying nothing: for a store that may not promise anything any more. */
  cut(): void {
    for (const session of this.sessions) session.destroy();
  }

  private adopt(session: ServerHttp2Session): void {
    this.sessions.add(session);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.on('close', () => this.sessions.delete(session));
    session.on('error', (error) => this.log.write('debug', 'store_connection_error', { detail: errorText(error) }));
  }

  private accept(stream: ServerHttp2Stream, headers: Record<string, string | string[] | undefined>): void {
    const path = String(headers[constants.HTTP2_HEADER_PATH]);
    const caller = this.openPaths.has(path) ? 'anonymous' : this.access.admit(headers);
    const call = new Call(stream, { path, headers, caller: caller ?? 'anonymous' });
    if (caller === undefined) {
      call.fail(NOT_ADMITTED);
      return;
    }
    const handler = this.handlers.get(path);
    if (handler === undefined) {
      call.fail({ code: GRPC.UNIMPLEMENTED, message: `${path} is not implemented` });
      return;
    }
    try {
      handler(call);
    } catch (error) {
      this.log.write('error', 'store_call_failed', { path, detail: errorText(error) });
      call.fail({ code: GRPC.INTERNAL, message: errorText(error) });
    }
  }
}

/** A handler for one request message and one answer. */
export function unary(answer: (call: Call, request: Buffer) => void, onError: (call: Call, error: unknown) => void): Handler {
  return (call) => {
    let answered = false;
    call.onMessage = (message) => {
      if (answered) return;
      answered = true;
      try {
        answer(call, message);
      } catch (error) {
        onError(call, error);
      }
    };
    call.onEnd = () => {
      if (!answered) call.fail({ code: GRPC.INVALID_ARGUMENT, message: 'the call has no request' });
    };
  };
}
