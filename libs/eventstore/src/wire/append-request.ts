import type { ExpectedRevision, NewEvent } from '@tallystick/ports';
import { varintSize, writeVarint } from './writer.ts';

/**
 * BatchAppendReq, one whole append in one message: correlation_id 1, options 2, proposed_messages 3, is_final 4. No deadline is
 * sent: the field is a wall-clock instant, so a client whose clock lags would have every append refused; the server then uses
 * its own write timeout (2 s by default) and the adapter keeps its own deadline.
 */

// Tag, length 38, tag of the string form, length 36.
const CORRELATION_TEXT_AT = 4;
const UUID_CHARS = 36;
const UUID_FIELD_SIZE = CORRELATION_TEXT_AT + UUID_CHARS;
// The last group of a UUID holds the number of the append on its connection.
const NUMBER_CHARS = 12;
const NUMBER_AT = CORRELATION_TEXT_AT + UUID_CHARS - NUMBER_CHARS;
export const CORRELATION_PREFIX_CHARS = UUID_CHARS - NUMBER_CHARS;

const CONTENT_TYPE = mapEntry('content-type', 'application/json');
const NO_STREAM = Buffer.from([0x1a, 0x00]);
const IS_FINAL = Buffer.from([0x20, 0x01]);

interface Sized {
  readonly event: NewEvent;
  readonly type: string;
  readonly typeBytes: number;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly bodyBytes: number;
}

/**
 * Encodes an append; `stampCorrelation` must fill in the correlation id before it is sent. Payloads are JSON text in UTF-8, as the writer spelled it if it did.
 * The caller has checked ids, names and the revision; throws what `JSON.stringify` throws.
 */
export function encodeBatchAppend(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Buffer {
  const sized = events.map(sizeOf);
  const nameBytes = Buffer.byteLength(stream, 'utf8');
  const identifierBytes = 1 + varintSize(nameBytes) + nameBytes;
  const expectedBytes = expected === 'no_stream' ? NO_STREAM.length : 1 + varintSize(expected);
  const optionsBytes = 1 + varintSize(identifierBytes) + identifierBytes + expectedBytes;
  let total = UUID_FIELD_SIZE + 1 + varintSize(optionsBytes) + optionsBytes + IS_FINAL.length;
  for (const one of sized) total += 1 + varintSize(one.bodyBytes) + one.bodyBytes;

  const out = Buffer.allocUnsafe(total);
  let at = writeUuidField(out, 0, '00000000-0000-4000-8000-000000000000');
  at = header(out, at, 0x12, optionsBytes);
  at = header(out, at, 0x0a, identifierBytes);
  at = text(out, at, 0x1a, stream, nameBytes);
  if (expected === 'no_stream') at += NO_STREAM.copy(out, at);
  else {
    out[at] = 0x10;
    at = writeVarint(out, at + 1, expected);
  }
  for (const one of sized) at = writeEvent(out, at, one);
  IS_FINAL.copy(out, at);
  return out;
}

/** Writes the correlation id into an encoded append. `prefix` is the first 24 characters of a UUID, `number` fits 48 bits. */
export function stampCorrelation(message: Buffer, prefix: string, number: number): void {
  message.write(prefix, CORRELATION_TEXT_AT, CORRELATION_PREFIX_CHARS, 'latin1');
  message.write(number.toString(16).padStart(NUMBER_CHARS, '0'), NUMBER_AT, NUMBER_CHARS, 'latin1');
}

function sizeOf(event: NewEvent): Sized {
  const { data, metadata } = event.spelled ?? { data: Buffer.from(JSON.stringify(event.data)), metadata: Buffer.from(JSON.stringify(event.metadata)) };
  const typeBytes = Buffer.byteLength(event.type, 'utf8');
  const bodyBytes =
    UUID_FIELD_SIZE +
    typeEntrySize(typeBytes) +
    CONTENT_TYPE.length +
    (1 + varintSize(metadata.length) + metadata.length) +
    (1 + varintSize(data.length) + data.length);
  return { event, type: event.type, typeBytes, data, metadata, bodyBytes };
}

// A map entry: key field ("type", 6 bytes with its head) and value field, within an entry field.
function typeEntryBody(typeBytes: number): number {
  return 6 + 1 + varintSize(typeBytes) + typeBytes;
}

function typeEntrySize(typeBytes: number): number {
  const body = typeEntryBody(typeBytes);
  return 1 + varintSize(body) + body;
}

function writeEvent(out: Buffer, from: number, one: Sized): number {
  let at = header(out, from, 0x1a, one.bodyBytes);
  at = writeUuidField(out, at, one.event.id);
  at = header(out, at, 0x12, typeEntryBody(one.typeBytes));
  at = text(out, at, 0x0a, 'type', 4);
  at = text(out, at, 0x12, one.type, one.typeBytes);
  at += CONTENT_TYPE.copy(out, at);
  at = payload(out, at, 0x1a, one.metadata);
  return payload(out, at, 0x22, one.data);
}

/** A UUID in field 1, in its string form (field 2 of UUID). */
function writeUuidField(out: Buffer, at: number, uuid: string): number {
  out[at] = 0x0a;
  out[at + 1] = 2 + UUID_CHARS;
  out[at + 2] = 0x12;
  out[at + 3] = UUID_CHARS;
  out.write(uuid, at + CORRELATION_TEXT_AT, UUID_CHARS, 'latin1');
  return at + UUID_FIELD_SIZE;
}

function header(out: Buffer, at: number, tag: number, length: number): number {
  out[at] = tag;
  return writeVarint(out, at + 1, length);
}

function text(out: Buffer, at: number, tag: number, value: string, bytes: number): number {
  const start = header(out, at, tag, bytes);
  out.write(value, start, bytes, 'utf8');
  return start + bytes;
}

function payload(out: Buffer, at: number, tag: number, value: Uint8Array): number {
  const start = header(out, at, tag, value.length);
  out.set(value, start);
  return start + value.length;
}

function mapEntry(key: string, value: string): Buffer {
  const body = Buffer.concat([Buffer.from([0x0a, key.length]), Buffer.from(key), Buffer.from([0x12, value.length]), Buffer.from(value)]);
  return Buffer.concat([Buffer.from([0x12, body.length]), body]);
}
