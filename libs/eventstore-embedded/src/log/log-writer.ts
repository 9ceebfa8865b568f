import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { errorText } from '../errors.ts';
import { saveSidecar } from '../index/sidecar.ts';
import type { LogIndex } from '../index/log-index.ts';
import type { StoreLog } from '../log.ts';
import { HASH_BYTES, putRecord, recordBytes } from './format.ts';
import type { NewRecord } from './format.ts';
import type { HighWaterMark } from './high-water-mark.ts';
import type { OpenedLog } from './recover.ts';
import { createSegment } from './segments.ts';
import type { Segment } from './segments.ts';
import type { LogTail } from './tail.ts';

/** The file was left as it was before: nothing of the group is in the log. */
export class WriteRefused extends Error {}

/**
 * The only writer of the log. A group of records is one write, then one sync; there is never a second write before the
 * sync of the first has ended, which is what lets a start tell a torn tail from damage.
 */
export class LogWriter {
  private readonly dataDir: string;
  private readonly segments: Segment[];
  private readonly index: LogIndex;
  private readonly tail: LogTail;
  private readonly mark: HighWaterMark;
  private readonly log: StoreLog;
  private readonly segmentBytesMax: number;
  private chain: Buffer;
  private crc: number;
  private firstStream: number;
  /** Bytes of a refused write may still lie behind the end of the active file. */
  private isRagged = false;
  private isMarkFailing = false;

  constructor(options: { dataDir: string; opened: OpenedLog; tail: LogTail; segmentBytesMax: number; log: StoreLog }) {
    const { opened } = options;
    this.dataDir = options.dataDir;
    this.segments = opened.segments;
    this.index = opened.index;
    this.tail = options.tail;
    this.mark = opened.highWaterMark;
    this.log = options.log;
    this.segmentBytesMax = options.segmentBytesMax;
    this.chain = opened.chain;
    this.crc = opened.activeCrc;
    this.firstStream = opened.activeFirstStream;
  }

  /** Bytes of the whole log. */
  get bytes(): number {
    const active = this.active();
    return active.baseOffset + active.length;
  }

  get segmentCount(): number {
    return this.segments.length;
  }

  /** Writes the group to the file, unsynced. Throws `WriteRefused` when nothing was kept of it. */
  write(group: readonly NewRecord[]): void {
    const active = this.active();
    let bytes = 0;
    for (const record of group) bytes += recordBytes(record.name.length, record.events);
    const { buf, at: start } = this.tail.reserve(active.baseOffset + active.length, bytes);
    let at = start;
    let previous = this.chain;
    for (const record of group) {
      at = putRecord({ buf, group: start, previous }, at, record);
      previous = buf.subarray(at - HASH_BYTES, at);
    }
    const written = buf.subarray(start, at);
    this.writeWhole(active, written);
    this.tail.keep(bytes);
    active.length += bytes;
    this.chain = Buffer.from(previous);
    this.crc = crc32(written, this.crc);
  }

  /** Syncs what was written. After an error the process must not acknowledge anything any more. */
  sync(done: (error: Error | null) => void): void {
    fdatasync(this.active().fd, (error) => {
      if (error === null) this.markSynced();
      done(error);
    });
  }

  /** Begins a new segment when the active one is full. Call only when nothing is unsynced. Throws when the disk refuses. */
  rollIfFull(): void {
    const active = this.active();
    if (active.length < this.segmentBytesMax) return;
    this.trim(active);
    const header = { number: active.number + 1, baseOffset: this.bytes, eventsBefore: this.index.count, chain: Buffer.from(this.chain) };
    // First, as it fails on a full disk: the sidecar is a cache, and the room it takes is room for the log.
    const next = createSegment(this.dataDir, header);
    this.saveSidecar();
    this.segments.push(next);
    this.crc = 0;
    this.firstStream = this.index.streams.count;
    this.markSynced();
    this.log.write('info', 'store_segment_started', { segment: header.number, events_before: header.eventsBefore });
  }

  close(): void {
    fdatasyncSync(this.active().fd);
    this.markSynced();
    this.saveSidecar();
    this.mark.close();
    this.closeFiles();
  }

  /** After a failed sync: nothing is promised any more, nothing more is written. */
  closeFiles(): void {
    for (const segment of this.segments) closeSync(segment.fd);
  }

  private active(): Segment {
    return this.segments[this.segments.length - 1]!;
  }

  private markSynced(): void {
    try {
      this.mark.write({ bytes: this.bytes, events: this.index.count, chain: this.chain });
      this.isMarkFailing = false;
    } catch (error) {
      // The log is synced, and the mark stays the lower bound it is: the next one takes it up.
      if (!this.isMarkFailing) this.log.write('error', 'store_mark_not_written', { detail: errorText(error) });
      this.isMarkFailing = true;
      return;
    }
    this.mark.syncSoon((error) => this.log.write('error', 'store_mark_sync_failed', { detail: error.message }));
  }

  private saveSidecar(): void {
    const active = this.active();
    try {
      saveSidecar(this.dataDir, active, this.index, { coveredBytes: active.length, crc: this.crc, chain: this.chain, firstStream: this.firstStream });
    } catch (error) {
      // Only a cache: the next start reads the records instead.
      this.log.write('warn', 'store_sidecar_not_saved', { segment: active.number, detail: errorText(error) });
    }
  }

  private writeWhole(active: Segment, buf: Buffer): void {
    let done = 0;
    try {
      this.trim(active);
      while (done < buf.length) done += writeSync(active.fd, buf, done, buf.length - done, active.length + done);
    } catch (error) {
      if (done > 0) this.takeBack(active);
      throw new WriteRefused(errorText(error), { cause: error });
    }
  }

  private takeBack(active: Segment): void {
    this.isRagged = true;
    try {
      this.trim(active);
    } catch (error) {
      this.log.write('warn', 'store_write_not_taken_back', { segment: active.number, detail: errorText(error) });
    }
  }

  /** Cuts what a refused write left: never served, as nothing points there, but a sealed file must end with its last record. */
  private trim(active: Segment): void {
    if (!this.isRagged) return;
    ftruncateSync(active.fd, active.length);
    this.isRagged = false;
  }
}
