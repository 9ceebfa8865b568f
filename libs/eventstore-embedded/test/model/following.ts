import { TOMBSTONE } from './model.ts';
import type { Model, StoredEvent } from './model.ts';

/** What a subscription must have handed over by now, kept up by `advance` after every change of the model. */
export interface Following {
  readonly says: string;
  readonly events: StoredEvent[];
  /** Places in the log; undefined when the subscription gives none. */
  readonly checkpoints: number[] | undefined;
  /** It has ended by the rules: nothing follows. */
  ended: boolean;
  /** A connection that broke ends it too. */
  readonly endsWithConnection: boolean;
  advance(model: Model): void;
}

export interface EventFilter {
  readonly on: 'stream' | 'type';
  readonly prefixes?: readonly string[];
  readonly regex?: string;
  /** Events considered between two checkpoints: the search window times the multiplier. */
  readonly window: number;
  readonly multiplier: number;
}

const passes = (filter: EventFilter | undefined, event: StoredEvent): boolean => {
  if (filter === undefined) return true;
  const text = filter.on === 'stream' ? event.stream : event.type;
  return filter.regex === undefined ? (filter.prefixes ?? []).some((prefix) => text.startsWith(prefix)) : new RegExp(filter.regex).test(text);
};

/**
 * All streams from `from` (a place in the log) on. With a filter, the place reached is told after every so many events
 * considered, and once when history ends; nothing is told twice.
 */
export const followAll = (model: Model, says: string, { from, filter }: { readonly from: number; readonly filter: EventFilter | undefined }): Following => {
  let next = from;
  let considered = 0;
  let isHistory = true;
  const following: Following = {
    says, events: [], checkpoints: filter === undefined ? undefined : [], ended: false, endsWithConnection: true,
    advance: ({ log }) => {
      for (; next < log.length; next += 1) {
        const event = log[next]!;
        if (passes(filter, event)) following.events.push(event);
        if (filter === undefined) continue;
        considered += 1;
        if (considered % (filter.window * filter.multiplier) === 0) following.checkpoints?.push(next);
      }
      if (!isHistory) return;
      isHistory = false;
      if (filter !== undefined && considered > 0 && following.checkpoints?.at(-1) !== next - 1) following.checkpoints?.push(next - 1);
      considered = 0;
    },
  };
  following.advance(model);
  return following;
};

/**
 * One stream after a revision: first what is shown of it, then, live, everything that is written, and at last its tombstone.
 * One that is tombstoned already cannot be followed.
 */
export const followStream = (model: Model, stream: string, from: 'start' | 'end' | number): Following => {
  const after = from === 'start' ? -1 : from === 'end' ? model.last(stream) : from;
  const shown = model.shown(stream);
  const history = shown.kind === 'present' ? shown.events.filter(({ revision }) => revision > after) : [];
  const firstLive = Math.max(after, model.last(stream)) + 1;
  let nextPlace = model.log.length;
  const following: Following = {
    says: `stream ${stream} after ${from}`, events: [...history], checkpoints: undefined, ended: shown.kind === 'deleted', endsWithConnection: true,
    advance: (now) => {
      for (; nextPlace < now.log.length && !following.ended; nextPlace += 1) {
        const event = now.log[nextPlace]!;
        if (event.stream === stream && event.revision >= firstLive) following.events.push(event);
        following.ended = now.isTombstoned(stream) && event.revision === TOMBSTONE;
      }
    },
  };
  return following;
};

/** Our adapter's: by prefixes, over as many connections as it takes, ended by the first event that is not JSON. */
export const followThroughAdapter = (model: Model, prefixes: readonly string[], from: number): Following => {
  let next = from;
  const following: Following = {
    says: `adapter, ${prefixes.join(' or ')} after ${from}`, events: [], checkpoints: undefined, ended: false, endsWithConnection: false,
    advance: ({ log }) => {
      for (; next < log.length && !following.ended; next += 1) {
        const event = log[next]!;
        if (!prefixes.some((prefix) => event.stream.startsWith(prefix))) continue;
        if (event.data === undefined) following.ended = true;
        else following.events.push(event);
      }
    },
  };
  following.advance(model);
  return following;
};
