import { parseKillScope } from '@tallystick/domain';
import { z } from 'zod';
import { timeMs } from '../events/fields.ts';
import { ORDER_STATUSES } from './orders.ts';
import { asOfPosition, count, version } from './fields.ts';

const scope = z.string().max(96).refine((text) => parseKillScope(text) !== undefined, 'a scope is firm, account:<id>, strategy:<id>, instrument:<symbol> or venue:<id>');
const reason = z.string().trim().min(1).max(256);
const mode = z.enum(['stop_new', 'stop_and_cancel']);

/** `flatten` is understood and refused (FLATTEN_NOT_AVAILABLE): positions are closed by orders, which somebody must decide on. */
export const KillEngageRequestV1 = z
  .strictObject({ version, scope, mode: z.enum([...mode.options, 'flatten']), reason, drill: z.boolean().optional().describe('Show what it would act on, record the drill, stop nothing.') })
  .meta({ id: 'KillEngageRequestV1' });
export type KillEngageRequestV1 = z.infer<typeof KillEngageRequestV1>;

/** Over NATS. Who asks names itself; it is recorded as `nats:<requested_by>`. */
export const KillEngageMessageV1 = z
  .strictObject({ version, scope, mode: mode.default('stop_new'), reason, requested_by: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/) })
  .meta({ id: 'KillEngageMessageV1' });
export type KillEngageMessageV1 = z.infer<typeof KillEngageMessageV1>;

const killed = { kill_id: z.string(), scope: z.string(), mode, reason: z.string(), engaged_by: z.string() };

export const KillReceiptV1 = z
  .object({
    version,
    request_id: z.string(),
    status: z.enum(['engaged', 'already_engaged', 'drilled']),
    ...killed,
    /** Set when the scope names what the policy in force does not know: it is engaged all the same. */
    warning: z.string().optional(),
    /** Of a drill: the orders it would have canceled or kept from being sent, at most 1000 of them. */
    orders: count.optional(),
    would_act_on: z.array(z.object({ order_id: z.string(), status: z.enum(ORDER_STATUSES) })).optional(),
    position: z.string().optional().describe('Log position of the record: reads with `min_position` see it.'),
  })
  .meta({ id: 'KillReceiptV1' });
export type KillReceiptV1 = z.infer<typeof KillReceiptV1>;

export const KillReleaseRequestV1 = z.strictObject({ version, scope, reason }).meta({ id: 'KillReleaseRequestV1' });
export type KillReleaseRequestV1 = z.infer<typeof KillReleaseRequestV1>;

export const KillReleaseReceiptV1 = z
  .object({
    version, request_id: z.string(), status: z.enum(['proposed', 'released']), kill_id: z.string(), scope: z.string(), reason: z.string(),
    /** Who has agreed so far. */
    operators: z.array(z.string()),
    expires_at_ms: timeMs.optional(),
    position: z.string().optional(),
  })
  .meta({ id: 'KillReleaseReceiptV1' });
export type KillReleaseReceiptV1 = z.infer<typeof KillReleaseReceiptV1>;

/** One engaged kill: who applied it, and where every order is that it is about. */
export const KillViewV1 = z
  .object({
    ...killed,
    via: z.enum(['api', 'nats', 'file']),
    requested_at_ms: timeMs,
    position: z.string(),
    acknowledged: z.array(z.object({ instance: z.string(), applied_at_ms: timeMs, after_ms: z.int() })),
    canceled: count,
    withheld: count,
    ended_otherwise: count,
    working: count,
    in_doubt: count,
    waiting: count,
    /** Orders without the venue's evidence; the first 1000. */
    left: z.array(z.string()),
    left_count: count,
    complete: z.boolean(),
    release: z.object({ proposed_by: z.string(), reason: z.string(), expires_at_ms: timeMs }).optional(),
  })
  .meta({ id: 'KillViewV1' });
export type KillViewV1 = z.infer<typeof KillViewV1>;

export const KillStatusV1 = z
  .object({
    version,
    readable: z.boolean().describe('False: the switch cannot be read, and nothing is sent.'),
    file: z.boolean().describe('The kill file is there, where the gateway looks for it.'),
    kills: z.array(KillViewV1),
    ...asOfPosition,
  })
  .meta({ id: 'KillStatusV1' });
export type KillStatusV1 = z.infer<typeof KillStatusV1>;

/** What an executor announces when a kill holds there; the record is in its audit stream. */
export const KillAcknowledgedV1 = z
  .object({ version, kill_id: z.string(), scope: z.string(), instance: z.string(), requested_at_ms: timeMs, applied_at_ms: timeMs })
  .meta({ id: 'KillAcknowledgedV1' });
export type KillAcknowledgedV1 = z.infer<typeof KillAcknowledgedV1>;
