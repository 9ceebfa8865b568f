import { closeSync, fdatasync, fdatasyncSync, existsSync, fsyncSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { damaged } from '../errors.ts';
import { GENESIS_HASH, HASH_BYTES, getUint64, putUint64 } from './format.ts';
import { syncDirectory } from './segments.ts';

/** How far the log was synced: everything below is promised. */
export interface Mark {
  readonly bytes: number;
  readonly events: number;
  readonly chain: Buffer;
}

/** A disk writes a sector whole or not at all; the two slots lie in different ones and take turns. */
const SLOT_DISTANCE_BYTES = 4096;
const SLOT_BYTES = 48;
/** How far the mark may lag after a loss of power (never after a kill): the price of not syncing it with every append. */
const SYNC_EVERY_MS = 1_000;
export const MARK_FILE = 'high-water-mark';
export const NO_MARK_WHOLE = 'neither copy of the high-water mark is whole';

/**
 * Written after every sync of the log and synced itself once a second, outside of the append's way.
 * So it is a lower bound: exact after a kill, at most a second behind after a loss of power, never ahead.
 */
export class HighWaterMark {
  private readonly fd: number;
  private readonly slot = Buffer.alloc(SLOT_BYTES);
  private turn = 0;
  private timer: NodeJS.Timeout | undefined;
  private syncing = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  static exists(dataDir: string): boolean {
    return existsSync(join(dataDir, MARK_FILE));
  }

  static create(dataDir: string): HighWaterMark {
    return HighWaterMark.createAt(dataDir, { bytes: 0, events: 0, chain: GENESIS_HASH });
  }

  /** Both copies at `mark`, synced. It gets its name when it is whole: a first start that is cut off leaves none, not half of one. */
  static createAt(dataDir: string, at: Mark): HighWaterMark {
    const path = join(dataDir, MARK_FILE);
    const mark = new HighWaterMark(openSync(`${path}.new`, 'w+'));
    mark.write(at);
    mark.write(at);
    fsyncSync(mark.fd);
    renameSync(`${path}.new`, path);
    syncDirectory(dataDir);
    return mark;
  }

  /** Opens the file and reads the newer slot. Refuses with `STORE_DAMAGED` when neither is whole. */
  static open(dataDir: string): { file: HighWaterMark; mark: Mark } {
    const path = join(dataDir, MARK_FILE);
    const fd = openSync(path, 'r+');
    const slots = [readSlot(fd, 0), readSlot(fd, 1)];
    const newest = newestOf(slots);
    if (newest === undefined) {
      closeSync(fd);
      throw damaged(path, NO_MARK_WHOLE);
    }
    const file = new HighWaterMark(fd);
    file.turn = newest === slots[0] ? 1 : 0;
    return { file, mark: newest };
  }

  write(mark: Mark): void {
    const { slot } = this;
    putUint64(slot, 0, mark.bytes);
    putUint64(slot, 8, mark.events);
    mark.chain.copy(slot, 16, 0, HASH_BYTES);
    slot.writeUInt32LE(crc32(slot.subarray(0, 32)), 32);
    writeSync(this.fd, slot, 0, SLOT_BYTES, this.turn * SLOT_DISTANCE_BYTES);
    this.turn ^= 1;
  }

  /** Syncs the file within a second of the first call. `onError` hears of a failed sync. */
  syncSoon(onError: (error: Error) => void): void {
    if (this.timer !== undefined || this.syncing) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.syncing = true;
      fdatasync(this.fd, (error) => {
        this.syncing = false;
        if (error !== null) onError(error);
      });
    }, SYNC_EVERY_MS);
    this.timer.unref();
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    fdatasyncSync(this.fd);
    closeSync(this.fd);
  }
}

export interface MarkCopies {
  readonly newest: Mark | undefined;
  /** Whole ones of the two. */
  readonly whole: 0 | 1 | 2;
}

/** What the file says, without touching it: beside a running server too, whose next write may leave one copy torn for us. */
export function readMark(dataDir: string): MarkCopies {
  const fd = openSync(join(dataDir, MARK_FILE), 'r');
  try {
    const slots = [readSlot(fd, 0), readSlot(fd, 1)];
    const whole = slots.filter((slot) => slot !== undefined).length;
    return { newest: newestOf(slots), whole: whole === 2 ? 2 : whole === 1 ? 1 : 0 };
  } finally {
    closeSync(fd);
  }
}

function newestOf(slots: readonly (Mark | undefined)[]): Mark | undefined {
  return slots.reduce((a, b) => (a === undefined || (b !== undefined && b.bytes > a.bytes) ? b : a));
}

function readSlot(fd: number, turn: number): Mark | undefined {
  const slot = Buffer.alloc(SLOT_BYTES);
  const read = readSync(fd, slot, 0, SLOT_BYTES, turn * SLOT_DISTANCE_BYTES);
  if (read < SLOT_BYTES || slot.readUInt32LE(32) !== crc32(slot.subarray(0, 32))) return undefined;
  return { bytes: getUint64(slot, 0), events: getUint64(slot, 8), chain: Buffer.from(slot.subarray(16, 32)) };
}
