import type { AnomalyKind, Claim, OrderEvent, OrderTerms, ReportRef } from '../order/events.ts';
import type { OrderReport } from '../order/reports.ts';
import type { Decision } from '../risk-group/decision.ts';

/** One order for 10 TALLY at 100 or better, its events and the venue's reports on it, in the words of the specification. */

export const TIME_MS = 1_381_239_000_000;
export const CLAIM_ID = 'claim-1';

export const termsOf = (changes: Partial<OrderTerms> = {}): OrderTerms => ({
  order_id: 'order-1', intent_key: 'intent-1', leg: 0, account: 'acc', mode: 'paper', venue: 'paper', currency: 'USD',
  strategy: { id: 'strat', version: '1' }, symbol: 'TALLY', side: 'buy', qty: '10', order_type: 'limit', time_in_force: 'DAY', limit_price: '100',
  constraints: {}, remainder: { kind: 'wait' }, ...changes,
});

export const decisionOf = (changes: Partial<Decision> = {}): Decision => ({
  decision_id: 'decision-1', outcome: 'approved', checks: [], policy_name: 'p', policy_hash: 'h', policy_sequence: 1, risk_group: 'g', quotes: [], rates: [],
  worst_price: '100', reserved_notional: '1000', market_sequence: 1, business_time_ms: TIME_MS, execute_by_ms: TIME_MS + 1000, ...changes,
});

export const refOf = (reportId = 'report-1'): ReportRef => ({ stream: 'venueReport-acc-2013-10-08', revision: 7, report_id: reportId });

const fact = (reportId?: string): { readonly report: ReportRef; readonly venue_time_ms: number } => ({ report: refOf(reportId), venue_time_ms: TIME_MS });

export const claim: Claim = {
  claim_id: CLAIM_ID, client_order_id: 'order-1', venue: 'paper', payload_hash: 'ph', policy_hash: 'h', claimed_at_ms: 1, epoch: 1, owner: 'execution-1',
  market_sequence: 1, business_time_ms: TIME_MS,
};

/** Running totals after a fill. */
export interface After {
  readonly cum: string;
  readonly leaves: string;
  readonly over?: string;
}

export const happened = {
  approved: (changes: Partial<OrderTerms> = {}): OrderEvent => ({ type: 'OrderApproved', data: { terms: termsOf(changes), decision: decisionOf() } }),
  denied: (): OrderEvent => ({ type: 'OrderDenied', data: { terms: termsOf(), decision: decisionOf({ outcome: 'denied' }) } }),
  claimed: (): OrderEvent => ({ type: 'SubmissionClaimed', data: claim }),
  withheld: (code: string, afterClaim = false): OrderEvent => ({ type: 'SubmissionWithheld', data: { code, detail: 'why', ...(afterClaim ? { claim_id: CLAIM_ID } : {}) } }),
  inDoubt: (deadlineMs = TIME_MS + 5000): OrderEvent => ({
    type: 'OrderPutInDoubt', data: { code: 'SEND_TIMED_OUT', detail: 'no answer', owner: 'execution-1', deadline_ms: deadlineMs, claim_id: CLAIM_ID },
  }),
  acknowledged: (venueOrderId = 'v-1'): OrderEvent => ({ type: 'OrderAcknowledged', data: { ...fact(), venue_order_id: venueOrderId } }),
  rejected: (): OrderEvent => ({ type: 'OrderRejected', data: { ...fact(), code: 'NO_FUNDS', detail: 'no' } }),
  filled: (execId: string, qty: string, after: After, price = '100'): OrderEvent => ({
    type: 'OrderFilled',
    data: { ...fact(), exec_id: execId, qty, price, fee: '0.1', fee_currency: 'USD', cum_qty: after.cum, leaves_qty: after.leaves,
      ...(after.over === undefined ? {} : { overfill_qty: after.over }) },
  }),
  busted: (execId: string, cum: string): OrderEvent => ({ type: 'FillBusted', data: { ...fact(), exec_id: execId, cum_qty: cum } }),
  corrected: (execId: string, qty: string, cum: string, price = '100', reportId?: string): OrderEvent => ({
    type: 'FillCorrected', data: { ...fact(reportId), exec_id: execId, qty, price, cum_qty: cum },
  }),
  cancelRequested: (no = 1): OrderEvent => ({ type: 'CancelRequested', data: { cancel_no: no, reason: 'enough', requested_by: 'ana' } }),
  cancelClaimed: (no = 1): OrderEvent => ({
    type: 'CancelClaimed', data: { cancel_no: no, claim_id: `cancel-claim-${no}`, client_order_id: `order-1-c${no}`, payload_hash: 'ph', epoch: 1, owner: 'execution-1' },
  }),
  cancelRejected: (): OrderEvent => ({ type: 'CancelRejected', data: { ...fact(), code: 'TOO_LATE', detail: 'no' } }),
  canceled: (): OrderEvent => ({ type: 'OrderCanceled', data: { ...fact(), reason: 'asked' } }),
  expired: (): OrderEvent => ({ type: 'OrderExpired', data: { ...fact(), reason: 'close' } }),
  notReceived: (): OrderEvent => ({ type: 'OrderNotReceived', data: { ...fact(), claim_id: CLAIM_ID, waited_ms: 5000 } }),
  anomaly: (kind: AnomalyKind): OrderEvent => ({ type: 'AnomalyRecorded', data: { kind, detail: 'why', report: refOf() } }),
} as const;

export const venueSays = {
  acknowledged: (venueOrderId = 'v-1'): OrderReport => ({ kind: 'acknowledged', venue_order_id: venueOrderId, time_ms: TIME_MS }),
  rejected: (): OrderReport => ({ kind: 'rejected', code: 'NO_FUNDS', detail: 'no', time_ms: TIME_MS }),
  filled: (execId: string, qty: string, price = '100', changes: Partial<Extract<OrderReport, { kind: 'filled' }>> = {}): OrderReport => ({
    kind: 'filled', venue_order_id: 'v-1', exec_id: execId, qty, price, fee: '0.1', fee_currency: 'USD', symbol: 'TALLY', side: 'buy', account: 'acc',
    time_ms: TIME_MS, ...changes,
  }),
  busted: (execId: string): OrderReport => ({ kind: 'busted', exec_id: execId, time_ms: TIME_MS }),
  corrected: (execId: string, qty: string, price = '100'): OrderReport => ({ kind: 'corrected', exec_id: execId, qty, price, time_ms: TIME_MS }),
  canceled: (): OrderReport => ({ kind: 'canceled', reason: 'asked', time_ms: TIME_MS }),
  expired: (): OrderReport => ({ kind: 'expired', reason: 'close', time_ms: TIME_MS }),
  cancelRejected: (): OrderReport => ({ kind: 'cancel_rejected', code: 'TOO_LATE', detail: 'no', time_ms: TIME_MS }),
} as const;
