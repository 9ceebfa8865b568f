import type { NewEvent } from '../log/format.ts';
import type { Expected } from '../store/decide.ts';
import { EMPTY, ProtoReader, ProtoWriter, putVarint, varintLength } from './proto.ts';
import { decodeUuid } from './uuid.ts';

/** A request that cannot be understood or breaks a stated limit. `missing` names metadata the protocol requires. */
export class BadRequest extends Error {
  readonly missing: readonly string[];

  constructor(message: string, missing: readonly string[] = []) {
    super(message);
    this.missing = missing;
  }
}

export interface Target {
  readonly name: Buffer;
  readonly expected: Expected;
}

export interface BatchAppendRequest {
  /** The encoded UUID message, sent back as it came. */
  readonly correlation: Buffer;
  /** Encoded: whoever answers by correlation id says what is wrong with them. */
  readonly options: Buffer | undefined;
  readonly messages: readonly Buffer[];
  readonly isFinal: boolean;
}

/** Names and types are stored with 16-bit lengths; the real server allows far less. */
const NAME_BYTES_MAX = 65_535;
const SIGN_BIT = 2 ** 63;
const JSON_CONTENT = 'application/json';
const NIL_ID = Buffer.alloc(16);

export function decodeBatchAppend(message: Buffer): BatchAppendRequest {
  const reader = new ProtoReader(message);
  let correlation: Buffer = EMPTY;
  let options: BatchAppendRequest['options'];
  const messages: Buffer[] = [];
  let isFinal = false;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) correlation = reader.bytes();
    else if (field === 2) options = reader.bytes();
    else if (field === 3) messages.push(reader.bytes());
    else if (field === 4) isFinal = reader.varint() !== 0;
    else reader.skip();
  }
  return { correlation, options, messages, isFinal };
}

/** Field numbers of the stream and the expectation are the same in all requests that write. Refuses with `BadRequest`. */
export function decodeOptions(message: Buffer): Target & { readonly deadlineMs: number | undefined } {
  const reader = new ProtoReader(message);
  let name: Buffer = EMPTY;
  let expected: Expected | undefined;
  let deadlineMs: number | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) name = decodeStreamIdentifier(reader.bytes());
    else if (field === 2) expected = { kind: 'exact', revision: decodeRevision(reader) };
    else if (field === 6) deadlineMs = decodeSeconds(reader.message());
    else if (field === 7) deadlineMs = Date.now() + decodeSeconds(reader.message());
    else {
      reader.skip();
      if (field === 3) expected = { kind: 'no_stream' };
      else if (field === 4) expected = { kind: 'any' };
      else if (field === 5) expected = { kind: 'stream_exists' };
    }
  }
  if (expected === undefined) throw new BadRequest('an expected revision, or that any will do, is missing');
  return { name: checkedName(name), expected, deadlineMs };
}

/** Only the stream of options that may be wrong in all else; empty when there is none. */
export function decodeOptionsName(message: Buffer): Buffer {
  const reader = new ProtoReader(message);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) return decodeStreamIdentifier(reader.bytes());
    reader.skip();
  }
  return EMPTY;
}

/** Revisions have 63 bits; beyond 2^53 they are rounded, which no stream reaches. */
function decodeRevision(reader: ProtoReader): number {
  const revision = reader.varint();
  if (reader.high > 0x7fffffff) throw new BadRequest('an expected revision is beyond 2^63 - 1');
  return revision;
}

export function checkedName(name: Buffer): Buffer {
  if (name.length === 0) throw new BadRequest('the stream name is empty');
  if (name.length > NAME_BYTES_MAX) throw new BadRequest(`the stream name is longer than ${NAME_BYTES_MAX} bytes`);
  return name;
}

export function decodeStreamIdentifier(message: Buffer): Buffer {
  const reader = new ProtoReader(message);
  let name: Buffer = EMPTY;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 3) name = reader.bytes();
    else reader.skip();
  }
  return name;
}

/** Milliseconds of a timestamp or a duration. */
function decodeSeconds(reader: ProtoReader): number {
  let seconds = 0;
  let nanos = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) seconds = reader.varint();
    else if (field === 2) nanos = reader.varint();
    else reader.skip();
  }
  // 64 bits with a sign: what is beyond the sign lies before the epoch, or before now.
  return seconds >= SIGN_BIT || nanos >= SIGN_BIT ? -1 : seconds * 1000 + nanos / 1e6;
}

/** Throws `BadRequest` when the id, type or content type is missing. */
export function decodeProposed(message: Buffer): NewEvent {
  const reader = new ProtoReader(message);
  let id: Buffer | undefined;
  let type: Buffer | undefined;
  let contentType: string | undefined;
  let metadata: Buffer = EMPTY;
  let data: Buffer = EMPTY;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) id = decodeId(reader.bytes());
    else if (field === 2) {
      const [key, value] = decodeEntry(reader.message());
      if (key === 'type') type = value;
      else if (key === 'content-type') contentType = value.toString('latin1');
    } else if (field === 3) metadata = reader.bytes();
    else if (field === 4) data = reader.bytes();
    else reader.skip();
  }
  if (type === undefined || contentType === undefined) {
    throw new BadRequest(`Required Metadata Property '${type === undefined ? 'type' : 'content-type'}' is missing`, ['type', 'content-type']);
  }
  if (id === undefined || id.equals(NIL_ID)) throw new BadRequest('an event has no id');
  if (type.length === 0) throw new BadRequest('an event type is empty');
  if (type.length > NAME_BYTES_MAX) throw new BadRequest(`an event type is longer than ${NAME_BYTES_MAX} bytes`);
  return { id, type, json: contentType === JSON_CONTENT, data, metadata };
}

