import type { SupervisionLimits } from './limits.ts';

/** What a crash leads to: a restart after a wait, or no more of them. */
export type AfterCrash = { readonly kind: 'restart'; readonly afterMs: number } | { readonly kind: 'give_up'; readonly crashes: number };

/** Crashes of one instance as this supervisor saw them; times are monotonic process time. */
export class Restarts {
  private crashes: readonly number[] = [];
  private inARow = 0;

  constructor(private readonly limits: SupervisionLimits) {}

  /** `ranMs`: how long the run had lasted. */
  crashed(nowMs: number, ranMs: number): AfterCrash {
    const { stableMs, crashWindowMs, crashesMax, backoffMsMin, backoffMsMax } = this.limits;
    this.inARow = ranMs >= stableMs ? 1 : this.inARow + 1;
    this.crashes = [...this.crashes.filter((at) => at > nowMs - crashWindowMs), nowMs];
    if (this.crashes.length >= crashesMax) return { kind: 'give_up', crashes: this.crashes.length };
    return { kind: 'restart', afterMs: Math.min(backoffMsMax, backoffMsMin * 2 ** (this.inARow - 1)) };
  }

  forget(): void {
    this.crashes = [];
    this.inARow = 0;
  }
}
