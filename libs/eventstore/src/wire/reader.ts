/** Thrown by a decoder for bytes that are not the message they should be. Callers turn it into a failure value. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const TWO_32 = 0x1_0000_0000;

/** A uint64 as two halves, each an unsigned 32-bit number: most readers need no bigint. */
export interface Halves {
  readonly low: number;
  readonly high: number;
}

/**
 * A cursor over one protobuf message. Nested messages are read in place: `length()` gives where one ends, and the caller
 * loops until `at` reaches it.
 */
export class WireReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** Field number and wire type as one number, as on the wire. */
  tag(): number {
    return this.uint();
  }

  /** An unsigned number that must fit 53 bits. */
  uint(): number {
    const first = this.bytes[this.at];
    if (first !== undefined && first < 0x80) {
      this.at += 1;
      return first;
    }
    const { low, high } = this.halves();
    if (high > 0x1f_ffff) throw new WireError('number beyond 53 bits');
    return high * TWO_32 + low;
  }

  /** An unsigned number, rounded when it does not fit 53 bits: for one that is known or shown, not counted on. */
  roundedUint(): number {
    const { low, high } = this.halves();
    return high * TWO_32 + low;
  }

  uint64(): bigint {
    const { low, high } = this.halves();
    return high <= 0x1f_ffff ? BigInt(high * TWO_32 + low) : (BigInt(high) << 32n) | BigInt(low);
  }

  halves(): Halves {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw new WireError('truncated number');
      this.at += 1;
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= (part & 0x0f) << 28;
        high |= part >>> 4;
      } else high |= part << (shift - 32);
      if (byte < 0x80) return { low: low >>> 0, high: high >>> 0 };
    }
    throw new WireError('number longer than 10 bytes');
  }

  /** Reads the length of a nested field and returns the offset where it ends. */
  length(): number {
    const end = this.uint() + this.at;
    if (end > this.bytes.length) throw new WireError('truncated field');
    return end;
  }

  utf8(): string {
    const end = this.length();
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end;
    return text;
  }

  /** The offsets of a bytes field: nothing is copied. */
  range(): { readonly from: number; readonly to: number } {
    const to = this.length();
    const from = this.at;
    this.at = to;
    return { from, to };
  }

  /** Steps over a field of any kind, so that what newer servers add is ignored. */
  skip(tag: number): void {
    const wireType = tag & 7;
    if (wireType === 0) this.halves();
    else if (wireType === 1) this.at += 8;
    else if (wireType === 2) this.at = this.length();
    else if (wireType === 5) this.at += 4;
    else throw new WireError(`wire type ${wireType}`);
    if (this.at > this.bytes.length) throw new WireError('truncated field');
  }
}
