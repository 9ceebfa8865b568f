import type { EventStore, RecordedEvent, Stop, Subscription, Timers } from '@tallystick/ports';
import { foldOn, nothingLoaded, type Folding, type Loaded } from './load.ts';
import { NO_STREAM } from './record.ts';

export interface LogTailOptions {
  readonly name: string;
  /** Streams kept whole, from their first event on, the most recently changed so many. */
  readonly streamPrefixes: readonly string[];
  /** Streams of which the newest revision is kept, for ever: a few, by their full names or prefixes. */
  readonly watchedPrefixes: readonly string[];
  readonly timers: Timers;
  /** An event's payload is no JSON, or the tail cannot be read any further: what it has stays true, and what it lacks is read. */
  readonly onUnreadable: (error: unknown) => void;
}

/** Far more orders than are under way at once; each holds some kilobytes. */
const STREAMS_MAX = 1_024;
/** Who waits is looked at so often and given up at the second look: a push takes a millisecond, and whoever is given up reads instead. */
const LOOK_EVERY_MS = 100;

interface Waiting {
  readonly position: bigint;
  readonly settle: (reached: boolean) => void;
  looks: number;
}

interface Kept {
  readonly events: RecordedEvent[];
  /** What each folding made of it so far. */
  readonly folded: Map<unknown, Loaded<unknown>>;
}

/**
 * The log as it is being written, pushed by the store: what was appended since this began, in the log's order. Whoever needs a stream
 * that began a moment ago finds it here instead of reading it. It may be behind: a state from here is good for deciding and for appending
 * at the revision it was folded to, since an append at a revision that is no longer the last is refused. It is not good for "nothing
 * has happened since", unless `reached` was asked with a position.
 */
export class LogTail {
  private readonly kept = new Map<string, Kept>();
  private readonly heads = new Map<string, number>();
  private waiting: Waiting[] = [];
  private stopLooking: Stop | undefined;
  private subscription: Subscription | undefined;
  private position = -1n;
  private last: RecordedEvent | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly options: LogTailOptions,
  ) {}

  start(): void {
    const { name, streamPrefixes, watchedPrefixes, onUnreadable } = this.options;
    this.subscription = this.store.subscribeAll({
      name, after: 'end', streamPrefixes: [...streamPrefixes, ...watchedPrefixes], onFailed: onUnreadable,
      onEvent: (event) => this.take(event),
    });
  }

  async stop(): Promise<void> {
    this.settle(() => false);
    this.stopLooking?.();
    await this.subscription?.stop();
  }

  isLive(): boolean {
    return this.subscription?.isLive() ?? false;
  }

  /** The newest event handed over; `undefined` when nothing was appended since this began. */
  newest(): RecordedEvent | undefined {
    return this.last;
  }

  /** Newest revision handed over of a watched stream; `undefined` when nothing was appended to it since this began. */
  head(stream: string): number | undefined {
    return this.heads.get(stream);
  }

  /** A stream as far as it was handed over, or `undefined` if its beginning was not, or lies too far back, or cannot be read. */
  loaded<S, E>(folding: Folding<S, E>, stream: string): Loaded<S> | undefined {
    const kept = this.kept.get(stream);
    if (!kept) return undefined;
    const before = kept.folded.get(folding) as Loaded<S> | undefined;
    const { revision } = before?.end ?? NO_STREAM;
    const from = revision === 'no_stream' ? 0 : revision + 1;
    if (before && from === kept.events.length) return before;
    // Ids are copied: who took the state before this may still be deciding on it.
    const folded = this.fold(() => foldOn(folding, stream, kept.events.slice(from), before ? { ...before, ids: new Set(before.ids) } : nothingLoaded(folding)));
    if (!folded?.ok) {
      this.forget(stream);
      return undefined;
    }
    kept.folded.set(folding, folded.loaded);
    return folded.loaded;
  }

  /** An event may turn out unreadable when its payload is asked for. Who reads the stream from the store hears what is wrong with it. */
  private fold<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.options.onUnreadable(error);
      return undefined;
    }
  }

  /** For a stream that turned out to be further than it is here: the next one reads it. */
  forget(stream: string): void {
    this.kept.delete(stream);
  }

  /**
   * Resolves true when everything of these prefixes up to `position`, that of an event of theirs, has been handed over; false when it is not
   * within 100 to 200 ms.
   */
  reached(position: bigint): Promise<boolean> {
    if (this.position >= position) return Promise.resolve(true);
    if (!this.isLive()) return Promise.resolve(false);
    this.stopLooking ??= this.options.timers.every(LOOK_EVERY_MS, `${this.options.name} is waited for`, () => Promise.resolve(this.look()));
    return new Promise((settle) => this.waiting.push({ position, settle, looks: 0 }));
  }

  private look(): void {
    for (const one of this.waiting) one.looks += 1;
    this.settle(({ looks }) => (looks > 1 ? false : undefined));
    if (this.waiting.length > 0) return;
    this.stopLooking?.();
    this.stopLooking = undefined;
  }

  private settle(answer: (one: Waiting) => boolean | undefined): void {
    const still: Waiting[] = [];
    for (const one of this.waiting) {
      const reached = answer(one);
      if (reached === undefined) still.push(one);
      else one.settle(reached);
    }
    this.waiting = still;
  }

  private take(event: RecordedEvent): void {
    const { stream, revision, position } = event;
    if (this.options.watchedPrefixes.some((prefix) => stream.startsWith(prefix))) this.heads.set(stream, revision);
    else this.keep(stream, revision, event);
    this.position = position;
    this.last = event;
    if (this.waiting.length > 0) this.settle((one) => (one.position <= position ? true : undefined));
  }

  private keep(stream: string, revision: number, event: RecordedEvent): void {
    const kept = this.kept.get(stream);
    if (revision === 0) {
      this.kept.set(stream, { events: [event], folded: new Map() });
      const [oldest] = this.kept.keys();
      if (this.kept.size > STREAMS_MAX && oldest !== undefined) this.kept.delete(oldest);
    } else if (kept?.events.length === revision) {
      kept.events.push(event);
      this.kept.delete(stream);
      this.kept.set(stream, kept);
    } else this.kept.delete(stream);
  }
}
