import type { KillEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { id, text } from './fields.ts';

export const KILL_EVENTS = eventsOf<KillEvent>()({
  KillSwitchCreated: { schemaVersion: 1, schema: z.strictObject({ created_by: id }), description: 'At boot: a missing stream means trouble, not peace.' },
  KillEngaged: { schemaVersion: 1, schema: z.strictObject({ scope: id, reason: text, engaged_by: id }), description: 'Nothing in this scope is sent any more.' },
  KillReleased: { schemaVersion: 1, schema: z.strictObject({ scope: id, reason: text, released_by: z.array(id) }), description: 'Named operators released the scope.' },
});
