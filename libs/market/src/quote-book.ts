import type { MarketData, MarketSnapshot, Quote, Timers } from '@tallystick/ports';

/** Age of a quote at a business time, in ms; negative when the quote lies in the future of that clock. */
export const ageMs = (quote: Quote, nowMs: number): number => nowMs - quote.time_ms;

/** The newest quote of every symbol. Snapshots may come late, twice or with gaps: a lower sequence never replaces a higher one. */
export class QuoteBook implements MarketData {
  private readonly quotes = new Map<string, Quote>();
  private readonly waiting = new Set<{ readonly sequence: number; readonly arrived: () => void }>();
  private readonly timers: Timers;
  private newest = 0;
  private newestMs: number | undefined;

  constructor(timers: Timers) {
    this.timers = timers;
  }

  /** Takes a snapshot, whole or only what changed. False when it is older than what is here, and nothing changed. */
  apply(snapshot: MarketSnapshot): boolean {
    if (snapshot.sequence < this.newest) return false;
    this.newest = snapshot.sequence;
    this.newestMs = snapshot.time_ms;
    for (const quote of snapshot.quotes) {
      const known = this.quotes.get(quote.symbol);
      if (!known || quote.sequence >= known.sequence) this.quotes.set(quote.symbol, quote);
    }
    for (const waiter of [...this.waiting]) if (waiter.sequence <= this.newest) waiter.arrived();
    return true;
  }

  quote(symbol: string): Quote | undefined {
    return this.quotes.get(symbol);
  }

  sequence(): number {
    return this.newest;
  }

  /** Business time of the newest snapshot, epoch ms; `undefined` before the first. */
  timeMs(): number | undefined {
    return this.newestMs;
  }

  all(): readonly Quote[] {
    return [...this.quotes.values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
  }

  async reached(sequence: number, withinMs: number): Promise<boolean> {
    if (this.newest >= sequence) return true;
    const over = new AbortController();
    const waiter = { sequence, arrived: () => over.abort() };
    this.waiting.add(waiter);
    try {
      await this.timers.sleep(withinMs, 'market snapshot', over.signal);
      return this.newest >= sequence;
    } finally {
      this.waiting.delete(waiter);
    }
  }
}
