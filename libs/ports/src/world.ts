/**
 * What pure code may ask of the world. Time, randomness, ids and waiting enter here and nowhere else, so that
 * the simulator can run the very classes that production runs.
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

/** The machine's clock: heartbeats, retries, leases, the sweeper. Never a business rule. */
export interface ProcessClock {
  /** Wall time, UTC. */
  nowMs(): EpochMs;
  /** A clock that only goes forward; its origin means nothing. */
  monotonicMs(): number;
}

/**
 * The market's clock: sessions, freshness, expiry, day roll. Wall time when live, the replay's time when replaying.
 * `undefined` means it cannot be read; every rule that needs it then denies.
 */
export interface BusinessClock {
  nowMs(): EpochMs | undefined;
}

export type Stop = () => void;

export interface Timers {
  /** Resolves after `ms` or, earlier, when `signal` aborts. Never rejects. `why` names the wait in traces. */
  sleep(ms: number, why: string, signal?: AbortSignal): Promise<void>;
  /** Calls `task` every `ms`, never two at once. */
  every(ms: number, why: string, task: () => Promise<void>): Stop;
}

export interface Ids {
  /** A fresh UUID. `kind` names the draw so that a replay can tell which one it is. */
  unique(kind: string): string;
}

export interface Ports {
  readonly clock: ProcessClock;
  readonly timers: Timers;
  readonly ids: Ids;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Write-only: nothing a service decides may be read back from it. */
export interface Log {
  /** `event` is a stable, greppable name; `fields` carry ids, never secrets. */
  write(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Write-only metrics. Label values come from closed sets, never ids. */
export interface Metrics {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  observeMs(name: string, ms: number, labels?: Readonly<Record<string, string>>): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}

/** Named step boundary. In production it does nothing; a fault campaign may stop the process here. */
export interface Failpoints {
  at(point: string): void;
}

/** Ed25519 over the bytes given. */
export interface Signer {
  readonly keyId: string;
  /** Base64url signature. */
  sign(bytes: Uint8Array): string;
}

export interface Verifier {
  /** False for an unknown key as for a wrong signature. */
  verify(keyId: string, bytes: Uint8Array, signature: string): boolean;
}
