import type { IntentEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { count, hash, id, timeMs } from './fields.ts';
import { IntentData, RefusalData } from './terms.ts';

export const INTENT_EVENTS = eventsOf<IntentEvent>()({
  IntentAccepted: {
    schemaVersion: 1,
    description: 'The intent with all its legs. The answer to every repeat of its key with this digest.',
    schema: z.strictObject({
      intent: IntentData,
      digest: hash,
      request_id: id,
      risk_group: id,
      legs: z.array(z.strictObject({ leg: count, order_id: id })),
      business_time_ms: timeMs.optional(),
    }),
  },
  IntentRefused: {
    schemaVersion: 1,
    description: 'Well formed but not acceptable. It is the recorded answer of its key.',
    schema: z.strictObject({ intent: IntentData, digest: hash, request_id: id, refusals: z.array(RefusalData) }),
  },
  IntentConflicted: {
    schemaVersion: 1,
    description: 'The key came again with another body. Never a second order.',
    schema: z.strictObject({ intent_key: id, digest: hash, recorded_digest: hash, request_id: id }),
  },
});
