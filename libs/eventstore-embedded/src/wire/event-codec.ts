import { TOMBSTONE_REVISION } from '../log/format.ts';
import type { EventView, LogRecord } from '../log/record.ts';
import { INT64_MAX_VARINT, putVarint, varintLength } from './proto.ts';
import { putUuidText } from './uuid.ts';

/** An event to show: a record and the place in it. */
export interface ShownEvent {
  readonly record: LogRecord;
  readonly index: number;
}

const JSON_ENTRY = entry('content-type', 'application/json');
const BINARY_ENTRY = entry('content-type', 'application/octet-stream');
const TYPE_KEY = Buffer.from('\x0a\x04type\x12', 'latin1');
const CREATED_KEY = Buffer.from('\x0a\x07created\x12', 'latin1');
/** A UUID message with 36 characters of text. */
const TEXT_ID_BYTES = 38;
/** A UUID message with a message of two varints of ten bytes. */
const STRUCTURED_ID_BYTES = 24;

function entry(key: string, value: string): Buffer {
  const inner = `\x0a${String.fromCharCode(key.length)}${key}\x12${String.fromCharCode(value.length)}${value}`;
  return Buffer.from(`\x32${String.fromCharCode(inner.length)}${inner}`, 'latin1');
}

interface Prepared {
  readonly record: LogRecord;
  readonly view: EventView;
  readonly name: Buffer;
  readonly revision: number;
  readonly position: number;
  /** .NET ticks since the Unix epoch, as text: they are beyond JavaScript's exact integers. */
  readonly created: string;
  readonly structured: boolean;
  readonly bytes: number;
}

/** Positions on the wire begin at 1, so that 0 means "before everything" also where positions are exclusive. */
export function positionOf(event: number): number {
  return event + 1;
}

/** One gRPC frame with a `ReadResp` event; `link` is the `$>` event it was reached by, `event` absent when that leads nowhere. */
export function encodeReadEvent(event: ShownEvent | undefined, link: ShownEvent | undefined, structured: boolean): Buffer {
  const main = event === undefined ? undefined : prepare(event, structured);
  const via = link === undefined ? undefined : prepare(link, structured);
  const position = (via ?? main)!.position;
  let inner = 1 + varintLength(position);
  if (main !== undefined) inner += 1 + varintLength(main.bytes) + main.bytes;
  if (via !== undefined) inner += 1 + varintLength(via.bytes) + via.bytes;
  const length = 1 + varintLength(inner) + inner;
  const buf = Buffer.allocUnsafe(5 + length);
  buf[0] = 0;
  buf.writeUInt32BE(length, 1);
  buf[5] = 0x0a;
  let at = putVarint(buf, 6, inner);
  if (main !== undefined) at = putRecorded(buf, at, 0x0a, main);
  if (via !== undefined) at = putRecorded(buf, at, 0x12, via);
  buf[at++] = 0x18;
  putVarint(buf, at, position);
  return buf;
}

function prepare({ record, index }: ShownEvent, structured: boolean): Prepared {
  const view = record.event(index);
  const name = record.name;
  const isTombstone = record.isTombstone;
  const revision = isTombstone ? TOMBSTONE_REVISION : record.firstRevision + index;
  const position = positionOf(record.firstEvent + index);
  const created = `${record.createdMs}0000`;
  const typeBytes = view.dataAt - view.typeAt;
  const dataBytes = view.metadataAt - view.dataAt;
  const metadataBytes = view.end - view.metadataAt;
  const identifier = 1 + varintLength(name.length) + name.length;
  let bytes = 2 + (structured ? STRUCTURED_ID_BYTES : TEXT_ID_BYTES);
  bytes += 1 + varintLength(identifier) + identifier;
  bytes += 1 + (isTombstone ? INT64_MAX_VARINT.length : varintLength(revision));
  bytes += 2 * (1 + varintLength(position));
  bytes += delimited(TYPE_KEY.length + varintLength(typeBytes) + typeBytes);
  bytes += delimited(CREATED_KEY.length + 1 + created.length);
  bytes += (view.json ? JSON_ENTRY : BINARY_ENTRY).length;
  if (metadataBytes > 0) bytes += delimited(metadataBytes);
  if (dataBytes > 0) bytes += delimited(dataBytes);
  return { record, view, name, revision, position, created, structured, bytes };
}

function delimited(length: number): number {
  return 1 + varintLength(length) + length;
}

function putRecorded(buf: Buffer, at: number, tag: number, e: Prepared): number {
  const { view, name } = e;
  buf[at++] = tag;
  at = putVarint(buf, at, e.bytes);
  buf[at++] = 0x0a;
  at = e.structured ? putStructuredId(buf, at, view) : putTextId(buf, at, view);
  buf[at++] = 0x12;
  at = putVarint(buf, at, 1 + varintLength(name.length) + name.length);
  buf[at++] = 0x1a;
  at = putVarint(buf, at, name.length);
  at += name.copy(buf, at);
  buf[at++] = 0x18;
  if (e.record.isTombstone) at += INT64_MAX_VARINT.copy(buf, at);
  else at = putVarint(buf, at, e.revision);
  buf[at++] = 0x20;
  at = putVarint(buf, at, e.position);
  buf[at++] = 0x28;
  at = putVarint(buf, at, e.position);
  const typeBytes = view.dataAt - view.typeAt;
  buf[at++] = 0x32;
  at = putVarint(buf, at, TYPE_KEY.length + varintLength(typeBytes) + typeBytes);
  at += TYPE_KEY.copy(buf, at);
  at = putVarint(buf, at, typeBytes);
  at += view.buf.copy(buf, at, view.typeAt, view.dataAt);
  buf[at++] = 0x32;
  buf[at++] = CREATED_KEY.length + 1 + e.created.length;
  at += CREATED_KEY.copy(buf, at);
  buf[at++] = e.created.length;
  at += buf.write(e.created, at, 'latin1');
  at += (view.json ? JSON_ENTRY : BINARY_ENTRY).copy(buf, at);
  at = putBytes(buf, at, 0x3a, view.buf, view.metadataAt, view.end);
  return putBytes(buf, at, 0x42, view.buf, view.dataAt, view.metadataAt);
}

function putBytes(buf: Buffer, at: number, tag: number, source: Buffer, from: number, to: number): number {
  if (to === from) return at;
  buf[at++] = tag;
  at = putVarint(buf, at, to - from);
  return at + source.copy(buf, at, from, to);
}

function putTextId(buf: Buffer, at: number, view: EventView): number {
  buf[at++] = TEXT_ID_BYTES;
  buf[at++] = 0x12;
  buf[at++] = 36;
  return putUuidText(buf, at, view.buf, view.idAt);
}

function putStructuredId(buf: Buffer, at: number, view: EventView): number {
  buf[at++] = STRUCTURED_ID_BYTES;
  buf[at++] = 0x0a;
  buf[at++] = STRUCTURED_ID_BYTES - 2;
  buf[at++] = 0x08;
  at = putLongVarint(buf, at, view.buf.readBigUInt64BE(view.idAt));
  buf[at++] = 0x10;
  return putLongVarint(buf, at, view.buf.readBigUInt64BE(view.idAt + 8));
}

/** Ten bytes whatever the value: allowed, and the size is known beforehand. */
function putLongVarint(buf: Buffer, at: number, value: bigint): number {
  let rest = value;
  for (let i = 0; i < 9; i++, rest >>= 7n) buf[at++] = Number(rest & 127n) | 0x80;
  buf[at++] = Number(rest);
  return at;
}
