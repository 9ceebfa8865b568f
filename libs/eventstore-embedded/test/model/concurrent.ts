import type { Append, Found, FoundAppend } from './calls.ts';
import { TOMBSTONE } from './model.ts';
import type { Model, Outcome, StoredEvent } from './model.ts';
import { isDeepStrictEqual } from 'node:util';

/** One of several appends that ran at the same time, and how it was answered. */
export interface Answered {
  readonly append: Append;
  readonly found: FoundAppend;
}

/**
 * Looks for an order in which the appends, one after another, would have given these answers and this end of the log. One
 * without an answer may be missing, one that was refused must be. Gives the model afterwards, or undefined: then no order
 * explains what was seen. Few appends only: all orders are tried.
 */
export const explain = (model: Model, answered: readonly Answered[], tail: readonly Found[]): Model | undefined => {
  const base = model.log.length;
  const next = (now: Model, left: readonly Answered[]): Model | undefined => {
    const isDone = left.every(({ found }) => found.kind === 'unknown' || found.kind === 'refused');
    if (isDone && now.log.length - base === tail.length) return now;
    for (const one of left) {
      if (one.found.kind === 'refused') continue;
      const then = now.copy();
      const outcome = then.append(one.append.stream, one.append.expected, one.append.events);
      if (!agrees(one.found, outcome, tail, base) || !begins(then.log.slice(base), tail)) continue;
      const explained = next(then, left.filter((other) => other !== one));
      if (explained !== undefined) return explained;
    }
    return undefined;
  };
  return next(model, answered);
};

const begins = (events: readonly StoredEvent[], tail: readonly Found[]): boolean =>
  events.every((event, i) => {
    const found = tail[i];
    return found !== undefined && found.stream === event.stream && found.revision === event.revision && found.type === event.type &&
      (event.id === undefined || found.id === event.id) && (event.revision === TOMBSTONE || isDeepStrictEqual(found.data, event.data));
  });

const agrees = (found: FoundAppend, outcome: Outcome, tail: readonly Found[], base: number): boolean => {
  if (found.kind === 'unknown') return true;
  if (found.kind !== 'ok' || outcome.kind !== 'ok') return isDeepStrictEqual(found, outcome);
  if (outcome.revision === undefined) return true;
  const { revision, at, repeated } = outcome;
  return found.revision === revision && ((repeated === 'hidden' && found.position === undefined) || at === undefined || at < base || tail[at - base]?.position === found.position);
};
