import type { SentAppend } from './ledger.ts';

export interface ServedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly id: string;
  readonly digest: string;
  /** It agrees with the checksum inside of it. */
  readonly whole: boolean;
}

/** What a server that was started afresh serves, by three ways of reading. */
export interface Served {
  /** Each stream by itself. */
  readonly streams: ReadonlyMap<string, readonly ServedEvent[]>;
  /** The log of all streams, forwards. */
  readonly all: readonly ServedEvent[];
  /** The same as another client reads it, put into forward order. */
  readonly again: readonly ServedEvent[];
}

export const BREACHES = ['lost', 'duplicated', 'reordered', 'altered', 'damaged', 'torn', 'invented', 'disagreeing'] as const;
/**
 * `lost`: acknowledged, or shown to a subscriber, and not there. `duplicated`: there more than once. `reordered`: not where it was acknowledged, or before what was
 * acknowledged earlier. `altered`: not the content that was sent. `damaged`: contradicts itself. `torn`: a part of an append. `invented`:
 * never sent, or refused and there all the same. `disagreeing`: not the same by each way of reading.
 */
export type Breach = (typeof BREACHES)[number];

export interface Verdict {
  /** Differences by kind; each event once in a kind. */
  readonly breaches: Readonly<Record<Breach, readonly string[]>>;
  readonly acknowledged: number;
  /** Events of appends without an answer: there as a whole, or not there. */
  readonly unanswered: { readonly present: number; readonly absent: number };
}

interface Place {
  readonly append: SentAppend;
  readonly index: number;
}

/** Collects differences: an event that is wrong by each way of reading counts once. */
class Differences {
  private readonly byBreach = new Map<Breach, Map<string, string>>(BREACHES.map((breach) => [breach, new Map<string, string>()]));

  add(breach: Breach, key: string, text: string): void {
    const known = this.byBreach.get(breach);
    if (known && !known.has(key)) known.set(key, text);
  }

  texts(breach: Breach): readonly string[] {
    return [...(this.byBreach.get(breach)?.values() ?? [])];
  }
}

const shown = ({ stream, revision, id }: ServedEvent): string => `${stream}@${revision} (${id})`;
const lastRevision = ({ firstRevision, events, revision }: SentAppend): number => revision ?? firstRevision + events.length - 1;

/** One list, event by event: content, and each id once. */
const judgeContent = (events: readonly ServedEvent[], places: ReadonlyMap<string, Place>, found: Differences): void => {
  const seen = new Set<string>();
  for (const event of events) {
    const place = places.get(event.id);
    const sent = place?.append.events[place.index];
    if (seen.has(event.id)) found.add('duplicated', `${event.id}@${event.revision}`, `${shown(event)} was served before`);
    seen.add(event.id);
    if (!event.whole) found.add('damaged', event.id, `${shown(event)} contradicts its own checksum`);
    if (!place || !sent) found.add('invented', event.id, `${shown(event)} was never sent`);
    else if (place.append.outcome === 'refused') found.add('invented', event.id, `${shown(event)} was refused and is there`);
    else if (sent.digest !== event.digest) found.add('altered', event.id, `${shown(event)} is not what was sent`);
  }
};

const judgeOrder = (served: Served, found: Differences): void => {
  for (const [stream, events] of served.streams) {
    for (const [i, event] of events.entries()) {
      const before = events[i - 1];
      if (event.stream !== stream || event.revision !== i) found.add('reordered', event.id, `${stream} serves ${shown(event)} as its event ${i}`);
      else if (before && before.position >= event.position) found.add('reordered', event.id, `${shown(event)} lies before its predecessor`);
    }
  }
  for (const [i, event] of served.all.entries()) {
    const before = served.all[i - 1];
    if (before && before.position >= event.position) found.add('reordered', event.id, `${shown(event)} comes after a later one`);
  }
};

