import type { Refusal } from '../refusal.ts';
import type { Claim, OrderEvent, ReportRef } from './events.ts';
import type { OrderState } from './state.ts';
import { isTerminal } from './transitions.ts';

/** What a step of execution may do now. `nothing`: already past it; the caller publishes what follows again. */
export type ClaimDecision =
  | { readonly kind: 'claim' }
  | { readonly kind: 'withhold'; readonly event: OrderEvent }
  /** A claim of an earlier run without an outcome: ask the venue, never send. */
  | { readonly kind: 'ask'; readonly claim: Claim }
  | { readonly kind: 'nothing' };

const withheld = (refusal: Refusal, claimId?: string, businessTimeMs?: number): OrderEvent => ({
  type: 'SubmissionWithheld',
  data: { code: refusal.code, detail: refusal.detail, ...(claimId === undefined ? {} : { claim_id: claimId }),
    ...(businessTimeMs === undefined ? {} : { business_time_ms: businessTimeMs }) },
});

/** Law 3. `refusals` are the checks made before the claim; any of them withholds the order. */
export const decideClaim = (state: OrderState, refusals: readonly Refusal[], businessTimeMs?: number): ClaimDecision => {
  if (state.status === 'CLAIMED' && state.claim) return { kind: 'ask', claim: state.claim };
  if (state.status !== 'APPROVED') return { kind: 'nothing' };
  if (state.cancel) {
    return { kind: 'withhold', event: withheld({ code: 'CANCELED_BEFORE_SEND', detail: state.cancel.reason }, undefined, businessTimeMs) };
  }
  const [first] = refusals;
  return first ? { kind: 'withhold', event: withheld(first, undefined, businessTimeMs) } : { kind: 'claim' };
};

/** Checked again after the claim was durable: nothing was sent yet, so this is evidence. */
export const withholdClaimed = (state: OrderState, refusal: Refusal, businessTimeMs?: number): readonly OrderEvent[] =>
  state.status === 'CLAIMED' && state.claim ? [withheld(refusal, state.claim.claim_id, businessTimeMs)] : [];

export const putInDoubt = (state: OrderState, doubt: { readonly code: string; readonly detail: string; readonly owner: string; readonly deadline_ms: number }): readonly OrderEvent[] =>
  state.status === 'CLAIMED' && state.claim ? [{ type: 'OrderPutInDoubt', data: { ...doubt, claim_id: state.claim.claim_id } }] : [];

/** Only from an authoritative answer, and only after the venue's admissibility window has passed since the claim. */
export const decideNotReceived = (
  state: OrderState,
  evidence: { readonly report: ReportRef; readonly time_ms: number; readonly waited_ms: number; readonly admissibility_window_ms: number },
): readonly OrderEvent[] => {
  if ((state.status !== 'IN_DOUBT' && state.status !== 'CLAIMED') || !state.claim) return [];
  if (evidence.waited_ms < evidence.admissibility_window_ms) return [];
  return [{ type: 'OrderNotReceived', data: { report: evidence.report, venue_time_ms: evidence.time_ms, claim_id: state.claim.claim_id, waited_ms: evidence.waited_ms } }];
};

export type CancelDecision =
  | { readonly kind: 'record'; readonly event: OrderEvent }
  /** One is under way. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A cancel may be asked for at any time before the end; after a rejected one, again. */
export const decideCancel = (state: OrderState, request: { readonly reason: string; readonly requested_by: string }): CancelDecision => {
  if (state.terms === undefined) return { kind: 'refused', refusal: { code: 'ORDER_UNKNOWN', detail: 'no order with this id has been decided on' } };
  if (isTerminal(state.status)) return { kind: 'refused', refusal: { code: 'ORDER_CLOSED', detail: `the order is ${state.status}; nothing is left to cancel`, observed: state.status } };
  if (state.cancel && state.cancel.stage !== 'rejected') return { kind: 'pending' };
  return { kind: 'record', event: { type: 'CancelRequested', data: { cancel_no: (state.cancel?.no ?? 0) + 1, ...request } } };
};
