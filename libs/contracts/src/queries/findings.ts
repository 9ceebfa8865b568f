import { z } from 'zod';
import { timeMs } from '../events/fields.ts';
import { asOfPosition, count, version } from './fields.ts';

export const RefusalViewV1 = z
  .object({
    /** Log position of the event that says so. */
    position: z.string(),
    stage: z.enum(['malformed', 'intent', 'decision', 'withheld', 'venue']).describe('How far it had come.'),
    code: z.string(),
    detail: z.string(),
    scope: z.string().optional(),
    limit: z.string().optional(),
    observed: z.string().optional(),
    account: z.string().optional(),
    strategy: z.string().optional(),
    symbol: z.string().optional(),
    order_id: z.string().optional(),
    intent_key: z.string().optional(),
    recorded_at_ms: timeMs,
  })
  .meta({ id: 'RefusalViewV1', description: 'One reason why something was refused; an order that fails three checks has three.' });
export type RefusalViewV1 = z.infer<typeof RefusalViewV1>;

export const AnomalyViewV1 = z
  .object({
    position: z.string(),
    source: z.enum(['order', 'quarantine', 'log', 'audit']).describe('Found in an order\'s life, in a report of no order of ours, in an event that cannot be read, in a message that was not what it claimed to be.'),
    kind: z.string(),
    detail: z.string(),
    stream: z.string(),
    revision: count,
    account: z.string().optional(),
    order_id: z.string().optional(),
    recorded_at_ms: timeMs,
  })
  .meta({ id: 'AnomalyViewV1', description: 'A fact that did not fit, kept and shown.' });
export type AnomalyViewV1 = z.infer<typeof AnomalyViewV1>;

const counts = z.record(z.string(), count);
const page = { version, next: z.string().optional(), ...asOfPosition };

export const RefusalPageV1 = z.object({ ...page, items: z.array(RefusalViewV1), by_code: counts.describe('How often each code refused something, whatever the filters.') }).meta({ id: 'RefusalPageV1' });
export const AnomalyPageV1 = z.object({ ...page, items: z.array(AnomalyViewV1), by_kind: counts.describe('How many there are of each kind, whatever the filters.') }).meta({ id: 'AnomalyPageV1' });
