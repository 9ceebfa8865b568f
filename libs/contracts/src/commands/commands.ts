import { z } from 'zod';
import { INTENT_KEY, ORDER_ID } from '../identity/ids.ts';
import { ID_TEXT } from '../streams/streams.ts';

const intentKey = z.string().regex(INTENT_KEY);
const orderId = z.string().regex(ORDER_ID);
const name = z.string().regex(ID_TEXT);

/** To risk: decide every leg of this intent. The intent itself is read from its stream: a message is never the authority. */
export const EvaluateIntentV1 = z.strictObject({ version: z.literal(1), intent_key: intentKey, risk_group: name }).meta({ id: 'EvaluateIntentV1' });
export type EvaluateIntentV1 = z.infer<typeof EvaluateIntentV1>;

/** To execution: claim and send this order. After `execute_by_ms` (business time, UTC) it is withheld. */
export const SubmitOrderV1 = z.strictObject({ version: z.literal(1), order_id: orderId, account: name, execute_by_ms: z.int() }).meta({ id: 'SubmitOrderV1' });
export type SubmitOrderV1 = z.infer<typeof SubmitOrderV1>;

export const CancelOrderV1 = z
  .strictObject({ version: z.literal(1), order_id: orderId, account: name, reason: z.string().max(256), requested_by: z.string().max(128) })
  .meta({ id: 'CancelOrderV1' });
export type CancelOrderV1 = z.infer<typeof CancelOrderV1>;
