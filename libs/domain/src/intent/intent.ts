import type { Refusal } from '../refusal.ts';

export type Mode = 'paper' | 'live';
export type Side = 'buy' | 'sell';
export type OrderType = 'market' | 'limit' | 'stop' | 'stop_limit';
export type TimeInForce = 'DAY' | 'GTC' | 'IOC' | 'FOK';

export interface OrderRequest {
  readonly symbol: string;
  readonly side: Side;
  readonly qty: string;
  readonly order_type: OrderType;
  readonly time_in_force: TimeInForce;
  readonly limit_price?: string;
  readonly stop_price?: string;
}

export interface Constraints {
  /** Worst price accepted, in basis points from the quote the decision was made on. */
  readonly max_slippage_bps?: string;
  /** Largest exposure of the account after this order, in percent of its equity. */
  readonly max_exposure_pct?: string;
}

/** What to do with what does not fill. */
export type RemainderPolicy =
  | { readonly kind: 'wait' }
  /** Business time from the first acknowledgement. */
  | { readonly kind: 'cancel_after'; readonly after_ms: number };

export interface StrategyRef {
  readonly id: string;
  readonly version: string;
}

/** An intent as decided on: transport fields gone, key derived, defaults filled. */
export interface Intent {
  readonly intent_key: string;
  readonly key_policy: 'signal' | 'rebalance' | 'explicit';
  readonly strategy: StrategyRef;
  readonly account: string;
  readonly mode: Mode;
  readonly portfolio?: string;
  readonly orders: readonly OrderRequest[];
  readonly constraints: Constraints;
  readonly remainder: RemainderPolicy;
  /** Free text for people. Not part of the digest, never interpreted. */
  readonly reason: string;
  /** The market step the strategy saw; a decision is made on this one or a later one. 0 when it saw none. */
  readonly market_sequence: number;
}

/** One order of an intent with its id. */
export interface Leg {
  readonly leg: number;
  readonly order_id: string;
}

export interface AcceptedIntent {
  readonly intent: Intent;
  /** sha256 over everything that matters: quantity, prices and constraints are in, `reason` and transport are out. */
  readonly digest: string;
  readonly request_id: string;
  readonly risk_group: string;
  readonly legs: readonly Leg[];
  /** Business time, UTC; absent where the market's clock could not be read. */
  readonly business_time_ms?: number;
}

export type IntentEvent =
  | { readonly type: 'IntentAccepted'; readonly data: AcceptedIntent }
  /** Well formed but not acceptable. It is the recorded answer of its key. */
  | { readonly type: 'IntentRefused'; readonly data: { readonly intent: Intent; readonly digest: string; readonly request_id: string; readonly refusals: readonly Refusal[] } }
  /** The key came again with another body. Recorded once per digest; never a second order. */
  | { readonly type: 'IntentConflicted'; readonly data: { readonly intent_key: string; readonly digest: string; readonly recorded_digest: string; readonly request_id: string } };

export type IntentState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'accepted' | 'refused';
      readonly digest: string;
      readonly request_id: string;
      readonly intent: Intent;
      readonly legs: readonly Leg[];
      readonly risk_group?: string;
      readonly business_time_ms?: number;
      readonly refusals: readonly Refusal[];
      readonly conflictingDigests: readonly string[];
    };

export const NO_INTENT: IntentState = { kind: 'none' };

export const evolveIntent = (state: IntentState, event: IntentEvent): IntentState => {
  switch (event.type) {
    case 'IntentAccepted':
      if (state.kind !== 'none') return state;
      return { kind: 'accepted', digest: event.data.digest, request_id: event.data.request_id, intent: event.data.intent,
        legs: event.data.legs, risk_group: event.data.risk_group, refusals: [], conflictingDigests: [],
        ...(event.data.business_time_ms === undefined ? {} : { business_time_ms: event.data.business_time_ms }) };
    case 'IntentRefused':
      if (state.kind !== 'none') return state;
      return { kind: 'refused', digest: event.data.digest, request_id: event.data.request_id, intent: event.data.intent,
        legs: [], refusals: event.data.refusals, conflictingDigests: [] };
    case 'IntentConflicted':
      if (state.kind === 'none') return state;
      return { ...state, conflictingDigests: [...state.conflictingDigests, event.data.digest] };
  }
};

export type IntentAnswer =
  | { readonly kind: 'new'; readonly event: IntentEvent }
  /** Same key, same digest: the recorded answer again. */
  | { readonly kind: 'repeat' }
  /** Same key, another digest; `event` only the first time this digest is seen. */
  | { readonly kind: 'conflict'; readonly event?: IntentEvent };

/** Law 2: the stream is the idempotency. No window, no expiry. */
export const decideIntent = (
  state: IntentState,
  submitted: AcceptedIntent,
  refusals: readonly Refusal[],
): IntentAnswer => {
  const { intent, digest, request_id } = submitted;
  if (state.kind === 'none') {
    return { kind: 'new', event: refusals.length === 0
      ? { type: 'IntentAccepted', data: submitted }
      : { type: 'IntentRefused', data: { intent, digest, request_id, refusals } } };
  }
  if (state.digest === digest) return { kind: 'repeat' };
  if (state.conflictingDigests.includes(digest)) return { kind: 'conflict' };
  return { kind: 'conflict', event: { type: 'IntentConflicted',
    data: { intent_key: intent.intent_key, digest, recorded_digest: state.digest, request_id } } };
};
