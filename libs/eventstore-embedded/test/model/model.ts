/**
 * What an event store of this protocol does, over plain arrays: written from the documented behaviour of the real one, and
 * from nothing else. Slow and obvious on purpose.
 */

/** Revision of a tombstone; the protocol shows it as 2^63-1. */
export const TOMBSTONE = Infinity;

export type Expected = 'any' | 'no_stream' | 'stream_exists' | number;

export interface SentEvent {
  /** Absent when the client library chooses it. */
  readonly id: string | undefined;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface StoredEvent {
  readonly stream: string;
  readonly revision: number;
  /** Absent when the server chose it. */
  readonly id: string | undefined;
  readonly type: string;
  /** Absent when it has none: a tombstone. */
  readonly data: Readonly<Record<string, unknown>> | undefined;
}

export type Outcome =
  /** `revision` of the last event sent, `at` its place in the log; both absent when nothing was sent. */
  | { readonly kind: 'ok'; readonly revision?: number; readonly at?: number; readonly repeated?: 'shown' | 'hidden' }
  /** `current` is -1 when the stream has no events. */
  | { readonly kind: 'wrong'; readonly current: number }
  | { readonly kind: 'deleted' };

export type Shown = { readonly kind: 'missing' | 'deleted' } | { readonly kind: 'present'; readonly events: readonly StoredEvent[]; readonly last: number };

type Decision = 'write' | { readonly repeated: number | undefined } | Extract<Outcome, { kind: 'wrong' | 'deleted' }>;

/** $tb of a deleted stream, as JSON.parse gives it. */
const DELETED_FROM = 2 ** 63;

export const metastreamOf = (stream: string): string => `$$${stream}`;
const isMetastream = (stream: string): boolean => stream.startsWith('$$');
const originalOf = (metastream: string): string => metastream.slice(2);

export class Model {
  /** Every event ever, in order. */
  readonly log: StoredEvent[];
  /** Revisions of ids by `stream/id`: what the server remembers for ANY, until it restarts. */
  private remembered = new Map<string, number>();

  /** `log` is what a new log holds of its own. */
  constructor(log: readonly StoredEvent[]) {
    this.log = [...log];
  }

  /** Of the same kind, should it be another's. */
  copy(): this {
    const copy = Object.create(Object.getPrototypeOf(this) as object) as this;
    return Object.assign(copy, this, { log: [...this.log], remembered: new Map(this.remembered) });
  }

  become(other: Model): void {
    this.log.splice(0, this.log.length, ...other.log);
    this.remembered = new Map(other.remembered);
  }

  restart(): void {
    this.remembered.clear();
  }

  eventsOf(stream: string): StoredEvent[] {
    return this.log.filter((event) => event.stream === stream && event.revision !== TOMBSTONE);
  }

  last(stream: string): number {
    return this.eventsOf(stream).length - 1;
  }

  isTombstoned(stream: string): boolean {
    const names = isMetastream(stream) ? [stream, originalOf(stream)] : [stream];
    return this.log.some((event) => event.revision === TOMBSTONE && names.includes(event.stream));
  }

  metadata(stream: string): Readonly<Record<string, unknown>> | undefined {
    return this.eventsOf(metastreamOf(stream)).at(-1)?.data;
  }

  isSoftDeleted(stream: string): boolean {
    return this.metadata(stream)?.['$tb'] === DELETED_FROM;
  }

  append(stream: string, expected: Expected, events: readonly SentEvent[]): Outcome {
    const decision = this.decide(stream, expected, events.map(({ id }) => id));
    if (decision !== 'write') {
      if ('kind' in decision) return decision;
      return this.repeat(stream, decision.repeated);
    }
    const revives = this.isSoftDeleted(stream);
    const first = this.last(stream) + 1;
    if (events.length === 0) {
      // Nothing is written, and a deleted stream is brought back all the same.
      if (revives) this.writeMetadata(stream, { ...this.metadata(stream), $tb: first });
      return { kind: 'ok' };
    }
    events.forEach((event, i) => this.write(stream, { ...event, revision: first + i }));
    const last = first + events.length - 1;
    const outcome = this.okAt(stream, last);
    if (revives) this.writeMetadata(stream, { ...this.metadata(stream), $tb: first });
    // Writing metadata of a deleted stream brings the stream back, from its next revision on.
    if (isMetastream(stream)) this.reviveAfterMetadata(originalOf(stream), events.length);
    return outcome;
  }

  /** The stream reads as missing and may be written again. */
  softDelete(stream: string, expected: Expected): Outcome {
    const decision = this.decide(stream, expected, [undefined]);
    if (decision !== 'write') return 'kind' in decision ? decision : this.repeat(stream, decision.repeated);
    if (this.last(stream) < 0 && this.metadata(stream) === undefined) return { kind: 'wrong', current: -1 };
    this.writeMetadata(stream, { $tb: DELETED_FROM });
    return { kind: 'ok', at: this.log.length - 1 };
  }

