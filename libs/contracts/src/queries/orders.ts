import type { OrderStatus } from '@tallystick/domain';
import { z } from 'zod';
import { EventMetadata } from '../envelope/envelope.ts';
import { decimalText, mode, side, timeMs } from '../events/fields.ts';
import { IntentData, RefusalData } from '../events/terms.ts';
import { asOfPosition, count, pageOf, version } from './fields.ts';

export const ORDER_STATUSES = [
  'NONE', 'APPROVED', 'DENIED', 'CLAIMED', 'IN_DOUBT', 'WORKING', 'PARTIALLY_FILLED', 'FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'NOT_SENT', 'NOT_RECEIVED',
] as const satisfies readonly OrderStatus[];
const status = z.enum(ORDER_STATUSES).meta({ id: 'OrderStatus' });

export const strategyRef = z.object({ id: z.string(), version: z.string() });

export const OrderViewV1 = z
  .object({
    order_id: z.string(),
    intent_key: z.string(),
    leg: count,
    account: z.string(),
    mode,
    venue: z.string(),
    strategy: strategyRef,
    portfolio: z.string().optional(),
    symbol: z.string(),
    side,
    qty: decimalText,
    order_type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
    time_in_force: z.enum(['DAY', 'GTC', 'IOC', 'FOK']),
    limit_price: decimalText.optional(),
    stop_price: decimalText.optional(),
    currency: z.string(),
    status,
    cum_qty: decimalText,
    leaves_qty: decimalText,
    avg_price: decimalText.optional(),
    /** Sum over the fills that stand, in `currency`. */
    fees: decimalText,
    fills: count,
    anomalies: count,
    /** Codes of the failed checks; empty unless denied. */
    denial_codes: z.array(z.string()),
    venue_order_id: z.string().optional(),
    client_order_id: z.string().optional(),
    cancel: z.object({ no: count, stage: z.enum(['requested', 'claimed', 'rejected']), reason: z.string() }).optional(),
    /** Why it is where it is, where somebody said why: the failed check, the venue's words, who canceled. */
    reason: z.object({ code: z.string(), detail: z.string() }).optional(),
    doubt: z.object({ code: z.string(), owner: z.string(), deadline_ms: timeMs }).optional(),
    /** Business time of the decision. */
    decided_at_ms: timeMs,
    /** Log position of the newest event of the order. */
    updated_position: z.string(),
  })
  .meta({ id: 'OrderViewV1', description: 'One order as folded from its stream.' });
export type OrderViewV1 = z.infer<typeof OrderViewV1>;

/** One event of a stream as recorded. */
export const TimelineEntryV1 = z
  .object({
    position: z.string(),
    stream: z.string(),
    revision: count,
    event_id: z.string(),
    type: z.string(),
    recorded_at_ms: timeMs,
    data: z.record(z.string(), z.unknown()),
    metadata: EventMetadata,
  })
  .meta({ id: 'TimelineEntryV1', description: 'One event as recorded, with who caused it.' });
export type TimelineEntryV1 = z.infer<typeof TimelineEntryV1>;

export const TimelineV1 = z.object({ version, order_id: z.string(), entries: z.array(TimelineEntryV1), ...asOfPosition }).meta({ id: 'TimelineV1' });
export type TimelineV1 = z.infer<typeof TimelineV1>;

export const IntentViewV1 = z
  .object({
    intent_key: z.string(),
    status: z.enum(['accepted', 'refused']),
    digest: z.string(),
    request_id: z.string(),
    intent: IntentData,
    risk_group: z.string().optional(),
    orders: z.array(z.object({ leg: count, order_id: z.string(), status })),
    refusals: z.array(RefusalData),
    conflicts: count,
    recorded_at_ms: timeMs,
    updated_position: z.string(),
  })
  .meta({ id: 'IntentViewV1', description: 'One intent, its answer and where its orders stand.' });
export type IntentViewV1 = z.infer<typeof IntentViewV1>;

export const OrderAnswerV1 = z.object({ version, order: OrderViewV1, ...asOfPosition }).meta({ id: 'OrderAnswerV1' });
export const OrderPageV1 = pageOf('OrderPageV1', OrderViewV1);
export const IntentAnswerV1 = z.object({ version, intent: IntentViewV1, ...asOfPosition }).meta({ id: 'IntentAnswerV1' });
export const IntentPageV1 = pageOf('IntentPageV1', IntentViewV1);

/** Body of a cancel; `reason` is recorded. */
export const CancelRequestV1 = z.strictObject({ version, reason: z.string().min(1).max(256) }).meta({ id: 'CancelRequestV1' });
export type CancelRequestV1 = z.infer<typeof CancelRequestV1>;

/** The cancel is recorded and on its way; whether the venue takes it is in the order's timeline. */
export const CancelReceiptV1 = z
  .object({ version, request_id: z.string(), order_id: z.string(), status: z.enum(['requested', 'already_closed']), order_status: status, position: z.string().optional() })
  .meta({ id: 'CancelReceiptV1' });
export type CancelReceiptV1 = z.infer<typeof CancelReceiptV1>;
