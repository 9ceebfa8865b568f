import type { LeaseEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { id } from './fields.ts';

const lease = { role: id, risk_group: id, owner: id };

export const LEASE_EVENTS = eventsOf<LeaseEvent>()({
  LeaseAcquired: { schemaVersion: 1, schema: z.strictObject(lease), description: 'An owner took the role; the revision of this event is its epoch.' },
  LeaseReleased: { schemaVersion: 1, schema: z.strictObject({ ...lease, epoch: z.int() }), description: 'The owner of this epoch gave the role back.' },
});
