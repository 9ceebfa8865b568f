import type { Constraints, Mode, OrderRequest, RemainderPolicy, StrategyRef } from '../intent/intent.ts';
import type { Decision } from '../risk-group/decision.ts';

/** What an order is. Never changes after the decision. */
export interface OrderTerms extends OrderRequest {
  readonly order_id: string;
  readonly intent_key: string;
  readonly leg: number;
  readonly account: string;
  readonly mode: Mode;
  readonly venue: string;
  readonly currency: string;
  readonly strategy: StrategyRef;
  readonly portfolio?: string;
  readonly constraints: Constraints;
  readonly remainder: RemainderPolicy;
}

/** Which raw report a fact was read from. */
export interface ReportRef {
  readonly stream: string;
  readonly revision: number;
  readonly report_id: string;
  readonly sequence?: number;
}

interface FromReport {
  readonly report: ReportRef;
  /** The venue's time, UTC. */
  readonly venue_time_ms: number;
}

export interface Fill extends FromReport {
  readonly exec_id: string;
  readonly qty: string;
  readonly price: string;
  readonly fee: string;
  readonly fee_currency: string;
  /** Cumulative and remaining quantity after this fill; leaves is never below zero, what is over is in `overfill_qty`. */
  readonly cum_qty: string;
  readonly leaves_qty: string;
  readonly overfill_qty?: string;
}

export interface Claim {
  readonly claim_id: string;
  readonly client_order_id: string;
  readonly venue: string;
  /** sha256 of the adapter's encoded request: what is sent must hash to this. */
  readonly payload_hash: string;
  readonly policy_hash: string;
  readonly epoch: number;
  readonly owner: string;
  readonly market_sequence: number;
  readonly business_time_ms: number;
  /** Process time, UTC: the venue's admissibility window is counted from here. */
  readonly claimed_at_ms: number;
}

export type AnomalyKind =
  | 'OVERFILL'
  | 'FILL_AFTER_CLOSE'
  | 'FILL_CONTRADICTS_STATE'
  | 'DUPLICATE_EXEC_ID_DIFFERS'
  | 'REPORT_UNEXPECTED'
  | 'REPORT_UNREADABLE'
  | 'BUST_OF_UNKNOWN_FILL'
  | 'TERMS_DIFFER';

export type OrderEvent =
  | { readonly type: 'OrderApproved'; readonly data: { readonly terms: OrderTerms; readonly decision: Decision } }
  | { readonly type: 'OrderDenied'; readonly data: { readonly terms: OrderTerms; readonly decision: Decision } }
  | { readonly type: 'SubmissionClaimed'; readonly data: Claim }
  /** Checked again and not sent: evidence that the venue never saw it. */
  | { readonly type: 'SubmissionWithheld'; readonly data: { readonly code: string; readonly detail: string; readonly claim_id?: string; readonly business_time_ms?: number } }
  /** Sent or perhaps sent, outcome not known. Exposure stays reserved. */
  | { readonly type: 'OrderPutInDoubt'; readonly data: { readonly code: string; readonly detail: string; readonly claim_id: string; readonly owner: string; readonly deadline_ms: number } }
  | { readonly type: 'OrderAcknowledged'; readonly data: FromReport & { readonly venue_order_id: string } }
  | { readonly type: 'OrderRejected'; readonly data: FromReport & { readonly code: string; readonly detail: string } }
  | { readonly type: 'OrderFilled'; readonly data: Fill }
  | { readonly type: 'FillBusted'; readonly data: FromReport & { readonly exec_id: string; readonly cum_qty: string } }
  | { readonly type: 'FillCorrected'; readonly data: FromReport & { readonly exec_id: string; readonly qty: string; readonly price: string; readonly cum_qty: string } }
  | { readonly type: 'CancelRequested'; readonly data: { readonly cancel_no: number; readonly reason: string; readonly requested_by: string } }
  | { readonly type: 'CancelClaimed'; readonly data: { readonly cancel_no: number; readonly claim_id: string; readonly client_order_id: string; readonly payload_hash: string; readonly epoch: number; readonly owner: string } }
  | { readonly type: 'CancelRejected'; readonly data: FromReport & { readonly code: string; readonly detail: string } }
  | { readonly type: 'OrderCanceled'; readonly data: FromReport & { readonly reason: string } }
  | { readonly type: 'OrderExpired'; readonly data: FromReport & { readonly reason: string } }
  /** An authoritative "not found" after the venue's admissibility window. */
  | { readonly type: 'OrderNotReceived'; readonly data: FromReport & { readonly claim_id: string; readonly waited_ms: number } }
  | { readonly type: 'AnomalyRecorded'; readonly data: { readonly kind: AnomalyKind; readonly detail: string; readonly report?: ReportRef } };

export type OrderEventType = OrderEvent['type'];
