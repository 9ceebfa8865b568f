import { BACKWARDS, FORWARDS, jsonEvent } from '@eventstore/db-client';
import type { AllStreamResolvedEvent, JSONEventType, Position, ReadPosition, ReadRevision, RecordedEvent, ResolvedEvent } from '@eventstore/db-client';
import { TOMBSTONE } from './model.ts';
import type { Expected, SentEvent } from './model.ts';
import type { Adapter, AdapterAppend, AdapterRecorded, Connections } from './ports.ts';

/** Through which client: the stock one's two ways to append, or the product's adapter. */
export type Via = 'batch' | 'unary' | 'adapter';

export interface Found {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly position: bigint;
}

export type FoundAppend =
  | { readonly kind: 'ok'; readonly revision: number; readonly position: bigint | undefined }
  | { readonly kind: 'wrong'; readonly current: number }
  | { readonly kind: 'deleted' }
  /** Surely not written. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** Perhaps written. */
  | { readonly kind: 'unknown'; readonly detail: string };

export type FoundRead = { readonly kind: 'missing' | 'deleted' } | { readonly kind: 'present'; readonly events: readonly Found[] };

const TOMBSTONE_REVISION = 9223372036854775807n;
/** Credentials make the stock client append by the unary call. Not sent without TLS. */
const UNARY = { credentials: { username: 'any', password: 'any' } };

export const foundOf = (event: RecordedEvent): Found => ({
  stream: event.streamId,
  revision: event.revision === TOMBSTONE_REVISION ? TOMBSTONE : Number(event.revision),
  id: event.id, type: event.type,
  data: event.isJson ? event.data : undefined,
  position: event.position!.commit,
});

export const foundByAdapter = ({ stream, revision, id, type, data, position }: AdapterRecorded): Found => ({ stream, revision, id, type, data, position });

export const typeOf = (error: unknown): string => (error instanceof Error && 'type' in error ? String(error.type) : String(error));

/** What a deletion may expect: the protocol has STREAM_EXISTS there too, the stock client has not. */
export type DeleteExpected = Exclude<Expected, 'stream_exists'>;

const stockExpected = <E extends Expected>(expected: E): Extract<E, string> | bigint => (typeof expected === 'number' ? BigInt(expected) : (expected as Extract<E, string>));
const currentOf = (revision: unknown): number => (typeof revision === 'bigint' ? Number(revision) : -1);

const failureOf = (error: unknown): FoundAppend => {
  const type = typeOf(error);
  if (type === 'wrong-expected-version') return { kind: 'wrong', current: currentOf((error as { readonly actualVersion: unknown }).actualVersion) };
  return type === 'stream-deleted' ? { kind: 'deleted' } : { kind: 'unknown', detail: type };
};

export interface Append {
  readonly via: Via;
  readonly stream: string;
  readonly expected: Expected;
  readonly events: readonly (SentEvent & { readonly id: string })[];
}

export const append = async ({ stock, adapter }: Connections, { via, stream, expected, events }: Append): Promise<FoundAppend> => {
  if (via === 'adapter') return appendByAdapter(adapter, stream, expected, events);
  try {
    const sent = events.map((event) => jsonEvent({ ...event }));
    const result = await stock.appendToStream(stream, sent, { expectedRevision: stockExpected(expected), ...(via === 'unary' ? UNARY : {}) });
    return { kind: 'ok', revision: Number(result.nextExpectedRevision), position: result.position?.commit };
  } catch (error) {
    return failureOf(error);
  }
};

