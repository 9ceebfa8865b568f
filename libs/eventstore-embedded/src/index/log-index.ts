import { TOMBSTONE_REVISION } from '../log/format.ts';
import { StreamTable, grownFloat64, grownUint32 } from './stream-table.ts';

const NONE = 0xffffffff;

/**
 * Where every event lies: 24 bytes an event, no payloads. Events are numbered from 0 in log order.
 * Each knows the one before it in its stream and a farther ancestor (the skew-binary jump pointer), so that any
 * revision of a stream of n events is found in O(log n) steps from its end without a list per stream.
 */
export class LogIndex {
  readonly streams = new StreamTable();
  private recordOffsets = new Float64Array(4096);
  private streamIds = new Uint32Array(4096);
  private revisions = new Uint32Array(4096);
  private previous = new Uint32Array(4096);
  private jumps = new Uint32Array(4096);
  private size = 0;
  /** Events below this number are synced, and may be shown. */
  visible = 0;

  /** Events indexed, synced or being synced. */
  get count(): number {
    return this.size;
  }

  add(stream: number, revision: number, recordOffset: number): void {
    const event = this.size;
    if (event === this.revisions.length) this.grow();
    this.size = event + 1;
    this.recordOffsets[event] = recordOffset;
    this.streamIds[event] = stream;
    this.revisions[event] = revision;
    const parent = this.streams.lastEvent(stream);
    this.previous[event] = parent ?? NONE;
    this.jumps[event] = parent === undefined ? event : this.jumpFrom(parent);
    this.streams.setLastEvent(stream, event);
    if (revision === TOMBSTONE_REVISION) this.streams.tombstones.set(stream, event);
  }

  /** Takes back every event from `count` on: a write that failed and was cut off the file. */
  truncate(count: number): void {
    while (this.size > count) {
      const event = --this.size;
      const stream = this.streamIds[event]!;
      const before = this.previous[event]!;
      this.streams.setLastEvent(stream, before === NONE ? undefined : before);
      if (this.revisions[event] === TOMBSTONE_REVISION) this.streams.tombstones.delete(stream);
    }
  }

  recordOffset(event: number): number {
    return this.recordOffsets[event]!;
  }

  /** Columns of the events from number `from` on, for a sidecar. Views: good until an event is added. */
  columnsFrom(from: number): { readonly recordOffsets: Float64Array; readonly streamIds: Uint32Array; readonly revisions: Uint32Array } {
    const { size } = this;
    return { recordOffsets: this.recordOffsets.subarray(from, size), streamIds: this.streamIds.subarray(from, size), revisions: this.revisions.subarray(from, size) };
  }

  streamOf(event: number): number {
    return this.streamIds[event]!;
  }

  revision(event: number): number {
    return this.revisions[event]!;
  }

  /** Newest event of the stream below number `bound`, the tombstone not counted; undefined when there is none. */
  lastBelow(stream: number, bound: number): number | undefined {
    let event = this.streams.lastEvent(stream) ?? NONE;
    while (event !== NONE && (event >= bound || this.revisions[event] === TOMBSTONE_REVISION)) event = this.previous[event]!;
    return event === NONE ? undefined : event;
  }

  /** Is there a tombstone below number `bound`. */
  isTombstoned(stream: number, bound: number): boolean {
    const event = this.streams.tombstones.get(stream);
    return event !== undefined && event < bound;
  }

  /** The event of `revision`, going back from `from`, an event of the same stream at that revision or later. */
  ancestor(from: number, revision: number): number {
    let event = from;
    while (this.revisions[event]! > revision) {
      const jump = this.jumps[event]!;
      event = this.revisions[jump]! >= revision ? jump : this.previous[event]!;
    }
    return event;
  }

  /** Event numbers of revisions `[from, to]`, ascending; `last` is an event of the stream at revision `to` or later. */
  range(last: number, from: number, to: number): number[] {
    const events = new Array<number>(to - from + 1);
    let event = this.ancestor(last, to);
    for (let i = events.length - 1; i >= 0; i--) {
      events[i] = event;
      event = this.previous[event]!;
    }
    return events;
  }

  private jumpFrom(parent: number): number {
    const jump = this.jumps[parent]!;
    const far = this.jumps[jump]!;
    const near = this.revisions[parent]! - this.revisions[jump]!;
    return near === this.revisions[jump]! - this.revisions[far]! ? far : parent;
  }

  private grow(): void {
    // Half again rather than double: at a million events the slack would be what costs memory.
    const capacity = Math.ceil(this.revisions.length * 1.5);
    this.recordOffsets = grownFloat64(this.recordOffsets, capacity);
    this.streamIds = grownUint32(this.streamIds, capacity);
    this.revisions = grownUint32(this.revisions, capacity);
    this.previous = grownUint32(this.previous, capacity);
    this.jumps = grownUint32(this.jumps, capacity);
  }
}
