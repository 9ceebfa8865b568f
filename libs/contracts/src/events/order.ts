import type { OrderEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { count, decimalText, hash, id, text, timeMs } from './fields.ts';
import { DecisionData, fromReport, OrderTermsData, ReportRefData } from './terms.ts';

const decided = z.strictObject({ terms: OrderTermsData, decision: DecisionData });
const ended = z.strictObject({ ...fromReport, reason: text });
const refused = z.strictObject({ ...fromReport, code: id, detail: text });

const anomaly = z.enum([
  'OVERFILL', 'FILL_AFTER_CLOSE', 'FILL_CONTRADICTS_STATE', 'DUPLICATE_EXEC_ID_DIFFERS', 'REPORT_UNEXPECTED', 'REPORT_UNREADABLE',
  'BUST_OF_UNKNOWN_FILL', 'TERMS_DIFFER',
]);

export const ORDER_EVENTS = eventsOf<OrderEvent>()({
  OrderApproved: { schemaVersion: 1, schema: decided, description: 'Policy allows the order; its worst case is reserved.' },
  OrderDenied: { schemaVersion: 1, schema: decided, description: 'Policy denies the order; every failed check says why.' },
  SubmissionClaimed: {
    schemaVersion: 1,
    description: 'The owner will send exactly the payload hashed here, once. Durable before anything is sent.',
    schema: z.strictObject({
      claim_id: id,
      client_order_id: id,
      venue: id,
      payload_hash: hash,
      policy_hash: text,
      epoch: z.int(),
      owner: id,
      market_sequence: count,
      business_time_ms: timeMs,
      claimed_at_ms: timeMs,
    }),
  },
  SubmissionWithheld: {
    schemaVersion: 1,
    description: 'Checked again and not sent: evidence that the venue never saw it.',
    schema: z.strictObject({ code: id, detail: text, claim_id: id.optional(), business_time_ms: timeMs.optional() }),
  },
  OrderPutInDoubt: {
    schemaVersion: 1,
    description: 'Sent or perhaps sent, outcome not known. Exposure stays reserved until evidence resolves it.',
    schema: z.strictObject({ code: id, detail: text, claim_id: id, owner: id, deadline_ms: timeMs }),
  },
  OrderAcknowledged: { schemaVersion: 1, schema: z.strictObject({ ...fromReport, venue_order_id: id }), description: 'The venue has the order.' },
  OrderRejected: { schemaVersion: 1, schema: refused, description: 'The venue refused the order.' },
  OrderFilled: {
    schemaVersion: 1,
    description: 'A fill. What is beyond the order is in overfill_qty, leaves_qty never below zero.',
    schema: z.strictObject({
      ...fromReport,
      exec_id: id,
      qty: decimalText,
      price: decimalText,
      fee: decimalText,
      fee_currency: text,
      cum_qty: decimalText,
      leaves_qty: decimalText,
      overfill_qty: decimalText.optional(),
    }),
  },
  FillBusted: { schemaVersion: 1, schema: z.strictObject({ ...fromReport, exec_id: id, cum_qty: decimalText }), description: 'The venue took a fill back.' },
  FillCorrected: {
    schemaVersion: 1,
    description: 'The venue changed the quantity or price of a fill.',
    schema: z.strictObject({ ...fromReport, exec_id: id, qty: decimalText, price: decimalText, cum_qty: decimalText }),
  },
  CancelRequested: { schemaVersion: 1, schema: z.strictObject({ cancel_no: count, reason: text, requested_by: text }), description: 'Somebody asked for the order to be canceled.' },
  CancelClaimed: {
    schemaVersion: 1,
    description: 'The owner will send this cancel, once.',
    schema: z.strictObject({ cancel_no: count, claim_id: id, client_order_id: id, payload_hash: hash, epoch: z.int(), owner: id }),
  },
  CancelRejected: { schemaVersion: 1, schema: refused, description: 'The venue refused the cancel; the order stands.' },
  OrderCanceled: { schemaVersion: 1, schema: ended, description: 'The venue canceled the order.' },
  OrderExpired: { schemaVersion: 1, schema: ended, description: 'The venue let the order expire.' },
  OrderNotReceived: {
    schemaVersion: 1,
    description: 'An authoritative "not found" after the venue\'s admissibility window: the venue never had it.',
    schema: z.strictObject({ ...fromReport, claim_id: id, waited_ms: count }),
  },
  AnomalyRecorded: {
    schemaVersion: 1,
    description: 'Something outside the order\'s life table. Recorded and alerted, never dropped.',
    schema: z.strictObject({ kind: anomaly, detail: text, report: ReportRefData.optional() }),
  },
});