const appendByAdapter = async (adapter: Adapter, stream: string, expected: Expected, events: Append['events']): Promise<FoundAppend> => {
  if (expected === 'any' || expected === 'stream_exists') throw new Error(`the adapter knows no ${expected}`);
  const data = (event: SentEvent): Record<string, string | number> => ({ ...event.data }) as Record<string, string | number>;
  const result: AdapterAppend = await adapter.append(stream, expected, events.map((event) => ({ id: event.id, type: event.type, data: data(event), metadata: {} })));
  if (result.ok) return { kind: 'ok', revision: result.revision, position: result.position };
  if (result.code === 'WRONG_EXPECTED_REVISION') return { kind: 'wrong', current: result.actual === 'no_stream' ? -1 : result.actual };
  if (result.code === 'STORE_REFUSED') return /delete/i.test(result.detail) ? { kind: 'deleted' } : { kind: 'refused', detail: result.detail };
  return { kind: result.code === 'STORE_UNAVAILABLE' ? 'refused' : 'unknown', detail: `${result.code}: ${result.detail}` };
};

const deleteVia = async (call: () => Promise<{ readonly position?: Position }>): Promise<FoundAppend> => {
  try {
    const { position } = await call();
    return { kind: 'ok', revision: -1, position: position?.commit };
  } catch (error) {
    return failureOf(error);
  }
};

export const softDelete = ({ stock }: Connections, stream: string, expected: DeleteExpected): Promise<FoundAppend> =>
  deleteVia(() => stock.deleteStream(stream, { expectedRevision: stockExpected(expected) }));

export const tombstone = ({ stock }: Connections, stream: string, expected: DeleteExpected): Promise<FoundAppend> =>
  deleteVia(() => stock.tombstoneStream(stream, { expectedRevision: stockExpected(expected) }));

/** `metadata` as the stock client names its keys. */
export const setMetadata = async ({ stock }: Connections, stream: string, metadata: Readonly<Record<string, string | number>>, expected: Expected): Promise<FoundAppend> => {
  try {
    const result = await stock.setStreamMetadata(stream, metadata, { expectedRevision: stockExpected(expected) });
    return { kind: 'ok', revision: Number(result.nextExpectedRevision), position: result.position?.commit };
  } catch (error) {
    return failureOf(error);
  }
};

const collect = async (reading: AsyncIterable<ResolvedEvent<JSONEventType> | AllStreamResolvedEvent>): Promise<Found[]> => {
  const events: Found[] = [];
  for await (const { event } of reading) events.push(foundOf(event as RecordedEvent));
  return events;
};

export interface ReadStream {
  readonly via: Via;
  readonly stream: string;
  readonly backwards: boolean;
  readonly from: 'start' | 'end' | number;
  readonly limit: number;
}

export const readStream = async ({ stock, adapter }: Connections, { via, stream, backwards, from, limit }: ReadStream): Promise<FoundRead> => {
  if (via === 'adapter') {
    const read = await adapter.read(stream, { from, direction: backwards ? 'backwards' : 'forwards', maxCount: limit });
    if (read.ok) return read.exists ? { kind: 'present', events: read.events.map(foundByAdapter) } : { kind: 'missing' };
    if (/delete/i.test(read.detail)) return { kind: 'deleted' };
    throw new Error(`read of ${stream} through the adapter: ${read.code} ${read.detail}`);
  }
  const fromRevision: ReadRevision = typeof from === 'number' ? BigInt(from) : from;
  try {
    return { kind: 'present', events: await collect(stock.readStream(stream, { direction: backwards ? BACKWARDS : FORWARDS, fromRevision, maxCount: limit })) };
  } catch (error) {
    const type = typeOf(error);
    if (type === 'stream-not-found') return { kind: 'missing' };
    if (type === 'stream-deleted') return { kind: 'deleted' };
    throw error;
  }
};

export const readAll = (stock: Connections['stock'], from: 'start' | 'end' | bigint, backwards: boolean, limit?: number): Promise<Found[]> => {
  const fromPosition: ReadPosition = typeof from === 'bigint' ? { commit: from, prepare: from } : from;
  return collect(stock.readAll({ direction: backwards ? BACKWARDS : FORWARDS, fromPosition, ...(limit !== undefined && { maxCount: limit }) }));
};
