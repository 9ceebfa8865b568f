import type { InstrumentEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { id, text } from './fields.ts';

/** Sizes divide prices and quantities: zero would leave the fold without an answer. */
const step = z.string().regex(/^(?=.*[1-9])(0|[1-9]\d*)(\.\d+)?$/, 'a decimal above zero');

export const INSTRUMENT_EVENTS = eventsOf<InstrumentEvent>()({
  InstrumentListed: {
    schemaVersion: 1,
    description: 'An instrument as the venue trades it from here on.',
    schema: z.strictObject({ symbol: id, venue: id, currency: id, tick_size: step, lot_size: step, session: id }),
  },
  InstrumentDelisted: { schemaVersion: 1, schema: z.strictObject({ symbol: id, venue: id, reason: text }), description: 'The instrument can no longer be traded.' },
});
