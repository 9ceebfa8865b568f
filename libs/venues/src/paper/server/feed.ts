import type { NamedSession } from '@tallystick/domain';
import type { VenueInstrument } from '@tallystick/ports';
import type { FeedStep } from '../engine/index.ts';

/** What the venue needs of a market that is replayed against it; a market source of the product has this shape. */
export interface Feed {
  readonly description: {
    readonly source: string;
    readonly simulated: boolean;
    readonly days: readonly string[];
    readonly start_ms: number;
    readonly end_ms: number;
    readonly session: NamedSession;
    readonly instruments: readonly VenueInstrument[];
    /** Equal for equal data. */
    readonly fingerprint: string;
  };
  /** The same steps every time, numbered from 1 without gaps. */
  steps(): AsyncIterable<FeedStep>;
}
