import type { NamedSession } from '@tallystick/domain';
import type { MarketSnapshot, VenueInstrument } from '@tallystick/ports';

/**
 * The market at one instant, as far as it changed. `sequence` counts from 1 without gaps, `time_ms` is epoch ms UTC and rises
 * from step to step, `quotes` are whole quotes, by symbol. A step without quotes marks the session's opening or close.
 */
export interface MarketStep extends MarketSnapshot {
  /** Symbols whose bid and ask were stated anew: what lay there before is gone, what is quoted now is there to be taken. */
  readonly restated: readonly string[];
  /** Symbols that traded: their `last` is of this step. */
  readonly traded: readonly string[];
}

export interface MarketDescription {
  /** Goes into every quote. `simulated:SEED` for what never happened. */
  readonly source: string;
  readonly simulated: boolean;
  /** Local trading dates (`YYYY-MM-DD`), ascending. */
  readonly days: readonly string[];
  /** First and last step that carries data, epoch ms UTC. */
  readonly start_ms: number;
  readonly end_ms: number;
  readonly session: NamedSession;
  readonly instruments: readonly VenueInstrument[];
  /** Equal for equal data: a book kept over a restart belongs to one market only. */
  readonly fingerprint: string;
}

/** A replayable market. `steps()` gives the same steps every time. */
export interface MarketSource {
  readonly description: MarketDescription;
  steps(): AsyncIterable<MarketStep>;
}

export type MarketErrorCode =
  /** A file or row that cannot be read as what it should be; the message names file and line. */
  | 'MARKET_DATA_UNREADABLE'
  /** Nothing there for the day or the symbols asked. */
  | 'MARKET_DATA_MISSING'
  | 'MARKET_TOO_MANY_SYMBOLS'
  | 'MARKET_SPEC_INVALID'
  /** Days that the session's calendar does not know. */
  | 'CALENDAR_HORIZON';

/** Operating error of a market source; tell it by `code`. */
export class MarketError extends Error {
  readonly code: MarketErrorCode;
  constructor(code: MarketErrorCode, message: string) {
    super(message);
    this.name = 'MarketError';
    this.code = code;
  }
}

export const unreadable = (place: string, reason: string): MarketError => new MarketError('MARKET_DATA_UNREADABLE', `${place}: ${reason}`);
