import { status } from '@grpc/grpc-js';

/** What an error of the client or of gRPC means. */
export type FaultKind =
  /** The connection or the server failed: nothing is known of what was under way. */
  | 'transport'
  /** The request itself was turned down, and would be again. */
  | 'refused'
  /** The server passed the request on to nobody; the client has been told where the leader is. */
  | 'not_leader';

export interface Fault {
  readonly kind: FaultKind;
  /** Stable: the client's error type, the server's exception name, or the gRPC status name. */
  readonly key: string;
  /** For people. Holds no credentials: neither the client nor the server puts them into errors. */
  readonly detail: string;
}

const REFUSED = new Set<string>([
  'access-denied',
  'stream-deleted',
  'maximum-append-size-exceeded',
  'missing-required-metadata-property',
  'invalid-argument',
  'invalid-transaction',
  'unsupported',
  status[status.INVALID_ARGUMENT],
  status[status.PERMISSION_DENIED],
  status[status.UNAUTHENTICATED],
  status[status.UNIMPLEMENTED],
  status[status.FAILED_PRECONDITION],
  status[status.OUT_OF_RANGE],
]);

interface ErrorLike {
  readonly type?: unknown;
  readonly code?: unknown;
  readonly details?: unknown;
  readonly message?: unknown;
  readonly metadata?: { readonly get?: (key: string) => readonly unknown[] };
}

/**
 * Classifies by the client's `type`, else the server's `exception` trailer, else the gRPC code: the client lets raw gRPC
 * errors through on several paths, and its own conversion throws when a trailer is missing.
 */
export function faultOf(error: unknown): Fault {
  const { type, code, details, message, metadata }: ErrorLike = typeof error === 'object' && error !== null ? error : { message: String(error) };
  const exception = metadata?.get?.('exception')[0];
  const name = typeof code === 'number' ? status[code] : undefined;
  // The client's catch-all says less than the code beneath it.
  const known = typeof type === 'string' && type !== 'unknown' ? type : undefined;
  const key = known ?? (typeof exception === 'string' ? exception : undefined) ?? name ?? (typeof code === 'string' ? code : 'unknown');
  const text = typeof details === 'string' && details !== '' ? details : typeof message === 'string' ? message : '';
  // By the code too: servers of later versions name reasons this one does not know.
  const isRefused = REFUSED.has(key) || (name !== undefined && REFUSED.has(name));
  const kind = key === 'not-leader' ? 'not_leader' : isRefused ? 'refused' : 'transport';
  return { kind, key, detail: text === '' ? key : `${key}: ${text}` };
}
