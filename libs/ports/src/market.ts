import type { EpochMs } from './world.ts';

/** Decimal strings; times are business time, UTC. A side with no quote is absent. */
export interface Quote {
  readonly symbol: string;
  readonly bid?: string;
  readonly bid_size?: string;
  readonly ask?: string;
  readonly ask_size?: string;
  /** Last trade, where the source has one. */
  readonly last?: string;
  readonly time_ms: EpochMs;
  /** Rises by one per market step of the source; the same for all symbols of one step. */
  readonly sequence: number;
  readonly source: string;
}

/** All of the market at one step: what strategies see, what decisions record. */
export interface MarketSnapshot {
  readonly sequence: number;
  readonly time_ms: EpochMs;
  readonly source: string;
  readonly quotes: readonly Quote[];
}

export interface MarketData {
  /** The newest quote, however old: freshness is the reader's rule. */
  quote(symbol: string): Quote | undefined;
  /** Sequence of the newest snapshot seen; 0 before the first. */
  sequence(): number;
  /** Resolves true once a snapshot of at least `sequence` is here, false after `withinMs`. */
  reached(sequence: number, withinMs: number): Promise<boolean>;
}
