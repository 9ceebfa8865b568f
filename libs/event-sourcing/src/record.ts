import { eventHashOf, GENESIS_HASH, type EventMetadata } from '@tallystick/contracts';
import type { ExpectedRevision, JsonObject, NewEvent, RecordedEvent } from '@tallystick/ports';

/** An event of the domain with its id: deterministic for a fact, fresh for a claim. */
export interface Fact<E> {
  readonly id: string;
  readonly event: E;
}

export interface DomainEvent {
  readonly type: string;
  readonly data: object;
}

/** Who records, and because of what. */
export interface RecordContext {
  /** CloudEvents source, `/services/<name>`. */
  readonly source: string;
  readonly actor: string;
  readonly build: string;
  readonly policyHash: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly traceparent?: string;
  /** Process time, UTC, RFC 3339. */
  readonly time: string;
}

export const SCHEMA_VERSION = 1;

/** JSON leaves `undefined` members out; the hash is over what will be read back, so it must be taken over that. */
const asJson = (data: object): JsonObject => JSON.parse(JSON.stringify(data)) as JsonObject;

export interface ChainEnd {
  readonly revision: ExpectedRevision;
  /** Hash of the newest event of the stream, or GENESIS_HASH. */
  readonly hash: string;
}

export const NO_STREAM: ChainEnd = { revision: 'no_stream', hash: GENESIS_HASH };

/** Events ready to append after `end`, each carrying the hash of the one before it, and the end they lead to. */
export const chain = <E extends DomainEvent>(
  stream: string,
  end: ChainEnd,
  facts: readonly Fact<E>[],
  context: RecordContext,
): { readonly events: readonly NewEvent[]; readonly end: ChainEnd } => {
  let { revision, hash } = end;
  const events: NewEvent[] = [];
  for (const { id, event } of facts) {
    revision = revision === 'no_stream' ? 0 : revision + 1;
    const metadata: EventMetadata = {
      specversion: '1.0', source: context.source, time: context.time, schemaversion: SCHEMA_VERSION, actor: context.actor, build: context.build,
      policyhash: context.policyHash, prevhash: hash, correlationid: context.correlationId, causationid: context.causationId,
      ...(context.traceparent === undefined ? {} : { traceparent: context.traceparent }),
    };
    const data = asJson(event.data);
    events.push({ id, type: event.type, data, metadata });
    hash = eventHashOf({ stream, revision, id, type: event.type, data, metadata });
  }
  return { events, end: { revision, hash } };
};

export const hashOfRecorded = (event: RecordedEvent): string => eventHashOf(event);
