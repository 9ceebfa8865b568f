import type { AnchorEvent, KnownEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf, shapeOf } from './definition.ts';
import { count, hash, id, positionText, text, timeMs } from './fields.ts';

/** An event of the log, remembered outside of it. */
export const KnownEventV1 = shapeOf<KnownEvent>()(z.strictObject({ stream: id, revision: count, event_id: id, hash, position: positionText }).meta({ id: 'KnownEventV1', description: 'An event of the log, as it was remembered outside of it.' }));

export const ANCHOR_EVENTS = eventsOf<AnchorEvent>()({
  LogDoubted: {
    schemaVersion: 1,
    description: 'The log lacks what was known to be in it, or what was known cannot be read: nothing is sent.',
    schema: z.strictObject({
      role: id, code: z.enum(['STORE_BEHIND_ANCHOR', 'ANCHOR_UNREADABLE']), detail: text, anchor_digest: hash, expected: KnownEventV1.optional(),
      found: z.strictObject({ revision: count, event_id: id, hash }).optional(), found_by: id,
    }),
  },
  LogAccepted: {
    schemaVersion: 1,
    description: 'An operator gives up the anchor of this digest and accepts the log as it is.',
    schema: z.strictObject({ role: id, anchor_digest: hash, given_up: KnownEventV1.optional(), head: positionText, reason: text, accepted_by: id, accepted_at_ms: timeMs }),
  },
  AnchorReplaced: { schemaVersion: 1, schema: z.strictObject({ role: id, anchor_digest: hash, replaced_by: id }), description: 'The acceptance has been acted on, and is good for nothing more.' },
});