function decodeId(message: Buffer): Buffer {
  try {
    return decodeUuid(message);
  } catch (error) {
    throw new BadRequest(error instanceof Error ? error.message : 'not a UUID');
  }
}

function decodeEntry(reader: ProtoReader): [string, Buffer] {
  let key = '';
  let value: Buffer = EMPTY;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) key = reader.bytes().toString('latin1');
    else if (field === 2) value = reader.bytes();
    else reader.skip();
  }
  return [key, value];
}

/** One gRPC frame that answers a batch append with success. `position` is that of the last event. */
export function encodeBatchSuccess(correlation: Buffer, name: Buffer, revision: number | undefined, position: number | undefined): Buffer {
  const success = encodeSuccess(revision, position);
  const identifier = 1 + varintLength(name.length) + name.length;
  const length = 1 + varintLength(correlation.length) + correlation.length + 2 + success.length + 1 + varintLength(identifier) + identifier;
  const buf = Buffer.allocUnsafe(5 + length);
  buf[0] = 0;
  buf.writeUInt32BE(length, 1);
  let at = 5;
  buf[at++] = 0x0a;
  at = putVarint(buf, at, correlation.length);
  at += correlation.copy(buf, at);
  buf[at++] = 0x1a;
  buf[at++] = success.length;
  at += success.copy(buf, at);
  buf[at++] = 0x22;
  at = putVarint(buf, at, identifier);
  buf[at++] = 0x1a;
  at = putVarint(buf, at, name.length);
  name.copy(buf, at);
  return buf;
}

/** At most 38 bytes, so its length is one byte. The same in unary and batch answers. */
export function encodeSuccess(revision: number | undefined, position: number | undefined): Buffer {
  const buf = Buffer.allocUnsafe(48);
  let at = 0;
  if (revision === undefined) {
    buf[at++] = 0x12;
    buf[at++] = 0;
  } else {
    buf[at++] = 0x08;
    at = putVarint(buf, at, revision);
  }
  if (position === undefined) {
    buf[at++] = 0x22;
    buf[at++] = 0;
  } else {
    buf[at++] = 0x1a;
    buf[at++] = 2 + 2 * varintLength(position);
    at = putPosition(buf, at, position);
  }
  return buf.subarray(0, at);
}

/** Commit and prepare position, fields 1 and 2. */
function putPosition(buf: Buffer, at: number, position: number): number {
  buf[at++] = 0x08;
  at = putVarint(buf, at, position);
  buf[at++] = 0x10;
  return putVarint(buf, at, position);
}

export interface BatchError {
  readonly code: number;
  readonly message: string;
  /** Name of a message of `event_store.client`. */
  readonly type: 'WrongExpectedVersion' | 'StreamDeleted' | 'AccessDenied' | 'Timeout' | 'Unknown' | 'MaximumAppendSizeExceeded' | 'BadRequest';
  readonly detail: Buffer;
}

/** One gRPC frame that answers a batch append with an error. */
export function encodeBatchError(correlation: Buffer, name: Buffer, error: BatchError): Buffer {
  const any = new ProtoWriter().string(1, `type.googleapis.com/event_store.client.${error.type}`).bytes(2, error.detail);
  const status = new ProtoWriter().uint(1, error.code).string(2, error.message).message(3, any);
  return frame(new ProtoWriter().bytes(1, correlation).message(2, status).message(4, encodeStreamIdentifier(name)).finish());
}

export function encodeStreamIdentifier(name: Buffer): ProtoWriter {
  return new ProtoWriter().bytes(3, name);
}

/** `shared.WrongExpectedVersion`, the detail of a batch error. */
export function encodeWrongVersionDetail(current: number, expected: Expected): Buffer {
  const writer = new ProtoWriter();
  if (current < 0) writer.empty(2);
  else writer.uint(1, current);
  if (expected.kind === 'exact') writer.uint(3, expected.revision);
  else writer.empty({ any: 4, stream_exists: 5, no_stream: 6 }[expected.kind]);
  return writer.finish();
}

/** `AppendResp` with `wrong_expected_version`, the body of a unary answer. */
export function encodeAppendWrongVersion(current: number, expected: Expected): Buffer {
  const wrong = new ProtoWriter();
  if (current < 0) wrong.empty(7);
  else wrong.uint(6, current);
  if (expected.kind === 'exact') wrong.uint(8, expected.revision);
  else wrong.empty({ any: 9, stream_exists: 10, no_stream: 11 }[expected.kind]);
  return new ProtoWriter().message(2, wrong).finish();
}

export function encodeAppendSuccess(revision: number | undefined, position: number | undefined): Buffer {
  return new ProtoWriter().bytes(1, encodeSuccess(revision, position)).finish();
}

/** `DeleteResp` and `TombstoneResp`. */
export function encodeDeleteResponse(position: number | undefined): Buffer {
  if (position === undefined) return new ProtoWriter().empty(2).finish();
  return new ProtoWriter().message(1, new ProtoWriter().uint(1, position).uint(2, position)).finish();
}

/** A message as gRPC sends it: not compressed, length, bytes. */
export function frame(message: Buffer): Buffer {
  const buf = Buffer.allocUnsafe(5 + message.length);
  buf[0] = 0;
  buf.writeUInt32BE(message.length, 1);
  message.copy(buf, 5);
  return buf;
}
