/** What an entry costs beside its bytes: the object and the slot. */
const OVERHEAD_BYTES = 200;

/** Values by number, bounded by their lengths in bytes, the oldest dropped first. */
export class ByteCache<V extends { readonly length: number }> {
  private readonly entries = new Map<number, V>();
  private readonly bytesMax: number;
  private bytes = 0;
  /** Kept between evictions: a fresh iterator would step over every entry deleted before. */
  private oldest = this.entries.keys();

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get(key: number): V | undefined {
    return this.entries.get(key);
  }

  add(key: number, value: V): void {
    if (this.entries.has(key)) return;
    this.entries.set(key, value);
    this.bytes += value.length + OVERHEAD_BYTES;
    while (this.bytes > this.bytesMax && this.entries.size > 0) {
      const next = this.oldest.next();
      if (next.done === true) this.oldest = this.entries.keys();
      else this.drop(next.value);
    }
  }

  private drop(key: number): void {
    const value = this.entries.get(key);
    if (value === undefined) return;
    this.bytes -= value.length + OVERHEAD_BYTES;
    this.entries.delete(key);
  }
}