  tombstone(stream: string, expected: Expected): Outcome {
    const decision = this.decide(stream, expected, [undefined]);
    if (decision !== 'write') return 'kind' in decision ? decision : this.repeat(stream, decision.repeated);
    this.log.push({ stream, revision: TOMBSTONE, id: undefined, type: '$streamDeleted', data: undefined });
    return { kind: 'ok', at: this.log.length - 1 };
  }

  shown(stream: string): Shown {
    if (this.isTombstoned(stream)) return { kind: 'deleted' };
    const events = this.eventsOf(stream);
    if (events.length === 0 || this.isSoftDeleted(stream)) return { kind: 'missing' };
    const last = events.length - 1;
    const metadata = this.metadata(stream);
    const truncateBefore = Number(metadata?.['$tb'] ?? 0);
    const maxCount = Number(metadata?.['$maxCount'] ?? (isMetastream(stream) ? 1 : Infinity));
    const first = Math.max(truncateBefore, last - maxCount + 1);
    return { kind: 'present', events: events.filter(({ revision }) => revision >= first), last };
  }

  readStream(stream: string, { backwards, from, limit }: StreamRead): Shown {
    const shown = this.shown(stream);
    if (shown.kind !== 'present') return shown;
    const ordered = backwards ? [...shown.events].reverse() : shown.events;
    const start = from === 'end' ? (backwards ? Infinity : shown.last + 1) : from === 'start' ? 0 : from;
    const events = ordered.filter(({ revision }) => (backwards ? revision <= start : revision >= start));
    return { ...shown, events: events.slice(0, limit) };
  }

  /** Forward from an event includes it, backward does not. `from` is a place in the log. */
  readAll({ backwards, from, limit }: AllRead): StoredEvent[] {
    const start = from === 'start' ? 0 : from === 'end' ? this.log.length : from;
    const events = backwards ? this.log.slice(0, start).reverse() : this.log.slice(start);
    return events.slice(0, limit);
  }

  /** Row by row as the real server's table of expectations has it. */
  private decide(stream: string, expected: Expected, ids: readonly (string | undefined)[]): Decision {
    const events = this.eventsOf(stream);
    const current = events.length - 1;
    const wrong: Decision = { kind: 'wrong', current };
    const softDeleted = this.isSoftDeleted(stream);
    if (this.isTombstoned(stream)) return { kind: 'deleted' };
    if (expected === 'stream_exists' && softDeleted) return { kind: 'deleted' };
    if (current === -1) {
      if (expected === 'any' || expected === 'no_stream') return 'write';
      return expected === 'stream_exists' && this.metadata(stream) !== undefined ? 'write' : wrong;
    }
    if (expected === 'any' || expected === 'stream_exists') {
      const known = ids.map((id) => this.remembered.get(`${stream}/${id}`));
      if (known[0] === undefined) return 'write';
      return known.includes(undefined) ? wrong : { repeated: known.at(-1) };
    }
    const seen = expected === 'no_stream' ? -1 : expected;
    if (seen > current) return wrong;
    if (seen === current) return 'write';
    if (ids.length === 0) return wrong;
    const same = ids.map((id, i) => id !== undefined && events[seen + 1 + i]?.id === id);
    if (same.every(Boolean)) return { repeated: seen + ids.length };
    return !same[0] && seen === -1 && softDeleted ? 'write' : wrong;
  }

  /** Answered as it was at first; where an event lies that is not shown any more need not be said. */
  private repeat(stream: string, revision: number | undefined): Outcome {
    const shown = this.shown(stream);
    const isShown = shown.kind === 'present' && shown.events.some((event) => event.revision === revision);
    return { ...this.okAt(stream, revision), repeated: isShown ? 'shown' : 'hidden' };
  }

  private okAt(stream: string, revision: number | undefined): Extract<Outcome, { kind: 'ok' }> {
    if (revision === undefined) return { kind: 'ok' };
    return { kind: 'ok', revision, at: this.log.findIndex((event) => event.stream === stream && event.revision === revision) };
  }

  private write(stream: string, event: Omit<StoredEvent, 'stream'>): void {
    this.log.push({ ...event, stream });
    const key = `${stream}/${event.id}`;
    if (event.id !== undefined && !this.remembered.has(key)) this.remembered.set(key, event.revision);
  }

  private writeMetadata(stream: string, data: Readonly<Record<string, unknown>>): void {
    const metastream = metastreamOf(stream);
    this.write(metastream, { revision: this.last(metastream) + 1, id: undefined, type: '$metadata', data });
  }

  private reviveAfterMetadata(stream: string, written: number): void {
    const before = this.eventsOf(metastreamOf(stream)).at(-1 - written)?.data;
    if (before?.['$tb'] !== DELETED_FROM) return;
    this.writeMetadata(stream, { ...this.metadata(stream), $tb: this.last(stream) + 1 });
  }
}

export interface StreamRead {
  readonly backwards: boolean;
  readonly from: 'start' | 'end' | number;
  readonly limit: number;
}

export interface AllRead {
  readonly backwards: boolean;
  /** A place in the log: its number of events before. */
  readonly from: 'start' | 'end' | number;
  readonly limit: number;
}
