/** Below this many times the array is moved for every time that falls out of the window; beyond it that would cost more than the decision. */
const SMALL = 1024;

/** How many of `times`, in order, are at or before `timeMs`. */
const upTo = (times: readonly number[], timeMs: number): number => {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Infinity) <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** How many of `times`, in order, are after `timeMs`. */
export const countAfter = (times: readonly number[], timeMs: number): number => times.length - upTo(times, timeMs);

/**
 * Takes a time in at its place, the newest last unless a clock stepped back, and drops those at or before `oldestMs`: at once while
 * there are few, later when most of many are old. Counting never sees the difference. Changes `times` in place.
 */
export const noteTime = (times: number[], timeMs: number, oldestMs: number): void => {
  if ((times.at(-1) ?? -Infinity) <= timeMs) times.push(timeMs);
  else times.splice(upTo(times, timeMs), 0, timeMs);
  const old = upTo(times, oldestMs);
  if (old > 0 && (times.length < SMALL || old * 2 >= times.length)) times.splice(0, old);
};

/** Takes one such time out again. */
export const forgetTime = (times: number[], timeMs: number): void => {
  const at = upTo(times, timeMs) - 1;
  if (times[at] === timeMs) times.splice(at, 1);
};
