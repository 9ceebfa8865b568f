import type { EventStoreDBClient } from '@eventstore/db-client';

/** The product's adapter, as far as the test uses it. It comes from outside: this library does not know it. */
export interface Adapter {
  append(stream: string, expected: 'no_stream' | number, events: readonly AdapterEvent[]): Promise<AdapterAppend>;
  read(stream: string, options: { readonly from: number | 'start' | 'end'; readonly direction: 'forwards' | 'backwards'; readonly maxCount: number }): Promise<AdapterRead>;
  subscribeAll(options: AdapterSubscribe): { stop(): Promise<void> };
  head(): Promise<{ readonly ok: true; readonly position: bigint | undefined } | { readonly ok: false; readonly code: string }>;
  close(): Promise<void>;
}

export interface AdapterEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, string | number>>;
  readonly metadata: Readonly<Record<string, never>>;
}

export interface AdapterRecorded extends Omit<AdapterEvent, 'data' | 'metadata'> {
  readonly data: Readonly<Record<string, unknown>>;
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
}

export type AdapterAppend =
  | { readonly ok: true; readonly revision: number; readonly position: bigint }
  | { readonly ok: false; readonly code: 'WRONG_EXPECTED_REVISION'; readonly actual: 'no_stream' | number }
  | { readonly ok: false; readonly code: 'APPEND_OUTCOME_UNKNOWN' | 'STORE_UNAVAILABLE' | 'STORE_REFUSED'; readonly detail: string };

export type AdapterRead =
  | { readonly ok: true; readonly exists: boolean; readonly events: readonly AdapterRecorded[] }
  | { readonly ok: false; readonly code: string; readonly detail: string };

export interface AdapterSubscribe {
  readonly after: bigint | 'start' | 'end';
  readonly streamPrefixes: readonly string[];
  readonly onEvent: (event: AdapterRecorded) => void;
  readonly onCaughtUp: () => void;
  readonly onFailed: (error: unknown) => void;
  readonly name: string;
}

/** A server that can be stopped, killed and started again on its files. */
export interface Host {
  /** Resolves with the connection string; always the same. */
  start(): Promise<string>;
  end(how: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Files that may be missing: the next start makes them again. */
  dropIndex(): void;
  remove(): Promise<void>;
}

export interface Connections {
  readonly stock: EventStoreDBClient;
  readonly adapter: Adapter;
}
