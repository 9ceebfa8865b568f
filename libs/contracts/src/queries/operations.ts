import { z } from 'zod';
import { KnownEventV1 } from '../events/anchor.ts';
import { mode, timeMs } from '../events/fields.ts';
import { count, name, pageOf, version } from './fields.ts';

/** A question that needs no more than its subject. */
export const QueryV1 = z.strictObject({ version }).meta({ id: 'QueryV1' });
export type QueryV1 = z.infer<typeof QueryV1>;

/** A service, as its status answers say, or a strategy instance, as its heartbeats and its stream say. */
export const ServiceViewV1 = z
  .object({
    service: z.string(),
    instance: z.string(),
    kind: z.enum(['service', 'strategy']),
    desired: z.enum(['running', 'stopped']),
    actual: z.enum(['running', 'starting', 'degraded', 'silent', 'stopped']),
    build: z.string().optional(),
    pid: z.int().optional(),
    restarts: count.optional(),
    /** Events between what it has handled and the head of the log. */
    lag_events: count.optional(),
    /** Commands waiting in its queues. */
    backlog: count.optional(),
    heartbeat_at_ms: timeMs.optional(),
    detail: z.string().optional(),
  })
  .meta({ id: 'ServiceViewV1' });
export type ServiceViewV1 = z.infer<typeof ServiceViewV1>;
export const ServicePageV1 = pageOf('ServicePageV1', ServiceViewV1);

export const StatusV1 = z
  .object({
    version,
    status: z.enum(['ok', 'degraded', 'down']),
    mode,
    build: z.string(),
    store: z.object({ ok: z.boolean(), head: z.string().optional(), detail: z.string().optional() }),
    bus: z.object({ ok: z.boolean(), detail: z.string().optional() }),
    market: z.object({ source: z.string(), sequence: count, time_ms: timeMs.optional(), simulated: z.boolean() }).optional(),
    kill: z.object({ readable: z.boolean(), engaged: z.array(z.object({ scope: z.string(), reason: z.string(), engaged_by: z.string() })) }),
    policy: z.object({ name: z.string(), policy_hash: z.string(), sequence: count }).optional(),
    orders: z.record(z.string(), count).describe('Number of orders by status.'),
    services: z.array(ServiceViewV1),
    position: z.string(),
  })
  .meta({ id: 'StatusV1' });
export type StatusV1 = z.infer<typeof StatusV1>;

export const AcceptStoreRequestV1 = z.strictObject({ version, reason: z.string().trim().min(1).max(256) }).meta({ id: 'AcceptStoreRequestV1', description: 'Accept the log as it is, in the place of what was known of it.' });
export type AcceptStoreRequestV1 = z.infer<typeof AcceptStoreRequestV1>;

/** Recorded. Execution acts on it within seconds, and opens its accounts by the venue's own snapshots. */
export const StoreAcceptedV1 = z
  .object({
    version,
    request_id: z.string(),
    role: z.string(),
    /** Why it had to be accepted. */
    code: z.enum(['STORE_BEHIND_ANCHOR', 'ANCHOR_UNREADABLE']),
    detail: z.string(),
    given_up: KnownEventV1.optional().describe('What was known to be in the log; absent where that could not be read.'),
    head: z.string().describe('Where the accepted log ended.'),
    position: z.string().describe('Log position of the acceptance.'),
  })
  .meta({ id: 'StoreAcceptedV1' });
export type StoreAcceptedV1 = z.infer<typeof StoreAcceptedV1>;

export const HealthV1 = z
  .object({ version, status: z.enum(['ok', 'fail']), checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })) })
  .meta({ id: 'HealthV1' });
export type HealthV1 = z.infer<typeof HealthV1>;

export const DeadLetterV1 = z
  .object({
    sequence: count,
    service: z.string(),
    code: z.string(),
    detail: z.string(),
    subject: z.string(),
    message_id: z.string(),
    deliveries: count,
    from_stream: z.string(),
    from_sequence: count,
    stored_at_ms: timeMs,
    correlation_id: z.string().optional(),
    body: z.string(),
  })
  .meta({ id: 'DeadLetterV1', description: 'A command that was set aside, and why.' });
export type DeadLetterV1 = z.infer<typeof DeadLetterV1>;
export const DeadLetterListV1 = z.object({ version, items: z.array(DeadLetterV1), next: z.string().optional() }).meta({ id: 'DeadLetterListV1' });

/** Either one, by its number, or all there are now, of one service or of every. */
export const RedriveRequestV1 = z
  .strictObject({ version, sequence: count.optional(), service: name.optional(), all: z.literal(true).optional() })
  .refine((body) => (body.sequence === undefined) === (body.all === true) && (body.service === undefined || body.all === true), 'either a sequence, or all (of one service, where it is named)')
  .meta({ id: 'RedriveRequestV1' });
export type RedriveRequestV1 = z.infer<typeof RedriveRequestV1>;

export const RedriveResultV1 = z
  .object({
    version,
    results: z.array(z.object({ sequence: count, outcome: z.enum(['redriven', 'redriven_not_removed', 'failed', 'not_found']), message_id: z.string().optional(), detail: z.string().optional() })),
  })
  .meta({ id: 'RedriveResultV1' });
export type RedriveResultV1 = z.infer<typeof RedriveResultV1>;
