import type { PolicyEvent } from '@tallystick/domain';
import { z } from 'zod';
import { PolicyV1 } from '../policy/policy-v1.ts';
import { eventsOf } from './definition.ts';
import { count, hash, id, mode, signature } from './fields.ts';

export const POLICY_EVENTS = eventsOf<PolicyEvent>()({
  PolicyActivated: {
    schemaVersion: 1,
    description: 'A signed policy document is in force from here on.',
    schema: z.strictObject({ document: PolicyV1, policy_hash: hash, sequence: count, signature, key_scope: mode, activated_by: id }),
  },
});
