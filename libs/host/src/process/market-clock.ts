import type { QuoteBook } from '@tallystick/market';
import type { BusinessClock, ProcessClock } from '@tallystick/ports';

/**
 * The source repeats its newest snapshot every second while time stands still. Five in a row missing is not a pause of the market
 * but a source that is gone: the clock then cannot be read, and everything that needs it is denied.
 */
const SILENCE_MS_MAX = 5_000;

/** Business time from the market's snapshots. */
export class MarketClock implements BusinessClock {
  private heardAtMs: number | undefined;

  constructor(
    private readonly book: QuoteBook,
    private readonly process: ProcessClock,
  ) {}

  heard(): void {
    this.heardAtMs = this.process.monotonicMs();
  }

  nowMs(): number | undefined {
    if (this.heardAtMs === undefined || this.process.monotonicMs() - this.heardAtMs > SILENCE_MS_MAX) return undefined;
    return this.book.timeMs();
  }
}

export const wallClock = (process: ProcessClock): BusinessClock => ({ nowMs: () => process.nowMs() });
