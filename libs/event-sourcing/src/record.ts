import { eventHashOf, GENESIS_HASH, spellEvent, type EventMetadata } from '@tallystick/contracts';
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

export interface ChainEnd {
  readonly revision: ExpectedRevision;
  /** Hash of the newest event of the stream, or GENESIS_HASH. */
  readonly hash: string;
}

export const NO_STREAM: ChainEnd = { revision: 'no_stream', hash: GENESIS_HASH };

/** Events ready to append after `end`, each carrying the hash of the one before it, the end they lead to, and the length of their JSON in bytes. */
export const chain = <E extends DomainEvent>(
  stream: string,
  end: ChainEnd,
  facts: readonly Fact<E>[],
  context: RecordContext,
): { readonly events: readonly NewEvent[]; readonly end: ChainEnd; readonly bytes: number } => {
  let { revision, hash } = end;
  const events: NewEvent[] = [];
  let bytes = 0;
  for (const { id, event } of facts) {
    revision = revision === 'no_stream' ? 0 : revision + 1;
    const metadata: EventMetadata = {
      specversion: '1.0', source: context.source, time: context.time, schemaversion: SCHEMA_VERSION, actor: context.actor, build: context.build,
      policyhash: context.policyHash, prevhash: hash, correlationid: context.correlationId, causationid: context.causationId,
      ...(context.traceparent === undefined ? {} : { traceparent: context.traceparent }),
    };
    // Members that are `undefined` are in neither the JSON nor its hash.
    const data = event.data as JsonObject;
    const spelled = spellEvent({ data, metadata });
    events.push({ id, type: event.type, data, metadata, spelled });
    hash = eventHashOf({ stream, revision, id, type: event.type, data, metadata, spelled });
    bytes += spelled.data.length + spelled.metadata.length;
  }
  return { events, end: { revision, hash }, bytes };
};

export const hashOfRecorded = (event: RecordedEvent): string => eventHashOf(event);
