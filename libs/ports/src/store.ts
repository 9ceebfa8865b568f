/**
 * The event store as the product uses it: append at an explicit revision, read, subscribe. There is no ANY on purpose:
 * its idempotency is bounded memory on a real server, and two writers that both win is the fault this product exists to prevent.
 */

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** Zero-based number of an event in its stream. */
export type Revision = number;
/** What the writer saw last; `no_stream` when it saw nothing. */
export type ExpectedRevision = 'no_stream' | Revision;
/** Place in the log of all streams. Opaque but ordered; on the wire a decimal string. */
export type Position = bigint;

/** Data and metadata of an event as bytes of JSON. */
export interface SpelledEvent {
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface NewEvent {
  /** UUID. Deterministic for facts, fresh for claims. */
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
  /** The same as the bytes that are stored: given by a writer who has spelled them already, and by a store that has them at hand. */
  readonly spelled?: SpelledEvent;
}

export interface RecordedEvent extends NewEvent {
  readonly stream: string;
  readonly revision: Revision;
  readonly position: Position;
  /** When the store recorded it, process time, UTC. */
  readonly recordedAtMs: number;
}

export type StoreFailure =
  /** Nothing was written; asking again later is safe. */
  | { readonly ok: false; readonly code: 'STORE_UNAVAILABLE'; readonly detail: string }
  /** Nothing was written and nothing will be: too large, access denied, stream deleted. */
  | { readonly ok: false; readonly code: 'STORE_REFUSED'; readonly detail: string };

export type AppendOutcome =
  /** `revision` and `position` are those of the last event given. Also the answer to a repeat of the same ids at the same expectation. */
  | { readonly ok: true; readonly revision: Revision; readonly position: Position }
  | { readonly ok: false; readonly code: 'WRONG_EXPECTED_REVISION'; readonly actual: ExpectedRevision }
  /** It may or may not have been written: repeat with the same ids and revision, or read. Never assume. */
  | { readonly ok: false; readonly code: 'APPEND_OUTCOME_UNKNOWN'; readonly detail: string }
  | StoreFailure;

/** A stream that does not exist reads as `exists: false`; a store that cannot answer never does. */
export type ReadOutcome = { readonly ok: true; readonly exists: boolean; readonly events: readonly RecordedEvent[] } | StoreFailure;

export interface ReadOptions {
  readonly from?: Revision | 'start' | 'end';
  readonly direction?: 'forwards' | 'backwards';
  /** Default: the whole stream. */
  readonly maxCount?: number;
}

export interface SubscribeAllOptions {
  /** Exclusive: the first event delivered lies after it. */
  readonly after: Position | 'start' | 'end';
  /** Streams whose name starts with any of these. */
  readonly streamPrefixes: readonly string[];
  /** Awaited: the next event comes when it resolves. A rejection ends the subscription and calls `onFailed`. */
  readonly onEvent: (event: RecordedEvent) => Promise<void> | void;
  /** The log up to `position` has been considered, matching or not. */
  readonly onCheckpoint?: (position: Position) => Promise<void> | void;
  /** Reached the head; may be called again after falling behind. */
  readonly onCaughtUp?: () => void;
  /** The handler threw: the subscription has stopped for good. Transport failures do not come here, they are resumed. */
  readonly onFailed: (error: unknown) => void;
  /** For logs and metrics. */
  readonly name: string;
}

export interface Subscription {
  /** Last position handed over and handled. */
  position(): Position | undefined;
  /** Live means connected and caught up. */
  isLive(): boolean;
  /** Resolves when the handler is at rest; no event is delivered after. */
  stop(): Promise<void>;
}

export interface EventStore {
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendOutcome>;
  read(stream: string, options?: ReadOptions): Promise<ReadOutcome>;
  /** Resumes by itself, from the last handled event, after any ending of the connection, the clean one too. */
  subscribeAll(options: SubscribeAllOptions): Subscription;
  /** Position of the newest event in the log, or `undefined` when it is empty. */
  head(): Promise<{ readonly ok: true; readonly position: Position | undefined } | StoreFailure>;
  close(): Promise<void>;
}
