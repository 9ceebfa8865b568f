/**
 * Ids written lately, for appends that expect anything (ANY): the real server also answers their repeats from
 * bounded memory that a restart empties. Appends at an explicit revision do not need it: those are checked against the log.
 */
export class RecentIds {
  private readonly events = new Map<string, number>();
  private readonly entriesMax: number;
  private oldest = this.events.keys();

  constructor(entriesMax: number) {
    this.entriesMax = entriesMax;
  }

  find(stream: number, id: Buffer): number | undefined {
    return this.events.get(keyOf(stream, id));
  }

  add(stream: number, id: Buffer, event: number): void {
    this.events.set(keyOf(stream, id), event);
    while (this.events.size > this.entriesMax) {
      const next = this.oldest.next();
      if (next.done === true) this.oldest = this.events.keys();
      else this.events.delete(next.value);
    }
  }

  remove(stream: number, id: Buffer): void {
    this.events.delete(keyOf(stream, id));
  }
}

function keyOf(stream: number, id: Buffer): string {
  return id.toString('latin1') + String(stream);
}
