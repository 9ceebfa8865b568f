import type { Loaded } from './load.ts';

/** Streams as this process last saw them, the most recently used so many. What it gives may be old: only the store knows. */
export class RecentStreams<S> {
  private readonly loaded = new Map<string, Loaded<S>>();

  constructor(private readonly streamsMax: number) {}

  /** Takes it out: nobody else decides on it at the same time, and after a failure it is read anew. */
  take(stream: string): Loaded<S> | undefined {
    const found = this.loaded.get(stream);
    this.loaded.delete(stream);
    return found;
  }

  /** States are kept as they are: they must never be changed in place. */
  keep(stream: string, loaded: Loaded<S>): void {
    this.loaded.set(stream, loaded);
    const [oldest] = this.loaded.keys();
    if (this.loaded.size > this.streamsMax && oldest !== undefined) this.loaded.delete(oldest);
  }
}
