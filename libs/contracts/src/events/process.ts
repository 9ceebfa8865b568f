import type { ProcessEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { count, id, mode, text, timeMs } from './fields.ts';

const run = { instance_id: id, run_id: id };

export const PROCESS_EVENTS = eventsOf<ProcessEvent>()({
  InstanceDesired: {
    schemaVersion: 1,
    description: 'What a strategy instance should be, and why.',
    schema: z.strictObject({ instance_id: id, strategy: id, strategy_version: id, account: id, mode, desired: z.enum(['running', 'stopped']), reason: text }),
  },
  InstanceStartIntended: { schemaVersion: 1, schema: z.strictObject(run), description: 'Before the spawn, so that an orphan can be told from a stranger.' },
  InstanceStarted: { schemaVersion: 1, schema: z.strictObject({ ...run, pid: count, started_at_ms: timeMs }), description: 'The process runs.' },
  InstanceExited: {
    schemaVersion: 1,
    description: 'The process ended, by itself or by a signal.',
    schema: z.strictObject({ ...run, exit_code: z.int().optional(), signal: text.optional(), detail: text }),
  },
  InstanceSilent: { schemaVersion: 1, schema: z.strictObject({ ...run, silent_ms: count }), description: 'No heartbeat for this long.' },
});
