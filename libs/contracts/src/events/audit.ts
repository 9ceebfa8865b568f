import type { AuditEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { count, hash, id, text, timeMs } from './fields.ts';

export const AUDIT_EVENTS = eventsOf<AuditEvent>()({
  IntentMalformed: {
    schemaVersion: 1,
    description: 'A body that could not become an intent: what was wrong and a digest, not the body.',
    schema: z.strictObject({ request_id: id, code: id, detail: text, bytes: count, body_sha256: hash, channel: id }),
  },
  BypassAttempted: {
    schemaVersion: 1,
    description: 'A command or message that was not what it claimed to be.',
    schema: z.strictObject({ code: id, detail: text, order_id: id.optional() }),
  },
  KillAcknowledged: {
    schemaVersion: 1,
    description: 'From here on this executor sends nothing that the kill stops.',
    schema: z.strictObject({ kill_id: id, scope: id, instance: id, requested_at_ms: timeMs, applied_at_ms: timeMs }),
  },
});
