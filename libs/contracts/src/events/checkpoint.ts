import type { CheckpointEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { positionText } from './fields.ts';

export const CHECKPOINT_EVENTS = eventsOf<CheckpointEvent>()({
  CheckpointReached: { schemaVersion: 1, schema: z.strictObject({ position: positionText }), description: 'How far a driven service has come in the log.' },
});
