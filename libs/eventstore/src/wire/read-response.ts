import type { JsonObject, RecordedEvent, SpelledEvent } from '@tallystick/ports';
import type { LogPlace } from './read-request.ts';
import { WireError, WireReader } from './reader.ts';

export type ReadMessage =
  | { readonly kind: 'event'; readonly event: RecordedEvent; readonly place: LogPlace }
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'checkpoint'; readonly place: LogPlace }
  | { readonly kind: 'stream_not_found' }
  | { readonly kind: 'caught_up' }
  | { readonly kind: 'fell_behind' }
  /** Something newer servers say that the adapter has no use for. */
  | { readonly kind: 'other' };

/** An event that is not what the product writes: not JSON, or JSON that is no object. The text names it. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
  readonly code = 'EVENT_UNREADABLE';
}

const TICKS_PER_MS = 10_000;

/** Of what a subscription pushes, most is passed over by its type or stream: its payload is parsed when somebody asks for it. */
export type ParsePayload = 'at once' | 'when asked for';

/**
 * Reads a ReadResp: event 1, confirmation 2, checkpoint 3, stream_not_found 4, caught_up 8, fell_behind 9.
 * Throws `WireError` for bytes that are no ReadResp, `UnreadableEvent` for an event whose payload is no JSON object: at once, or when its
 * data or metadata is first asked for.
 */
export function decodeReadMessage(bytes: Buffer, parse: ParsePayload = 'at once'): ReadMessage {
  const reader = new WireReader(bytes);
  let message: ReadMessage = { kind: 'other' };
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    if (tag === 0x0a) message = readEvent(reader, parse);
    else {
      if (tag === 0x1a) {
        message = { kind: 'checkpoint', place: readPlace(reader) };
        continue;
      }
      if (tag === 0x12) message = { kind: 'confirmed' };
      else if (tag === 0x22) message = { kind: 'stream_not_found' };
      else if (tag === 0x42) message = { kind: 'caught_up' };
      else if (tag === 0x4a) message = { kind: 'fell_behind' };
      reader.skip(tag);
    }
  }
  return message;
}

function readPlace(reader: WireReader): LogPlace {
  const end = reader.length();
  let commit = 0n;
  let prepare = 0n;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x08) commit = reader.uint64();
    else if (tag === 0x10) prepare = reader.uint64();
    else reader.skip(tag);
  }
  return { commit, prepare };
}

/** The place of the event in a ReadResp, or `undefined` if it holds none. The payload may be anything. */
export function decodeEventPlace(bytes: Buffer): LogPlace | undefined {
  const reader = new WireReader(bytes);
  let place: LogPlace | undefined;
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    if (tag === 0x0a) place = readRecord(reader).place;
    else reader.skip(tag);
  }
  return place;
}

function readEvent(reader: WireReader, parse: ParsePayload): ReadMessage {
  const record = readRecord(reader);
  const event = new PushedEvent(reader.bytes, record);
  // A tombstone has the revision 2^63-1: its place is wanted, the event is not.
  if (record.contentType !== 'application/json') throw new UnreadableEvent(`${event.label()} is ${record.contentType}, not application/json`);
  if (!Number.isSafeInteger(record.revision)) throw new WireError('revision beyond 53 bits');
  if (parse === 'when asked for') return { kind: 'event', event, place: record.place };
  const { id, type, stream, revision, position, recordedAtMs, data, metadata, spelled } = event;
  return { kind: 'event', event: { id, type, stream, revision, position, recordedAtMs, data, metadata, spelled }, place: record.place };
}

class PushedEvent implements RecordedEvent {
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly recordedAtMs: number;
  readonly spelled: SpelledEvent;
  #data: JsonObject | undefined;
  #metadata: JsonObject | undefined;

