import type { RawBody, VenueReportEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { count, id } from './fields.ts';

const isRawBody = (value: unknown): value is RawBody => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The venue's own words pass through as they are, whatever members they have. */
export const RawBodyData = z.custom<RawBody>(isRawBody, 'a JSON object').meta({ id: 'RawBody', description: "Any JSON object: the venue's own words, untouched." });

export const VENUE_REPORT_EVENTS = eventsOf<VenueReportEvent>()({
  VenueReportReceived: {
    schemaVersion: 1,
    description: 'A raw report, recorded before anything interprets it.',
    schema: z.strictObject({
      report_id: id,
      sequence: count.optional(),
      venue: id,
      account: id,
      channel: z.enum(['stream', 'answer', 'query']),
      body: RawBodyData,
    }),
  },
});
