import type { RateEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { decimalText, id, text, timeMs } from './fields.ts';

export const RATE_EVENTS = eventsOf<RateEvent>()({
  CurrencyRateSet: {
    schemaVersion: 1,
    description: 'How much of `currency` one unit of `base` buys, as of a business time.',
    schema: z.strictObject({ base: id, currency: id, rate: decimalText, time_ms: timeMs, source: text }),
  },
});
