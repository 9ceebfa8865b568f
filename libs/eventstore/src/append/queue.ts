// Below this the dead part of the array costs less than moving the rest.
const COMPACT_AT = 1_024;

/** First in, first out, without moving the whole array at every take. */
export class JobQueue<T> {
  private items: T[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** Ahead of everything that waits, in the order given. */
  putBack(items: readonly T[]): void {
    if (items.length === 0) return;
    this.items = [...items, ...this.items.slice(this.head)];
    this.head = 0;
  }

  take(): T | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.head += 1;
    if (this.head > COMPACT_AT && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  /** Takes out all that `leaves` says, keeping the order of the rest. */
  takeOut(leaves: (item: T) => boolean): T[] {
    const gone: T[] = [];
    const kept: T[] = [];
    for (const item of this.items.slice(this.head)) (leaves(item) ? gone : kept).push(item);
    this.items = kept;
    this.head = 0;
    return gone;
  }
}
