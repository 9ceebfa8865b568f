/** First wait, then twice as long each time up to the last. */
const FIRST_MS = 200;
const LAST_MS = 5_000;
/** Who ran this long has recovered: the next wait is the first again. */
const STEADY_MS = 10_000;
/** More ends than this within the window are no accident. */
const BUDGET = 20;
const WINDOW_MS = 5 * 60_000;

/** When a process that died is started again, and when it no longer is. Times are monotonic, ms. */
export class Backoff {
  private ends: number[] = [];
  private inRow = 0;

  /** How long to wait before the next start; `undefined` when the budget is used up. `ranMs`: how long it had been ready. */
  ended(nowMs: number, ranMs: number): number | undefined {
    this.ends = [...this.ends.filter((end) => nowMs - end < WINDOW_MS), nowMs];
    if (this.ends.length > BUDGET) return undefined;
    this.inRow = ranMs >= STEADY_MS ? 0 : this.inRow + 1;
    return Math.min(LAST_MS, FIRST_MS * 2 ** Math.max(0, this.inRow - 1));
  }
}

export const BUDGET_TEXT = `${BUDGET} times in ${WINDOW_MS / 60_000} minutes`;
