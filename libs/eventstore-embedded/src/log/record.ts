import { EVENT_FLAG_JSON, EVENT_HEADER_BYTES, HASH_BYTES, RECORD_HEADER_BYTES, TOMBSTONE_REVISION, getUint64 } from './format.ts';

/** One event inside a record: offsets into the record's buffer, which holds the bytes. */
export interface EventView {
  readonly buf: Buffer;
  readonly idAt: number;
  readonly typeAt: number;
  readonly dataAt: number;
  readonly metadataAt: number;
  readonly end: number;
  readonly json: boolean;
}

/** A verified record over the buffer it was written from or read into. */
export class LogRecord {
  readonly buf: Buffer;
  readonly start: number;
  readonly length: number;
  /** Byte of the log it begins at. */
  readonly offset: number;
  private eventStarts: Uint32Array | undefined;

  constructor(buf: Buffer, start: number, length: number, offset: number) {
    this.buf = buf;
    this.start = start;
    this.length = length;
    this.offset = offset;
  }

  get groupStart(): number {
    return this.offset - this.buf.readUInt32LE(this.start + 4);
  }

  get firstEvent(): number {
    return getUint64(this.buf, this.start + 8);
  }

  get createdMs(): number {
    return getUint64(this.buf, this.start + 16);
  }

  get firstRevision(): number {
    return this.buf.readUInt32LE(this.start + 24);
  }

  get isTombstone(): boolean {
    return this.firstRevision === TOMBSTONE_REVISION;
  }

  get count(): number {
    return this.buf.readUInt32LE(this.start + 28);
  }

  get flags(): number {
    return this.buf.readUInt16LE(this.start + 32);
  }

  get name(): Buffer {
    const at = this.start + RECORD_HEADER_BYTES;
    return this.buf.subarray(at, at + this.buf.readUInt16LE(this.start + 34));
  }

  get previousHash(): Buffer {
    return this.buf.subarray(this.start + 36, this.start + 52);
  }

  get hash(): Buffer {
    const end = this.start + this.length;
    return this.buf.subarray(end - HASH_BYTES, end);
  }

  /** The same record over bytes of its own. */
  copy(): LogRecord {
    return new LogRecord(Buffer.from(this.buf.subarray(this.start, this.start + this.length)), 0, this.length, this.offset);
  }

  /** The event at `index` of this record. */
  event(index: number): EventView {
    const at = index === 0 ? this.firstEventAt() : this.starts()[index]!;
    const { buf } = this;
    const typeAt = at + EVENT_HEADER_BYTES;
    const dataAt = typeAt + buf.readUInt16LE(at + 8);
    const metadataAt = dataAt + buf.readUInt32LE(at);
    return {
      buf,
      idAt: at + 12,
      typeAt,
      dataAt,
      metadataAt,
      end: metadataAt + buf.readUInt32LE(at + 4),
      json: (buf.readUInt16LE(at + 10) & EVENT_FLAG_JSON) !== 0,
    };
  }

  private firstEventAt(): number {
    return this.start + RECORD_HEADER_BYTES + this.buf.readUInt16LE(this.start + 34);
  }

  /** Kept after the first use, or reading a record of many events one by one would be quadratic. */
  private starts(): Uint32Array {
    if (this.eventStarts !== undefined) return this.eventStarts;
    const starts = new Uint32Array(this.count);
    let at = this.firstEventAt();
    for (let i = 0; i < starts.length; i++) {
      starts[i] = at;
      at += EVENT_HEADER_BYTES + this.buf.readUInt16LE(at + 8) + this.buf.readUInt32LE(at) + this.buf.readUInt32LE(at + 4);
    }
    this.eventStarts = starts;
    return starts;
  }
}
