import type { LogIndex } from '../index/log-index.ts';
import type { EventSource } from './event-source.ts';

interface Slots {
  /** Number of the event plus one; 0 is free. */
  readonly events: Uint32Array;
  readonly hashes: Uint32Array;
}

/**
 * Ids written lately, for appends that expect anything (ANY): the real server also answers their repeats from
 * bounded memory that a restart empties. Appends at an explicit revision do not need it: those are checked against the log.
 * An id is remembered where its stream had it first, as there; unlike there, whether or not another stream had it before.
 *
 * Two tables of event numbers, found by a hash of the stream and the id and compared with the log itself. When the younger is
 * half full it becomes the elder and the elder is emptied, so at least the last `entries` ids are known.
 */
export class RecentIds {
  private readonly entries: number;
  private readonly mask: number;
  private readonly index: LogIndex;
  private readonly source: EventSource;
  private younger: Slots;
  private elder: Slots;
  private count = 0;

  /** `entries` must be a power of two. */
  constructor(entries: number, index: LogIndex, source: EventSource) {
    this.entries = entries;
    this.mask = entries * 2 - 1;
    this.index = index;
    this.source = source;
    this.younger = emptySlots(entries * 2);
    this.elder = emptySlots(entries * 2);
  }

  /** Number of the event of this stream that had the id first. */
  find(stream: number, id: Buffer): number | undefined {
    const hash = hashOf(stream, id);
    return this.findIn(this.elder, stream, id, hash) ?? this.findIn(this.younger, stream, id, hash);
  }

  /** Does nothing when the id is known of this stream. The event must be in the index. */
  add(stream: number, id: Buffer, event: number): void {
    if (this.find(stream, id) !== undefined) return;
    if (this.count === this.entries) {
      const empty = this.elder;
      empty.events.fill(0);
      this.elder = this.younger;
      this.younger = empty;
      this.count = 0;
    }
    const { events, hashes } = this.younger;
    const hash = hashOf(stream, id);
    let slot = hash & this.mask;
    while (events[slot] !== 0) slot = (slot + 1) & this.mask;
    events[slot] = event + 1;
    hashes[slot] = hash;
    this.count++;
  }

  /** Numbers that were taken back, or given anew since, fail the comparison. */
  private findIn({ events, hashes }: Slots, stream: number, id: Buffer, hash: number): number | undefined {
    for (let slot = hash & this.mask; events[slot] !== 0; slot = (slot + 1) & this.mask) {
      const event = events[slot]! - 1;
      if (hashes[slot] !== hash || event >= this.index.count) continue;
      if (this.index.streamOf(event) === stream && this.source.hasId(event, id)) return event;
    }
    return undefined;
  }
}

function emptySlots(length: number): Slots {
  return { events: new Uint32Array(length), hashes: new Uint32Array(length) };
}

/** Ids are random or hashes; all of it is mixed in because tests like them to count. */
function hashOf(stream: number, id: Buffer): number {
  let hash = stream;
  for (let at = 0; at < 16; at += 4) hash = Math.imul(hash ^ id.readUInt32LE(at), 0x9e3779b1) ^ (hash >>> 15);
  return (hash ^ (hash >>> 13)) >>> 0;
}