  constructor(bytes: Buffer, { id, type, stream, revision, place, createdTicks, data, metadata }: WireRecord) {
    this.id = id;
    this.type = type;
    this.stream = stream;
    this.revision = revision;
    this.position = place.commit;
    this.recordedAtMs = Math.floor(Number(createdTicks) / TICKS_PER_MS);
    this.spelled = { data: bytes.subarray(data.from, data.to), metadata: bytes.subarray(metadata.from, metadata.to) };
  }

  get data(): JsonObject {
    return (this.#data ??= jsonObject(this.spelled.data, () => this.label()));
  }

  get metadata(): JsonObject {
    return (this.#metadata ??= this.spelled.metadata.length === 0 ? {} : jsonObject(this.spelled.metadata, () => this.label()));
  }

  label(): string {
    return `${this.stream}@${this.revision} (${this.type})`;
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Labels {
  type: string;
  contentType: string;
  createdTicks: string;
}

interface WireRecord extends Labels {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly place: LogPlace;
  readonly metadata: Range;
  readonly data: Range;
}

/** ReadEvent: event 1, link 2. Links are not resolved, so `event` is what lies in the stream. */
function readRecord(reader: WireReader): WireRecord {
  const end = reader.length();
  let found: WireRecord | undefined;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x0a) found = recordedEvent(reader);
    else reader.skip(tag);
  }
  if (found === undefined) throw new WireError('an event message without an event');
  return found;
}

/** RecordedEvent: id 1, stream 2, revision 3, prepare 4, commit 5, metadata map 6, custom_metadata 7, data 8. */
function recordedEvent(reader: WireReader): WireRecord {
  const end = reader.length();
  const labels: Labels = { type: '', contentType: '', createdTicks: '' };
  let id = '';
  let stream = '';
  let revision = 0;
  let commit = 0n;
  let prepare = 0n;
  let metadata: Range = { from: 0, to: 0 };
  let data: Range = { from: 0, to: 0 };
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x42) data = reader.range();
    else if (tag === 0x32) mapEntry(reader, labels);
    else if (tag === 0x0a) id = uuid(reader);
    else if (tag === 0x12) stream = streamName(reader);
    else if (tag === 0x18) revision = reader.roundedUint();
    else if (tag === 0x20) prepare = reader.uint64();
    else if (tag === 0x28) commit = reader.uint64();
    else if (tag === 0x3a) metadata = reader.range();
    else reader.skip(tag);
  }
  return { ...labels, id, stream, revision, place: { commit, prepare }, metadata, data };
}

function jsonObject(bytes: Uint8Array, label: () => string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (error) {
    throw new UnreadableEvent(`${label()} holds malformed JSON`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UnreadableEvent(`${label()} holds JSON that is no object`);
  return value as JsonObject;
}

function mapEntry(reader: WireReader, labels: Labels): void {
  const end = reader.length();
  let key = '';
  let value = '';
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x0a) key = reader.utf8();
    else if (tag === 0x12) value = reader.utf8();
    else reader.skip(tag);
  }
  if (key === 'type') labels.type = value;
  else if (key === 'content-type') labels.contentType = value;
  else if (key === 'created') labels.createdTicks = value;
}

function streamName(reader: WireReader): string {
  const end = reader.length();
  let name = '';
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x1a) name = reader.utf8();
    else reader.skip(tag);
  }
  return name;
}

/** UUID: structured 1 {most 1, least 2} or string 2 (what is asked for). */
function uuid(reader: WireReader): string {
  const end = reader.length();
  let text = '';
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x12) text = reader.utf8();
    else if (tag === 0x0a) text = structuredUuid(reader);
    else reader.skip(tag);
  }
  return text;
}

function structuredUuid(reader: WireReader): string {
  const end = reader.length();
  let most = 0n;
  let least = 0n;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x08) most = reader.uint64();
    else if (tag === 0x10) least = reader.uint64();
    else reader.skip(tag);
  }
  const hex = most.toString(16).padStart(16, '0') + least.toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
