import { closeSync, fdatasync, fdatasyncSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { errorText } from '../errors.ts';
import { saveSidecar } from '../index/sidecar.ts';
import type { LogIndex } from '../index/log-index.ts';
import type { StoreLog } from '../log.ts';
import { HASH_BYTES, putRecord, recordBytes } from './format.ts';
import type { NewRecord } from './format.ts';
import type { HighWaterMark } from './high-water-mark.ts';
import type { OpenedLog } from './recover.ts';
import { createSegment, trimSegment } from './segments.ts';
import type { Segment } from './segments.ts';
import type { LogTail } from './tail.ts';

/**
 * Zeros written behind the end of the log, a thousand appends' worth. A sync that overwrites them has no new file size to
 * record, which saves a third of its time; more at once would keep the append that pays for them waiting.
 */
const AHEAD_BYTES = 1024 * 1024;
/** How much of the active segment a start after a kill may have to take apart record by record: some hundredths of a second. */
const SIDECAR_EVERY_BYTES = 16 * 1024 * 1024;

/** The file was left as it was before: nothing of the group is in the log. */
export class WriteRefused extends Error {}

/** A sync failed: what was promised may be gone, whatever the next one says. */
export class SyncFailed extends Error {
  readonly code = 'SYNC_FAILED';
}

export interface LogWriterOptions {
  readonly dataDir: string;
  readonly opened: OpenedLog;
  readonly tail: LogTail;
  readonly segmentBytesMax: number;
  /** Zeros to write ahead; 0 for files that end with the log. */
  readonly aheadBytes?: number | undefined;
  readonly log: StoreLog;
}

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
  private readonly zeros: Buffer;
  private chain: Buffer;
  private crc: number;
  private firstStream: number;
  /** Bytes of the active segment that its sidecar speaks for. */
  private sidecarBytes: number;
  /** Bytes of a refused write may still lie behind the end of the active file. */
  private isRagged = false;
  private isMarkFailing = false;

  constructor(options: LogWriterOptions) {
    const { opened } = options;
    this.zeros = Buffer.alloc(options.aheadBytes ?? AHEAD_BYTES);
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
    this.sidecarBytes = opened.activeSidecarBytes;
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
    this.writeAhead(active);
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

  /**
   * Begins a new segment when the active one is full, and saves the active one's index now and then. Call only when nothing
   * is unsynced: a sidecar speaks of synced bytes alone. Throws when the disk refuses, and `SyncFailed` when it does so at the sync.
   */
  rollIfFull(): void {
    const active = this.active();
    if (active.length < this.segmentBytesMax) {
      if (active.length - this.sidecarBytes >= SIDECAR_EVERY_BYTES) this.saveSidecar();
      return;
    }
    this.trim(active);
    // Durable before there is a next one: only the last file may end in zeros.
    try {
      fdatasyncSync(active.fd);
    } catch (error) {
      throw new SyncFailed(errorText(error), { cause: error });
    }
    const header = { number: active.number + 1, baseOffset: this.bytes, eventsBefore: this.index.count, chain: Buffer.from(this.chain) };
    // First, as it fails on a full disk: the sidecar is a cache, and the room it takes is room for the log.
    const next = createSegment(this.dataDir, header);
    this.saveSidecar();
    this.segments.push(next);
    this.crc = 0;
    this.sidecarBytes = 0;
    this.firstStream = this.index.streams.count;
    this.markSynced();
    this.log.write('info', 'store_segment_started', { segment: header.number, events_before: header.eventsBefore });
  }

  close(): void {
    this.tryTrim(this.active());
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
    // Not tried again for every append when it fails.
    this.sidecarBytes = active.length;
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
      if (this.isRagged) this.trim(active);
      while (done < buf.length) done += writeSync(active.fd, buf, done, buf.length - done, active.length + done);
    } catch (error) {
      this.isRagged ||= done > 0;
      if (this.isRagged) this.tryTrim(active);
      throw new WriteRefused(errorText(error), { cause: error });
    }
  }

  /** By the same thread as the records and under the same sync: never beside another write. */
  private writeAhead(active: Segment): void {
    if (active.length <= active.fileBytes) return;
    active.fileBytes = active.length;
    const bytes = Math.min(this.zeros.length, this.segmentBytesMax - active.length);
    if (bytes <= 0) return;
    try {
      active.fileBytes += writeSync(active.fd, this.zeros, 0, bytes, active.length);
    } catch (error) {
      // Nothing is lost: the next append makes the file longer itself, and says so when there is no room.
      this.log.write('debug', 'store_write_ahead_refused', { segment: active.number, detail: errorText(error) });
    }
  }

  private tryTrim(active: Segment): void {
    try {
      this.trim(active);
    } catch (error) {
      this.log.write('warn', 'store_end_not_trimmed', { segment: active.number, detail: errorText(error) });
    }
  }

  /**
   * Cuts what lies behind the log: zeros written ahead, or what a refused write left. Never served, as nothing points there, but
   * a sealed file must end with its last record.
   */
  private trim(active: Segment): void {
    if (!this.isRagged && active.fileBytes === active.length) return;
    trimSegment(active);
    this.isRagged = false;
  }
}
