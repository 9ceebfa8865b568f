/** The part of protobuf's wire format these services use. Bytes fields are views into the message, never copies. */

const TWO_32 = 4294967296;

export class ProtoReader {
  private at: number;
  private readonly end: number;
  private readonly buf: Buffer;
  wire = 0;
  /** Low and high halves of the last varint. */
  low = 0;
  high = 0;

  constructor(buf: Buffer) {
    this.buf = buf;
    this.at = 0;
    this.end = buf.length;
  }

  /** Number of the next field, 0 at the end. */
  next(): number {
    if (this.at >= this.end) return 0;
    const tag = this.varint();
    this.wire = tag & 7;
    return Math.floor(tag / 8);
  }

  /** Exact below 2^53. `low` and `high` hold all 64 bits. */
  varint(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw new Error('truncated varint');
      const byte = this.buf[this.at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return this.high * TWO_32 + this.low;
      }
    }
    throw new Error('varint too long');
  }

  bytes(): Buffer {
    if (this.wire !== 2) throw new Error('not a length-delimited field');
    const length = this.varint();
    const from = this.at;
    if (from + length > this.end) throw new Error('truncated field');
    this.at = from + length;
    return this.buf.subarray(from, from + length);
  }

  string(): string {
    return this.bytes().toString('utf8');
  }

  message(): ProtoReader {
    return new ProtoReader(this.bytes());
  }

  skip(): void {
    if (this.wire === 0) this.varint();
    else if (this.wire === 2) this.bytes();
    else if (this.wire === 1) this.at += 8;
    else if (this.wire === 5) this.at += 4;
    else throw new Error(`unknown wire type ${this.wire}`);
    if (this.at > this.end) throw new Error('truncated field');
  }
}

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes a non-negative integer below 2^53; gives the offset after it. */
export function putVarint(buf: Buffer, at: number, value: number): number {
  let rest = value;
  while (rest >= TWO_32 / 2) {
    buf[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    buf[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buf[at++] = rest;
  return at;
}

/** Grows by appending parts; for messages that are not on the hot path. */
export class ProtoWriter {
  private readonly parts: Buffer[] = [];

  uint(field: number, value: number): this {
    const buf = Buffer.allocUnsafe(varintLength(field * 8) + varintLength(value));
    putVarint(buf, putVarint(buf, 0, field * 8), value);
    this.parts.push(buf);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    const head = Buffer.allocUnsafe(varintLength(field * 8) + varintLength(value.length));
    putVarint(head, putVarint(head, 0, field * 8 + 2), value.length);
    this.parts.push(head, Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  /** A message without fields: how the protocol says "this one of the alternatives". */
  empty(field: number): this {
    return this.bytes(field, EMPTY);
  }

  raw(encoded: Buffer): this {
    this.parts.push(encoded);
    return this;
  }

  finish(): Buffer {
    return this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
  }
}

export const EMPTY: Buffer = Buffer.alloc(0);
/** 2^63-1, the revision of a tombstone and the `$tb` of a soft delete, as a varint. */
export const INT64_MAX_VARINT: Buffer = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
