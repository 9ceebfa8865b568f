import type { Call, Failure } from '../grpc/call.ts';
import { GRPC } from '../grpc/call.ts';
import type { Store } from '../store/store.ts';
import type { WriteRules } from './write-rules.ts';

/** As the real server's prepare, commit and write timeouts. */
export const WRITE_TIMEOUT_MS = 2_000;

/** What every call that writes works with. */
export interface WriteContext {
  readonly store: Store;
  readonly rules: WriteRules;
  /** How long a complete request may wait for its answer. */
  readonly writeTimeoutMs: number;
}

const DENIED: Failure = { code: GRPC.PERMISSION_DENIED, message: 'Access Denied', trailers: { exception: 'access-denied' } };

/** Counts and logs a write that the caller may not make, and gives what the call is told. */
export function accessDenied({ store }: WriteContext, call: Call, name: Buffer): Failure {
  store.metrics.accessDenied.add(1);
  store.log.write('warn', 'store_access_denied', { path: call.path, caller: call.caller, stream: name.toString('utf8') });
  return DENIED;
}

const TIMEOUT_UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };

/** Milliseconds the client gave the call in its `grpc-timeout` header; infinity when it gave none. */
export function callTimeoutMs(call: Call): number {
  const header = call.headers['grpc-timeout'];
  const match = typeof header === 'string' ? /^(\d{1,8})([HMSmun])$/.exec(header) : null;
  return match === null ? Infinity : Number(match[1]) * TIMEOUT_UNITS_MS[match[2]!]!;
}
