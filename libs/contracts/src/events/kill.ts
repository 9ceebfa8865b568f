import type { KillEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { count, id, text, timeMs } from './fields.ts';

const kill = { kill_id: id, scope: id, reason: text };
const mode = z.enum(['stop_new', 'stop_and_cancel']);

export const KILL_EVENTS = eventsOf<KillEvent>()({
  KillSwitchCreated: { schemaVersion: 1, schema: z.strictObject({ created_by: id }), description: 'At boot: a missing stream means trouble, not peace.' },
  KillEngaged: {
    schemaVersion: 1, description: 'Nothing in this scope is sent any more; under `stop_and_cancel` what works in it is canceled.',
    schema: z.strictObject({ ...kill, mode, engaged_by: id, via: z.enum(['api', 'nats', 'file']), requested_at_ms: timeMs }),
  },
  KillDrilled: { schemaVersion: 1, schema: z.strictObject({ ...kill, mode, drilled_by: id, requested_at_ms: timeMs, orders: count }), description: 'A drill: what a kill would have acted on. Nothing was stopped.' },
  KillReleaseProposed: {
    schemaVersion: 1, schema: z.strictObject({ ...kill, proposed_by: id, proposed_at_ms: timeMs, expires_at_ms: timeMs }), description: 'One operator wants it released; it takes another one before this expires.',
  },
  KillReleased: { schemaVersion: 1, schema: z.strictObject({ ...kill, released_by: z.array(id) }), description: 'Two named operators released the scope.' },
});