const judgeAppend = (append: SentAppend, ids: ReadonlyMap<string, ServedEvent>, inAll: ReadonlySet<string>, found: Differences): void => {
  const first = lastRevision(append) - append.events.length + 1;
  if (append.outcome === 'acknowledged') {
    for (const [i, { id }] of append.events.entries()) {
      const event = ids.get(id);
      if (!event) found.add('lost', id, `${append.stream}@${first + i} (${id}) was acknowledged and is not in its stream`);
      else if (event.stream !== append.stream || event.revision !== first + i) found.add('reordered', id, `${shown(event)} was acknowledged as ${append.stream}@${first + i}`);
      if (!inAll.has(id)) found.add('lost', id, `${append.stream}@${first + i} (${id}) was acknowledged and is not in $all`);
    }
    const last = ids.get(append.events.at(-1)?.id ?? '');
    if (last && last.position !== append.position) found.add('reordered', last.id, `${shown(last)} was acknowledged at ${String(append.position)} and lies at ${last.position}`);
    return;
  }
  for (const { id, shown: wasShown } of append.events) {
    if (wasShown && !ids.has(id)) found.add('lost', id, `an event of ${append.stream}@${first} (${id}) was shown to a subscriber and is not there`);
  }
  const present = append.events.flatMap(({ id }) => ids.get(id) ?? []);
  if (present.length === 0) return;
  const together = present.length === append.events.length && present.every((event, i) => event.stream === append.stream && event.revision === first + i);
  if (!together) found.add('torn', present[0]?.id ?? '', `${present.length} of ${append.events.length} events of an append to ${append.stream}@${first} are there, or not beside each other`);
};

/** What was answered before another was sent lies before it, over all streams. */
const judgeTime = (appends: readonly SentAppend[], ids: ReadonlyMap<string, ServedEvent>, found: Differences): void => {
  const placed = appends.flatMap((append) => {
    const position = ids.get(append.events[0]?.id ?? '')?.position;
    return append.outcome === 'acknowledged' && position !== undefined ? [{ append, position }] : [];
  });
  placed.sort((a, b) => (a.position > b.position ? -1 : 1));
  let earliestAnswer = Infinity;
  for (const { append } of placed) {
    if (earliestAnswer < append.sentAt) found.add('reordered', append.events[0]?.id ?? '', `${append.stream}@${append.firstRevision} lies before an append that was answered before it was sent`);
    earliestAnswer = Math.min(earliestAnswer, append.answeredAt ?? Infinity);
  }
};

const judgeAgreement = (served: Served, found: Differences): void => {
  const compare = (name: string, one: readonly ServedEvent[], other: readonly ServedEvent[]): void => {
    for (let i = 0; i < Math.max(one.length, other.length); i += 1) {
      const [a, b] = [one[i], other[i]];
      if (a?.id === b?.id && a?.digest === b?.digest && a?.position === b?.position && a?.revision === b?.revision) continue;
      found.add('disagreeing', `${name}/${i}`, `${name} differ at ${i}: ${a ? shown(a) : 'nothing'} and ${b ? shown(b) : 'nothing'}`);
      return;
    }
  };
  compare('the two clients', served.all, served.again);
  const byStream = Map.groupBy(served.all, ({ stream }) => stream);
  for (const stream of new Set([...byStream.keys(), ...served.streams.keys()])) compare(`$all and ${stream}`, byStream.get(stream) ?? [], served.streams.get(stream) ?? []);
};

/**
 * Lays what was sent beside what is served. Shares nothing with the store: plain lists on both sides.
 * Acknowledged appends have to be there, whole, once, where they were acknowledged; those without an answer whole or not at all.
 */
export const judge = (appends: readonly SentAppend[], served: Served): Verdict => {
  const found = new Differences();
  const places = new Map(appends.flatMap((append) => append.events.map(({ id }, index): [string, Place] => [id, { append, index }])));
  const inStreams = [...served.streams.values()].flat();
  for (const view of [inStreams, served.all, served.again]) judgeContent(view, places, found);
  judgeOrder(served, found);
  const ids = new Map(inStreams.map((event) => [event.id, event]));
  const inAll = new Set(served.all.map(({ id }) => id));
  for (const append of appends) judgeAppend(append, ids, inAll, found);
  judgeTime(appends, ids, found);
  judgeAgreement(served, found);
  const eventsOf = (chosen: readonly SentAppend[]): number => chosen.reduce((sum, { events }) => sum + events.length, 0);
  const unanswered = appends.filter(({ outcome }) => outcome === 'unknown');
  const present = unanswered.filter(({ events }) => ids.has(events[0]?.id ?? ''));
  return {
    breaches: Object.fromEntries(BREACHES.map((breach) => [breach, found.texts(breach)])) as Record<Breach, readonly string[]>,
    acknowledged: eventsOf(appends.filter(({ outcome }) => outcome === 'acknowledged')),
    unanswered: { present: eventsOf(present), absent: eventsOf(unanswered) - eventsOf(present) },
  };
};
