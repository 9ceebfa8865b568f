import { z } from 'zod';
import { DecisionData, IntentData, OrderTermsData, RefusalData } from '../events/terms.ts';
import { name, version } from './fields.ts';

const request = { version, request_id: z.string() };
const judged = {
  ...request,
  intent_key: z.string(),
  digest: z.string(),
  orders: z.array(z.object({ leg: z.int().min(0), order_id: z.string() })),
  refusals: z.array(RefusalData),
  repeated: z.boolean().describe('The recorded answer given again; nothing new was recorded.'),
  position: z.string().optional().describe('Log position of the record: reads with `min_position` see it.'),
};
const fault = { ...request, code: z.string(), detail: z.string() };
const malformed = z.object({ ...fault, status: z.literal('malformed'), issues: z.array(z.object({ field: z.string(), detail: z.string() })) });
const unavailable = z.object({ ...fault, status: z.literal('unavailable') }).describe('Nothing is promised: ask again with the same key.');

/** What a submitter is told, after the append. */
export const IntentReceiptV1 = z
  .discriminatedUnion('status', [
    z.object({ ...judged, status: z.literal('accepted') }),
    z.object({ ...judged, status: z.literal('refused') }),
    z
      .object({ ...fault, status: z.literal('conflict'), code: z.literal('INTENT_KEY_CONFLICT'), intent_key: z.string(), digest: z.string(), recorded_digest: z.string() })
      .describe('The key belongs to another intent, recorded earlier; the first stands.'),
    malformed,
    unavailable,
  ])
  .meta({ id: 'IntentReceiptV1', description: 'The answer to a submitted intent, sent after it was recorded.' });
export type IntentReceiptV1 = z.infer<typeof IntentReceiptV1>;

/** Exactly what would be sent to the venue, before authentication, sequence numbers and clocks. */
export const VenueRequestV1 = z.object({ method: z.string(), path: z.string(), body: z.string() }).meta({ id: 'VenueRequestV1' });

/** The full decision and what the venue would be sent; nothing is recorded or sent. */
export const PreviewV1 = z
  .discriminatedUnion('status', [
    z.object({
      ...request,
      status: z.literal('previewed'),
      intent_key: z.string(),
      decisions: z.array(z.object({ terms: OrderTermsData, decision: DecisionData, venue_request: VenueRequestV1.nullable() })),
    }),
    z.object({ ...request, status: z.literal('refused'), intent_key: z.string(), refusals: z.array(RefusalData) }),
    malformed,
    unavailable,
  ])
  .meta({ id: 'PreviewV1', description: 'What would be decided and sent now. Nothing is recorded, reserved or sent.' });
export type PreviewV1 = z.infer<typeof PreviewV1>;

/** From intents to the risk writer of a partition: decide on this, record nothing. */
export const RiskPreviewRequestV1 = z.strictObject({ version, risk_group: name, intent: IntentData }).meta({ id: 'RiskPreviewRequestV1' });
export type RiskPreviewRequestV1 = z.infer<typeof RiskPreviewRequestV1>;

/** What a responder says when it could not ask its handler, or the handler failed. */
export const BusRefusalV1 = z
  .object({ ok: z.literal(false), code: z.string(), detail: z.string(), retryable: z.boolean() })
  .meta({ id: 'BusRefusalV1', description: 'The request was not handled; `retryable` says whether asking again can help.' });
export type BusRefusalV1 = z.infer<typeof BusRefusalV1>;
