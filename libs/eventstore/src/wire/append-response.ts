import type { ExpectedRevision, Position } from '@tallystick/ports';
import { WireError, WireReader } from './reader.ts';

/** What a server says of one append. `number` is what `stampCorrelation` put in; -1 if the answer carries none. */
export type BatchAnswer =
  | { readonly number: number; readonly kind: 'written'; readonly revision: number | undefined; readonly position: Position | undefined }
  | { readonly number: number; readonly kind: 'wrong_revision'; readonly actual: ExpectedRevision }
  /** `type` is the short name of the error's detail message (`StreamDeleted`, `Timeout`...), empty if there is none. */
  | { readonly number: number; readonly kind: 'error'; readonly type: string; readonly status: number; readonly message: string };

type Verdict = BatchAnswer extends infer A ? (A extends { number: number } ? Omit<A, 'number'> : never) : never;

const TWO_32 = 0x1_0000_0000;
const UUID_LAST_GROUP_AT = 24;

/** Reads a BatchAppendResp: correlation_id 1, error 2, success 3; the rest repeats the request. Throws `WireError`. */
export function decodeBatchAnswer(bytes: Buffer): BatchAnswer {
  const reader = new WireReader(bytes);
  let number = -1;
  let verdict: Verdict | undefined;
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    if (tag === 0x0a) number = correlationNumber(reader);
    else if (tag === 0x12) verdict = errorStatus(reader);
    else if (tag === 0x1a) verdict = success(reader);
    else reader.skip(tag);
  }
  if (verdict === undefined) throw new WireError('an answer without a result');
  return { number, ...verdict } as BatchAnswer;
}

/** UUID: structured 1 {most 1, least 2} or string 2. Servers answer in either form, whatever they were asked in. */
function correlationNumber(reader: WireReader): number {
  const end = reader.length();
  let number = -1;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x12) {
      const text = reader.utf8();
      const last = Number.parseInt(text.slice(UUID_LAST_GROUP_AT), 16);
      number = Number.isNaN(last) ? -1 : last;
    } else if (tag === 0x0a) number = structuredNumber(reader);
    else reader.skip(tag);
  }
  return number;
}

function structuredNumber(reader: WireReader): number {
  const end = reader.length();
  let number = -1;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x10) {
      const { low, high } = reader.halves();
      number = (high & 0xffff) * TWO_32 + low;
    } else reader.skip(tag);
  }
  return number;
}

/** Success: current_revision 1, no_stream 2, position 3 {commit 1, prepare 2}, no_position 4. */
function success(reader: WireReader): Verdict {
  const end = reader.length();
  let revision: number | undefined;
  let position: Position | undefined;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x08) revision = reader.uint();
    else if (tag === 0x1a) position = commitPosition(reader);
    else reader.skip(tag);
  }
  return { kind: 'written', revision, position };
}

function commitPosition(reader: WireReader): Position {
  const end = reader.length();
  let commit = 0n;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x08) commit = reader.uint64();
    else reader.skip(tag);
  }
  return commit;
}

/** google.rpc.Status: code 1, message 2, details 3 (one Any {type_url 1, value 2}). */
function errorStatus(reader: WireReader): Verdict {
  const end = reader.length();
  let status = 0;
  let message = '';
  let type = '';
  let actual: ExpectedRevision | undefined;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x08) status = reader.uint();
    else if (tag === 0x12) message = reader.utf8();
    else if (tag === 0x1a) {
      const any = detail(reader);
      type = any.type;
      if (type === 'WrongExpectedVersion') actual = wrongExpectedVersion(any.value);
    } else reader.skip(tag);
  }
  return actual === undefined ? { kind: 'error', type, status, message } : { kind: 'wrong_revision', actual };
}

function detail(reader: WireReader): { readonly type: string; readonly value: Buffer } {
  const end = reader.length();
  let type = '';
  let value: Buffer = Buffer.alloc(0);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === 0x0a) {
      const name = reader.utf8();
      type = name.slice(name.lastIndexOf('.') + 1);
    } else if (tag === 0x12) {
      const { from, to } = reader.range();
      value = reader.bytes.subarray(from, to);
    } else reader.skip(tag);
  }
  return { type, value };
}

/** WrongExpectedVersion: current_stream_revision 1 or current_no_stream 2; what was expected is known to the caller. */
function wrongExpectedVersion(bytes: Buffer): ExpectedRevision {
  const reader = new WireReader(bytes);
  let actual: ExpectedRevision = 'no_stream';
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    if (tag === 0x08) actual = reader.uint();
    else reader.skip(tag);
  }
  return actual;
}
