import { randomFillSync } from 'node:crypto';
import type { LogIndex } from '../index/log-index.ts';
import { isMetastreamName, metastreamName } from '../index/stream-table.ts';
import { FLAG_CONTINUES, TOMBSTONE_REVISION } from '../log/format.ts';
import type { NewEvent, NewRecord } from '../log/format.ts';
import { decideAppend } from './decide.ts';
import type { Expected, Verdict } from './decide.ts';
import { SOFT_DELETE_METADATA, parseMetadata, shownRange, withTruncateBefore } from './metadata.ts';
import type { StreamMetadata } from './metadata.ts';
import type { EventSource } from './event-source.ts';
import type { MetadataReader } from './metadata.ts';
import type { RecentIds } from './recent-ids.ts';

export type WriteKind = 'append' | 'soft_delete' | 'tombstone';

export interface WriteRequest {
  readonly kind: WriteKind;
  readonly name: Buffer;
  readonly expected: Expected;
  readonly events: readonly NewEvent[];
}

/** What a request will write: `lastEvent` and `revision` are of the last event the caller asked for, or of what there is when none was. */
export interface Plan {
  readonly records: readonly NewRecord[];
  readonly streams: readonly number[];
  /** Absent when the stream has no events. */
  readonly revision: number | undefined;
  readonly lastEvent: number;
}

export type Planned =
  | { readonly kind: 'write'; readonly plan: Plan }
  /** Nothing to write: an empty append, or a repeat. The revision is absent when the stream has none, the event when it has none to show. */
  | { readonly kind: 'done'; readonly revision: number | undefined; readonly event: number | undefined }
  | Exclude<Verdict, { readonly kind: 'write' | 'repeat' }>;

export interface PlanContext {
  readonly index: LogIndex;
  readonly source: EventSource;
  readonly metadata: MetadataReader;
  readonly recentIds: RecentIds;
  readonly nowMs: number;
}

const METADATA_TYPE = Buffer.from('$metadata');
const TOMBSTONE_TYPE = Buffer.from('$streamDeleted');
const EMPTY = Buffer.alloc(0);

/** Decides a request against everything written so far, the group it is part of included. Writes nothing. */
export function planWrite(request: WriteRequest, context: PlanContext): Planned {
  const { index } = context;
  const stream = index.streams.findOrAdd(request.name);
  const lastEvent = index.lastBelow(stream, index.count);
  const last = lastEvent === undefined ? -1 : index.revision(lastEvent);
  const metadata = context.metadata.of(stream, index.count);
  const metastream = index.streams.metastream(stream);
  const hasMetadata = metastream !== undefined && index.lastBelow(metastream, index.count) !== undefined;
  const events = request.kind === 'append' ? request.events : [tombstoneEvent()];
  const verdict = decideAppend(request.expected, events.length, {
    last,
    tombstoned: isTombstoned(request.name, stream, index),
    softDeleted: metadata.softDeleted,
    hasMetadata,
    isStored: (i, revision) => context.source.hasId(index.ancestor(lastEvent!, revision), events[i]!.id),
    recentRevision: (i) => {
      const event = context.recentIds.find(stream, events[i]!.id);
      return event === undefined ? undefined : index.revision(event);
    },
  });
  if (verdict.kind === 'repeat') {
    const event = index.ancestor(lastEvent!, verdict.revision);
    return { kind: 'done', revision: verdict.revision, event: isShown(event, last, metadata, context) ? event : undefined };
  }
  if (verdict.kind !== 'write') return verdict;
  if (request.kind === 'soft_delete') {
    if (last < 0 && !hasMetadata) return { kind: 'wrong_version', current: -1 };
    return { kind: 'write', plan: metadataPlan(request.name, SOFT_DELETE_METADATA, context) };
  }
  if (request.kind === 'tombstone') return { kind: 'write', plan: tombstonePlan(request.name, stream, events, context) };
  const own = appendPlan(request, stream, last + 1, context);
  const revival = metadata.softDeleted ? withTruncateBefore(metadata, last + 1) : undefined;
  const metadataOf = revival === undefined ? revivedByMetadata(request, context) : { name: request.name, data: revival };
  const after = metadataOf === undefined ? undefined : metadataPlan(metadataOf.name, metadataOf.data, context, own);
  if (events.length > 0) return { kind: 'write', plan: after === undefined ? own : joined(own, after) };
  // The real server writes an empty transaction and answers where; nothing is shown of it, so the end of the log says the same.
  const revision = last < 0 ? undefined : last;
  return after === undefined ? { kind: 'done', revision, event: index.count - 1 } : { kind: 'write', plan: { ...after, revision } };
}

