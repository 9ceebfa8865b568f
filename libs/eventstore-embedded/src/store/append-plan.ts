import { randomFillSync } from 'node:crypto';
import type { LogIndex } from '../index/log-index.ts';
import { isMetastreamName, metastreamName } from '../index/stream-table.ts';
import { FLAG_CONTINUES, TOMBSTONE_REVISION } from '../log/format.ts';
import type { NewEvent, NewRecord } from '../log/format.ts';
import { decideAppend } from './decide.ts';
import type { Expected, Verdict } from './decide.ts';
import { SOFT_DELETE_METADATA, parseMetadata, withTruncateBefore } from './metadata.ts';
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

/** What a request will write: `lastEvent` and `revision` are of the last event the caller asked for. */
export interface Plan {
  readonly records: readonly NewRecord[];
  readonly streams: readonly number[];
  readonly revision: number;
  readonly lastEvent: number;
}

export type Planned =
  | { readonly kind: 'write'; readonly plan: Plan }
  /** Nothing to write: an empty append, or a repeat. Revision and event are absent when the stream has none. */
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
      const event = context.recentIds.find(stream, events[i]!.id, index, context.source);
      return event === undefined ? undefined : index.revision(event);
    },
  });
  if (verdict.kind === 'repeat') {
    const event = verdict.revision === undefined ? undefined : index.ancestor(lastEvent!, verdict.revision);
    return { kind: 'done', revision: verdict.revision, event };
  }
  if (verdict.kind !== 'write') return verdict;
  if (request.kind === 'soft_delete') {
    if (last < 0 && !hasMetadata) return { kind: 'wrong_version', current: -1 };
    return { kind: 'write', plan: metadataPlan(request.name, SOFT_DELETE_METADATA, context, 0) };
  }
  if (request.kind === 'tombstone') return { kind: 'write', plan: tombstonePlan(request.name, stream, events, context) };
  if (events.length === 0) return { kind: 'done', revision: last < 0 ? undefined : last, event: lastEvent };
  const revives = metadata.softDeleted && last >= 0;
  const own = appendPlan(request, stream, last + 1, revives, context);
  if (revives) return { kind: 'write', plan: joined(own, metadataPlan(request.name, withTruncateBefore(metadata, last + 1), context, events.length)) };
  return { kind: 'write', plan: revivedByMetadata(request, own, context) ?? own };
}

export function isTombstoned(name: Buffer, stream: number, index: LogIndex, bound: number = index.count): boolean {
  if (index.isTombstoned(stream, bound)) return true;
  if (!isMetastreamName(name)) return false;
  const base = index.streams.find(name.subarray(2));
  return base !== undefined && index.isTombstoned(base, bound);
}

function appendPlan(request: WriteRequest, stream: number, revision: number, continues: boolean, context: PlanContext): Plan {
  const { events, name } = request;
  const firstEvent = context.index.count;
  const record: NewRecord = {
    name, events, firstEvent, firstRevision: revision, createdMs: context.nowMs, flags: continues ? FLAG_CONTINUES : 0,
  };
  return { records: [record], streams: [stream], revision: revision + events.length - 1, lastEvent: firstEvent + events.length - 1 };
}

/** A write to the metadata stream of a soft-deleted stream brings the stream back, from its next revision on. */
function revivedByMetadata(request: WriteRequest, own: Plan, context: PlanContext): Plan | undefined {
  if (!isMetastreamName(request.name)) return undefined;
  const { index } = context;
  const base = index.streams.find(request.name.subarray(2));
  const baseLast = base === undefined ? undefined : index.lastBelow(base, index.count);
  if (base === undefined || baseLast === undefined || !context.metadata.of(base, index.count).softDeleted) return undefined;
  const written = parseMetadata(request.events[request.events.length - 1]!.data);
  const rewritten = metadataPlan(request.name.subarray(2), withTruncateBefore(written, index.revision(baseLast) + 1), context, request.events.length, own.revision);
  return joined({ ...own, records: own.records.map((r) => ({ ...r, flags: r.flags | FLAG_CONTINUES })) }, rewritten);
}

/** One more `$metadata` event for `name`, `after` events later than the log's end. */
function metadataPlan(name: Buffer, data: Buffer, context: PlanContext, after: number, lastRevision?: number): Plan {
  const { index } = context;
  const metaName = metastreamName(name);
  const metastream = index.streams.findOrAdd(metaName);
  const lastEvent = index.lastBelow(metastream, index.count);
  const revision = (lastRevision ?? (lastEvent === undefined ? -1 : index.revision(lastEvent))) + 1;
  const firstEvent = index.count + after;
  const event: NewEvent = { id: freshId(), type: METADATA_TYPE, json: true, data, metadata: EMPTY };
  const record: NewRecord = { name: metaName, events: [event], firstEvent, firstRevision: revision, createdMs: context.nowMs, flags: 0 };
  return { records: [record], streams: [metastream], revision, lastEvent: firstEvent };
}

function tombstonePlan(name: Buffer, stream: number, events: readonly NewEvent[], context: PlanContext): Plan {
  const firstEvent = context.index.count;
  const record: NewRecord = { name, events, firstEvent, firstRevision: TOMBSTONE_REVISION, createdMs: context.nowMs, flags: 0 };
  return { records: [record], streams: [stream], revision: TOMBSTONE_REVISION, lastEvent: firstEvent };
}

function joined(own: Plan, other: Plan): Plan {
  return { ...own, records: [...own.records, ...other.records], streams: [...own.streams, ...other.streams] };
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
