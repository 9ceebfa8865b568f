import { setTimeout as delay } from 'node:timers/promises';

const WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 5;

/**
 * Waits until `look` gives something other than `undefined` or false, and returns it. Rejects with `what` when that takes
 * longer than `withinMs`. A rejection of `look` counts as "not yet" and is named in the end.
 */
export const eventually = async <T>(what: string, look: () => T | Promise<T>, withinMs: number = WITHIN_MS): Promise<Exclude<T, undefined | false>> => {
  const untilMs = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      last = await look();
      if (last !== undefined && last !== false) return last as Exclude<T, undefined | false>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > untilMs) throw new Error(`not within ${withinMs} ms: ${what}; last seen: ${String(last)}`);
    await delay(LOOK_EVERY_MS);
  }
};
