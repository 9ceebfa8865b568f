import type { LogIndex } from '../index/log-index.ts';
import type { EventSource } from './event-source.ts';

/**
 * Ids written lately, for appends that expect anything (ANY): the real server also answers their repeats from
 * bounded memory that a restart empties. Appends at an explicit revision do not need it: those are checked against the log.
 *
 * Two tables of event numbers, found by a hash of the id and compared with the log itself. When the younger is half full it
 * becomes the elder and the elder is emptied, so at least the last `entries` ids are known.
 */
export class RecentIds {
  private readonly entries: number;
  private readonly mask: number;
  private younger: Uint32Array;
  private elder: Uint32Array;
  private count = 0;

  /** `entries` must be a power of two. */
  constructor(entries: number) {
    this.entries = entries;
    this.mask = entries * 2 - 1;
    this.younger = new Uint32Array(entries * 2);
    this.elder = new Uint32Array(entries * 2);
  }

  find(stream: number, id: Buffer, index: LogIndex, source: EventSource): number | undefined {
    return this.findIn(this.younger, { stream, id, index, source }) ?? this.findIn(this.elder, { stream, id, index, source });
  }

  add(id: Buffer, event: number): void {
    if (this.count === this.entries) {
      const empty = this.elder.fill(0);
      this.elder = this.younger;
      this.younger = empty;
      this.count = 0;
    }
    let slot = hashOf(id) & this.mask;
    while (this.younger[slot] !== 0) slot = (slot + 1) & this.mask;
    this.younger[slot] = event + 1;
    this.count++;
  }

  /** The newest event with that id in that stream. Numbers that were taken back and given anew fail the comparison. */
  private findIn(table: Uint32Array, { stream, id, index, source }: { stream: number; id: Buffer; index: LogIndex; source: EventSource }): number | undefined {
    let newest: number | undefined;
    for (let slot = hashOf(id) & this.mask; table[slot] !== 0; slot = (slot + 1) & this.mask) {
      const event = table[slot]! - 1;
      if (event >= index.count || index.streamOf(event) !== stream || !source.hasId(event, id)) continue;
      if (newest === undefined || event > newest) newest = event;
    }
    return newest;
  }
}

/** Ids are random or hashes; all of it is mixed in because tests like them to count. */
function hashOf(id: Buffer): number {
  let hash = id.readUInt32LE(0);
  for (let at = 4; at < 16; at += 4) hash = Math.imul(hash ^ id.readUInt32LE(at), 0x9e3779b1) ^ (hash >>> 15);
  return (hash ^ (hash >>> 13)) >>> 0;
}