/** The real server finds the position of a repeat by reading the event, as any reader would. */
function isShown(event: number, last: number, metadata: StreamMetadata, { index, source, nowMs }: PlanContext): boolean {
  if (metadata.softDeleted) return false;
  const { firstRevision, createdFromMs } = shownRange(metadata, last, nowMs);
  return index.revision(event) >= firstRevision && (createdFromMs === 0 || source.createdMs(event, nowMs) >= createdFromMs);
}

export function isTombstoned(name: Buffer, stream: number, index: LogIndex, bound: number = index.count): boolean {
  if (index.isTombstoned(stream, bound)) return true;
  if (!isMetastreamName(name)) return false;
  const base = index.streams.find(name.subarray(2));
  return base !== undefined && index.isTombstoned(base, bound);
}

function appendPlan(request: WriteRequest, stream: number, revision: number, context: PlanContext): Plan {
  const { events, name } = request;
  const firstEvent = context.index.count;
  const record: NewRecord = { name, events, firstEvent, firstRevision: revision, createdMs: context.nowMs, flags: 0 };
  return { records: [record], streams: [stream], revision: revision + events.length - 1, lastEvent: firstEvent + events.length - 1 };
}

/**
 * A write to the metadata stream of a soft-deleted stream brings the stream back, from its next revision on. Metadata that is
 * not a JSON object is left as it is, and then shows all of the stream: the real server does the same.
 */
function revivedByMetadata(request: WriteRequest, context: PlanContext): { readonly name: Buffer; readonly data: Buffer } | undefined {
  if (!isMetastreamName(request.name)) return undefined;
  const { index } = context;
  const name = request.name.subarray(2);
  const base = index.streams.find(name);
  if (base === undefined) return undefined;
  const metadata = context.metadata.of(base, index.count);
  if (!metadata.softDeleted) return undefined;
  const lastEvent = index.lastBelow(base, index.count);
  const written = request.events.length === 0 ? metadata : parseMetadata(request.events[request.events.length - 1]!.data);
  const data = withTruncateBefore(written, lastEvent === undefined ? 0 : index.revision(lastEvent) + 1);
  return data === undefined ? undefined : { name, data };
}

/** One more `$metadata` event for `name`, after those of `before`, which may be of the same metadata stream. */
function metadataPlan(name: Buffer, data: Buffer, context: PlanContext, before?: Plan): Plan {
  const { index } = context;
  const metaName = metastreamName(name);
  const metastream = index.streams.findOrAdd(metaName);
  const lastEvent = index.lastBelow(metastream, index.count);
  const last = before?.streams[0] === metastream ? before.revision : lastEvent === undefined ? undefined : index.revision(lastEvent);
  const revision = (last ?? -1) + 1;
  const firstEvent = before === undefined ? index.count : before.lastEvent + 1;
  const event: NewEvent = { id: freshId(), type: METADATA_TYPE, json: true, data, metadata: EMPTY };
  const record: NewRecord = { name: metaName, events: [event], firstEvent, firstRevision: revision, createdMs: context.nowMs, flags: 0 };
  return { records: [record], streams: [metastream], revision, lastEvent: firstEvent };
}

function tombstonePlan(name: Buffer, stream: number, events: readonly NewEvent[], context: PlanContext): Plan {
  const firstEvent = context.index.count;
  const record: NewRecord = { name, events, firstEvent, firstRevision: TOMBSTONE_REVISION, createdMs: context.nowMs, flags: 0 };
  return { records: [record], streams: [stream], revision: TOMBSTONE_REVISION, lastEvent: firstEvent };
}

/** One append that writes to two streams: whole or not at all. */
function joined(own: Plan, other: Plan): Plan {
  const continued = own.records.map((record) => ({ ...record, flags: record.flags | FLAG_CONTINUES }));
  return { ...own, records: [...continued, ...other.records], streams: [...own.streams, ...other.streams] };
}

function tombstoneEvent(): NewEvent {
  return { id: freshId(), type: TOMBSTONE_TYPE, json: false, data: EMPTY, metadata: EMPTY };
}

function freshId(): Buffer {
  const id = randomFillSync(Buffer.allocUnsafe(16));
  id[6] = (id[6]! & 0x0f) | 0x40;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id;
}
