import { LogRecord } from './record.ts';

/** One allocation: hundreds of ordinary appends, and a small part of what is kept. */
const CHUNK_BYTES = 1024 * 1024;

interface Chunk {
  /** Offset in the log of the first byte. */
  readonly base: number;
  readonly buf: Buffer;
  used: number;
}

/**
 * The newest bytes of the log, in memory as they are in the file: records are put together here and written from here. So
 * live subscribers and whoever reads what was just written never touch the disk, at no cost per record.
 */
export class LogTail {
  private readonly chunks: Chunk[] = [];
  private readonly chunksMax: number;

  constructor(bytesMax: number) {
    this.chunksMax = Math.max(1, Math.floor(bytesMax / CHUNK_BYTES));
  }

  /** Room for `bytes` bytes of the log from `offset` on. It counts only once it is kept. */
  reserve(offset: number, bytes: number): { readonly buf: Buffer; readonly at: number } {
    const last = this.chunks[this.chunks.length - 1];
    if (last !== undefined && last.base + last.used === offset && last.used + bytes <= last.buf.length) return { buf: last.buf, at: last.used };
    const chunk = { base: offset, buf: Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes)), used: 0 };
    this.chunks.push(chunk);
    if (this.chunks.length > this.chunksMax) this.chunks.shift();
    return { buf: chunk.buf, at: 0 };
  }

  keep(bytes: number): void {
    this.chunks[this.chunks.length - 1]!.used += bytes;
  }

  /** The record that begins at `offset`, when it is still here. It needs no check: these bytes never left the memory. */
  record(offset: number): LogRecord | undefined {
    for (let i = this.chunks.length - 1; i >= 0; i--) {
      const { base, buf, used } = this.chunks[i]!;
      if (offset >= base + used) return undefined;
      if (offset >= base) return new LogRecord(buf, offset - base, buf.readUInt32LE(offset - base), offset);
    }
    return undefined;
  }
}
