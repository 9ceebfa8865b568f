import { decimal, decimalText, maxOf, roundedText, ZERO, type Decimal } from '../decimal.ts';
import type { Decision } from '../risk-group/decision.ts';
import type { Claim, OrderEvent, OrderTerms } from './events.ts';
import { isTerminal, TRANSITIONS, type OrderStatus } from './transitions.ts';

export interface AppliedFill {
  readonly qty: Decimal;
  readonly price: Decimal;
  readonly fee: Decimal;
  readonly busted: boolean;
  /** What the venue said first, once corrected: a repeat of that report is still a repeat. */
  readonly original?: { readonly qty: Decimal; readonly price: Decimal };
  /** Ids of the reports that corrected it: a repeat of an older one must not undo a newer one. */
  readonly correctedBy?: readonly string[];
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
  /** First evidence that the venue has it: the acknowledgement, or a fill that overtook it. Venue's time, UTC. */
  readonly acknowledgedAtMs?: number;
  readonly anomalies: number;
}

export const NO_ORDER: OrderState = { status: 'NONE', fills: new Map(), cumQty: ZERO, cumNotional: ZERO, anomalies: 0 };

export const orderQty = (state: OrderState): Decimal => (state.terms ? decimal(state.terms.qty) : ZERO);

/** What may still trade: nothing once the order is closed. */
export const leavesQty = (state: OrderState): Decimal =>
  isTerminal(state.status) ? ZERO : maxOf(orderQty(state).minus(state.cumQty), ZERO);

export const avgPriceText = (state: OrderState): string | undefined =>
  state.cumQty.gt(ZERO) ? roundedText(state.cumNotional.div(state.cumQty)) : undefined;

const standing = (fill: AppliedFill | undefined): { readonly qty: Decimal; readonly notional: Decimal } =>
  !fill || fill.busted ? { qty: ZERO, notional: ZERO } : { qty: fill.qty, notional: fill.qty.times(fill.price) };

/** Sums move by the difference: exact, and a thousand partial fills cost no thousand sums each. */
const withFill = (state: OrderState, execId: string, fill: AppliedFill): OrderState => {
  const before = standing(state.fills.get(execId));
  const after = standing(fill);
  return {
    ...state,
    fills: new Map(state.fills).set(execId, fill),
    cumQty: state.cumQty.minus(before.qty).plus(after.qty),
    cumNotional: state.cumNotional.minus(before.notional).plus(after.notional),
  };
};

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
      const { exec_id, qty, price, fee, venue_time_ms } = event.data;
      return withFill({ ...state, acknowledgedAtMs: state.acknowledgedAtMs ?? venue_time_ms }, exec_id,
        { qty: decimal(qty), price: decimal(price), fee: decimal(fee), busted: false });
    }
    case 'FillBusted': {
      const fill = state.fills.get(event.data.exec_id);
      return fill ? withFill(state, event.data.exec_id, { ...fill, busted: true }) : state;
    }
    case 'FillCorrected': {
      const { exec_id, qty, price, report } = event.data;
      const fill = state.fills.get(exec_id);
      return fill ? withFill(state, exec_id, {
        ...fill, qty: decimal(qty), price: decimal(price),
        original: fill.original ?? { qty: fill.qty, price: fill.price },
        correctedBy: [...(fill.correctedBy ?? []), report.report_id],
      }) : state;
    }
    case 'CancelRequested':
      return { ...state, cancel: { no: event.data.cancel_no, stage: 'requested', reason: event.data.reason } };
    case 'CancelClaimed':
      return state.cancel?.no === event.data.cancel_no ? { ...state, cancel: { ...state.cancel, stage: 'claimed' } } : state;
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
