import { crc32 } from 'node:zlib';

const NONE = 0xffffffff;
const METASTREAM_PREFIX = Buffer.from('$$');
const DOLLAR = 0x24;

/**
 * Stream names to small numbers, outside of the JavaScript heap: at a million streams a Map of strings and objects would
 * take hundreds of megabytes and be walked by every full garbage collection.
 * Numbers are given in order of first use and never change while the process lives.
 */
export class StreamTable {
  private names = Buffer.allocUnsafeSlow(64 * 1024);
  private nameStarts = new Float64Array(1024);
  private hashes = new Uint32Array(1024);
  private lastEvents = new Uint32Array(1024);
  /** Number of `$$name` for the stream `name`. */
  private metastreams = new Uint32Array(1024);
  private slots = new Uint32Array(4096).fill(NONE);
  private size = 0;
  /** Tombstoned streams: number of the tombstone event. Few, ever. */
  readonly tombstones = new Map<number, number>();

  get count(): number {
    return this.size;
  }

  /** Undefined when the name was never seen. */
  find(name: Buffer): number | undefined {
    const id = this.slots[this.slotOf(name, crc32(name))]!;
    return id === NONE ? undefined : id;
  }

  findOrAdd(name: Buffer): number {
    const hash = crc32(name);
    const slot = this.slotOf(name, hash);
    const found = this.slots[slot]!;
    if (found !== NONE) return found;
    const id = this.add(name, hash, slot);
    if (isMetastreamName(name)) this.metastreams[this.findOrAdd(name.subarray(METASTREAM_PREFIX.length))] = id;
    return id;
  }

  /** A view, valid until the next stream is added: copy it to keep it. */
  name(id: number): Buffer {
    return this.names.subarray(this.nameStarts[id]!, this.nameStarts[id + 1]!);
  }

  /** The names of all streams from number `from` on, one behind another. A view, as `name` is. */
  namesFrom(from: number): Buffer {
    return this.names.subarray(this.nameStarts[from]!, this.nameStarts[this.size]!);
  }

  nameLength(id: number): number {
    return this.nameStarts[id + 1]! - this.nameStarts[id]!;
  }

  /** Number of the stream's newest event, synced or not; undefined when it has none. */
  lastEvent(id: number): number | undefined {
    const event = this.lastEvents[id]!;
    return event === NONE ? undefined : event;
  }

  setLastEvent(id: number, event: number | undefined): void {
    this.lastEvents[id] = event ?? NONE;
  }

  metastream(id: number): number | undefined {
    const meta = this.metastreams[id]!;
    return meta === NONE ? undefined : meta;
  }

  private add(name: Buffer, hash: number, slot: number): number {
    const id = this.size++;
    if (id + 1 >= this.hashes.length) this.growColumns();
    const from = this.nameStarts[id]!;
    if (from + name.length > this.names.length) this.growNames(from + name.length);
    name.copy(this.names, from);
    this.nameStarts[id + 1] = from + name.length;
    this.hashes[id] = hash;
    this.lastEvents[id] = NONE;
    this.metastreams[id] = NONE;
    this.slots[slot] = id;
    if (this.size * 2 > this.slots.length) this.rehash();
    return id;
  }

  private slotOf(name: Buffer, hash: number): number {
    const mask = this.slots.length - 1;
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const id = this.slots[slot]!;
      if (id === NONE || (this.hashes[id] === hash && this.name(id).equals(name))) return slot;
    }
  }

  private rehash(): void {
    const slots = new Uint32Array(this.slots.length * 2).fill(NONE);
    const mask = slots.length - 1;
    for (let id = 0; id < this.size; id++) {
      let slot = spread(this.hashes[id]!) & mask;
      while (slots[slot] !== NONE) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.slots = slots;
  }

  private growColumns(): void {
    const capacity = this.hashes.length * 2;
    this.nameStarts = grownFloat64(this.nameStarts, capacity);
    this.hashes = grownUint32(this.hashes, capacity);
    this.lastEvents = grownUint32(this.lastEvents, capacity);
    this.metastreams = grownUint32(this.metastreams, capacity);
  }

  private growNames(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.names.length * 2));
    this.names.copy(grown);
    this.names = grown;
  }
}

export function isMetastreamName(name: Buffer): boolean {
  return name.length > 2 && name[0] === DOLLAR && name[1] === DOLLAR;
}

export function metastreamName(name: Buffer): Buffer {
  return Buffer.concat([METASTREAM_PREFIX, name]);
}

/** CRCs of similar names differ in few bits; the multiplication spreads them over the table. */
function spread(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> 7;
}

export function grownUint32(from: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(capacity);
  grown.set(from);
  return grown;
}

export function grownFloat64(from: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(capacity);
  grown.set(from);
  return grown;
}
