import { createHash } from 'node:crypto';
import type { JsonObject, NewEvent } from '@tallystick/ports';

/** What one event is, without keeping it. */
export interface SentEvent {
  readonly id: string;
  readonly digest: string;
  /** A subscriber has been given it: from then on it has to be there, acknowledged or not. */
  readonly shown?: boolean;
}

/**
 * One append as the driver knows it. `sentAt` and `answeredAt` are ticks of the ledger's own clock, which goes on at every sending and at
 * every answer: an append answered before another was sent has to lie before it.
 */
export interface SentAppend {
  readonly stream: string;
  /** Revision that its first event has when it is written. */
  readonly firstRevision: number;
  readonly events: readonly SentEvent[];
  readonly sentAt: number;
  /** `unknown`: no answer yet, or one that leaves it open. `refused`: the store said that it is not there. */
  readonly outcome: 'unknown' | 'acknowledged' | 'refused';
  readonly answeredAt?: number;
  /** Of its last event, as acknowledged. */
  readonly revision?: number;
  readonly position?: bigint;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const DIGEST_CHARS = 24;

const sha = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARS);

/** Of type, data and metadata as JSON in the order of their members, which the store does not touch. */
export const digestOf = (type: string, data: unknown, metadata: unknown): string => sha(JSON.stringify([type, data, metadata]));

/** The data of an event of the load: its own checksum is inside, so that it can be judged without the ledger. */
export const loadData = (stream: string, n: number, text: string): JsonObject => ({ stream, n, text, sum: sha(`${stream}|${n}|${text}`) });

/** Does an event of the load agree with itself. */
export const isWhole = (data: unknown): boolean => {
  if (typeof data !== 'object' || data === null) return false;
  const { stream, n, text, sum } = data as Readonly<Record<string, unknown>>;
  return typeof stream === 'string' && typeof n === 'number' && typeof text === 'string' && sum === sha(`${stream}|${n}|${text}`);
};

export const streamsOf = (appends: readonly SentAppend[]): readonly string[] => [...new Set(appends.map(({ stream }) => stream))];

/** What was sent to a store and what became of it, kept by the sender. */
export class Ledger {
  private readonly appends: Mutable<SentAppend>[] = [];
  private readonly events = new Map<string, Mutable<SentEvent>>();
  private clock = 0;

  begin(stream: string, firstRevision: number, events: readonly NewEvent[]): { acknowledged(revision: number, position: bigint): void; refused(): void } {
    const entry: Mutable<SentAppend> = {
      stream, firstRevision, sentAt: ++this.clock, outcome: 'unknown',
      events: events.map(({ id, type, data, metadata }) => ({ id, digest: digestOf(type, data, metadata) })),
    };
    this.add(entry);
    return {
      acknowledged: (revision, position) => void Object.assign(entry, { outcome: 'acknowledged', answeredAt: ++this.clock, revision, position }),
      refused: () => void Object.assign(entry, { outcome: 'refused', answeredAt: ++this.clock }),
    };
  }

  /** One that begins with what another had sent. */
  static of(appends: readonly SentAppend[]): Ledger {
    const ledger = new Ledger();
    for (const append of appends) ledger.add({ ...append, events: append.events.map((event) => ({ ...event })) });
    ledger.clock = appends.reduce((latest, { sentAt, answeredAt = 0 }) => Math.max(latest, sentAt, answeredAt), 0);
    return ledger;
  }

  shown(id: string): void {
    const event = this.events.get(id);
    if (event) event.shown = true;
  }

  streams(): readonly string[] {
    return streamsOf(this.appends);
  }

  /** As it is now; what happens later does not change it. */
  snapshot(): readonly SentAppend[] {
    return this.appends.map((entry) => ({ ...entry, events: entry.events.map((event) => ({ ...event })) }));
  }

  private add(entry: Mutable<SentAppend>): void {
    this.appends.push(entry);
    for (const event of entry.events) this.events.set(event.id, event);
  }
}
