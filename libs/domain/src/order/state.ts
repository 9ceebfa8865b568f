import { decimal, decimalText, maxOf, roundedText, ZERO, type Decimal } from '../decimal.ts';
import type { Decision } from '../risk-group/decision.ts';
import type { Claim, OrderEvent, OrderTerms } from './events.ts';
import { TRANSITIONS, type OrderStatus } from './transitions.ts';

export interface AppliedFill {
  readonly qty: Decimal;
  readonly price: Decimal;
  readonly fee: Decimal;
  readonly busted: boolean;
}

export interface OrderState {
  readonly status: OrderStatus;
  readonly terms?: OrderTerms;
  readonly decision?: Decision;
  readonly claim?: Claim;
  readonly venueOrderId?: string;
  /** By execution id; busted ones stay, so that a repeat of them is known. */
  readonly fills: ReadonlyMap<string, AppliedFill>;
  readonly cumQty: Decimal;
  /** Sum of qty times price over the fills that stand. */
  readonly cumNotional: Decimal;
  readonly doubt?: { readonly code: string; readonly owner: string; readonly deadline_ms: number };
  /** The newest cancel asked for, and how far it got. */
  readonly cancel?: { readonly no: number; readonly stage: 'requested' | 'claimed' | 'rejected'; readonly reason: string };
  readonly acknowledgedAtMs?: number;
  readonly anomalies: number;
}

export const NO_ORDER: OrderState = { status: 'NONE', fills: new Map(), cumQty: ZERO, cumNotional: ZERO, anomalies: 0 };

export const orderQty = (state: OrderState): Decimal => (state.terms ? decimal(state.terms.qty) : ZERO);

/** What may still trade: nothing once the order is closed. */
export const leavesQty = (state: OrderState): Decimal => maxOf(orderQty(state).minus(state.cumQty), ZERO);

export const avgPriceText = (state: OrderState): string | undefined =>
  state.cumQty.gt(ZERO) ? roundedText(state.cumNotional.div(state.cumQty)) : undefined;

const withFills = (state: OrderState, fills: ReadonlyMap<string, AppliedFill>): OrderState => {
  let cumQty = ZERO;
  let cumNotional = ZERO;
  for (const fill of fills.values()) {
    if (fill.busted) continue;
    cumQty = cumQty.plus(fill.qty);
    cumNotional = cumNotional.plus(fill.qty.times(fill.price));
  }
  return { ...state, fills, cumQty, cumNotional };
};

const withFill = (state: OrderState, execId: string, fill: AppliedFill): OrderState =>
  withFills(state, new Map(state.fills).set(execId, fill));

/** The facts of the event, without the status. */
const applyFacts = (state: OrderState, event: OrderEvent): OrderState => {
  switch (event.type) {
    case 'OrderApproved':
    case 'OrderDenied':
      return { ...state, terms: event.data.terms, decision: event.data.decision };
    case 'SubmissionClaimed':
      return { ...state, claim: event.data };
    case 'OrderPutInDoubt':
      return { ...state, doubt: { code: event.data.code, owner: event.data.owner, deadline_ms: event.data.deadline_ms } };
    case 'OrderAcknowledged':
      return { ...state, venueOrderId: event.data.venue_order_id, acknowledgedAtMs: event.data.venue_time_ms };
    case 'OrderFilled': {
      if (state.fills.has(event.data.exec_id)) return state;
      const { qty, price, fee } = event.data;
      return withFill(state, event.data.exec_id, { qty: decimal(qty), price: decimal(price), fee: decimal(fee), busted: false });
    }
    case 'FillBusted': {
      const fill = state.fills.get(event.data.exec_id);
      return fill ? withFill(state, event.data.exec_id, { ...fill, busted: true }) : state;
    }
    case 'FillCorrected': {
      const fill = state.fills.get(event.data.exec_id);
      return fill ? withFill(state, event.data.exec_id, { ...fill, qty: decimal(event.data.qty), price: decimal(event.data.price) }) : state;
    }
    case 'CancelRequested':
      return { ...state, cancel: { no: event.data.cancel_no, stage: 'requested', reason: event.data.reason } };
    case 'CancelClaimed':
      return state.cancel ? { ...state, cancel: { ...state.cancel, stage: 'claimed' } } : state;
    case 'CancelRejected':
      return state.cancel ? { ...state, cancel: { ...state.cancel, stage: 'rejected' } } : state;
    case 'AnomalyRecorded':
      return { ...state, anomalies: state.anomalies + 1 };
    case 'SubmissionWithheld':
    case 'OrderRejected':
    case 'OrderCanceled':
    case 'OrderExpired':
    case 'OrderNotReceived':
      return state;
  }
};

/** Total: an event outside the table changes no status and counts as an anomaly. Pure: the same stream gives the same state. */
export const evolveOrder = (state: OrderState, event: OrderEvent): OrderState => {
  const next = TRANSITIONS[state.status][event.type];
  if (next === undefined) return { ...state, anomalies: state.anomalies + 1 };
  const applied = applyFacts(state, event);
  const complete = applied.terms !== undefined && applied.cumQty.gte(orderQty(applied));
  switch (next) {
    case 'same':
      return applied;
    case 'if_complete':
      return complete ? { ...applied, status: 'FILLED' } : applied;
    case 'by_quantity':
      return { ...applied, status: complete ? 'FILLED' : 'PARTIALLY_FILLED' };
    default:
      return { ...applied, status: next };
  }
};

/** Plain JSON of a state, for projections and byte-for-byte comparison. */
export const orderView = (state: OrderState): Readonly<Record<string, string | number | undefined>> => ({
  status: state.status,
  cum_qty: decimalText(state.cumQty),
  leaves_qty: decimalText(leavesQty(state)),
  avg_price: avgPriceText(state),
  fills: state.fills.size,
  anomalies: state.anomalies,
});
