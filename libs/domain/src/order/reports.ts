import { decimalText, maxOf, parseDecimal, ZERO } from '../decimal.ts';
import type { AnomalyKind, OrderEvent, ReportRef } from './events.ts';
import { evolveOrder, orderQty, type AppliedFill, type OrderState } from './state.ts';
import { isTerminal, TRANSITIONS, type OrderStatus } from './transitions.ts';

/** What a venue's report says of one order; the venues library reads raw reports into this. Times are the venue's, UTC. */
export type OrderReport =
  | { readonly kind: 'acknowledged'; readonly venue_order_id: string; readonly time_ms: number }
  | { readonly kind: 'rejected'; readonly code: string; readonly detail: string; readonly time_ms: number }
  | { readonly kind: 'filled'; readonly venue_order_id: string; readonly exec_id: string; readonly qty: string; readonly price: string; readonly fee: string; readonly fee_currency: string; readonly symbol: string; readonly side: 'buy' | 'sell'; readonly account: string; readonly time_ms: number }
  | { readonly kind: 'busted'; readonly exec_id: string; readonly time_ms: number }
  | { readonly kind: 'corrected'; readonly exec_id: string; readonly qty: string; readonly price: string; readonly time_ms: number }
  | { readonly kind: 'canceled'; readonly reason: string; readonly time_ms: number }
  | { readonly kind: 'expired'; readonly reason: string; readonly time_ms: number }
  | { readonly kind: 'cancel_rejected'; readonly code: string; readonly detail: string; readonly time_ms: number };

const anomaly = (kind: AnomalyKind, detail: string, report: ReportRef): OrderEvent => ({ type: 'AnomalyRecorded', data: { kind, detail, report } });

/** The venue cannot have the order, as far as we know. */
const NOT_AT_VENUE: ReadonlySet<OrderStatus> = new Set(['APPROVED', 'DENIED', 'REJECTED', 'NOT_SENT', 'NOT_RECEIVED']);

/** The venue is done with the order: nothing is left, however little of it was filled. */
const DONE: ReadonlySet<OrderStatus> = new Set(['FILLED', 'CANCELED', 'EXPIRED']);

/** What the venue said of this fill before any correction, or says of it now. */
const saysTheSame = (known: AppliedFill, said: Pick<AppliedFill, 'qty' | 'price'>): boolean =>
  [known, known.original].some((version) => version?.qty.eq(said.qty) && version.price.eq(said.price));

const fillEvents = (state: OrderState, report: Extract<OrderReport, { kind: 'filled' }>, ref: ReportRef): readonly OrderEvent[] => {
  const qty = parseDecimal(report.qty);
  const price = parseDecimal(report.price);
  const fee = parseDecimal(report.fee);
  if (!qty || !price || !fee || qty.lte(ZERO)) {
    return [anomaly('REPORT_UNREADABLE', `fill ${report.exec_id} has qty ${report.qty}, price ${report.price}, fee ${report.fee}`, ref)];
  }
  const known = state.fills.get(report.exec_id);
  if (known) {
    return saysTheSame(known, { qty, price }) || known.busted ? [] : [anomaly('DUPLICATE_EXEC_ID_DIFFERS', `fill ${report.exec_id} is known with other qty or price; the first stands`, ref)];
  }
  const cum = state.cumQty.plus(qty);
  const over = cum.minus(orderQty(state));
  const leaves = DONE.has(state.status) ? ZERO : maxOf(orderQty(state).minus(cum), ZERO);
  const events: OrderEvent[] = [{
    type: 'OrderFilled',
    data: {
      report: ref, venue_time_ms: report.time_ms, exec_id: report.exec_id, qty: report.qty, price: report.price, fee: report.fee,
      fee_currency: report.fee_currency, cum_qty: decimalText(cum), leaves_qty: decimalText(leaves),
      ...(over.gt(ZERO) ? { overfill_qty: decimalText(over) } : {}),
    },
  }];
  const terms = state.terms;
  if (terms && (terms.symbol !== report.symbol || terms.side !== report.side || terms.account !== report.account)) {
    events.push(anomaly('TERMS_DIFFER', `fill ${report.exec_id} says ${report.account} ${report.side} ${report.symbol}`, ref));
  }
  if (over.gt(ZERO)) events.push(anomaly('OVERFILL', `filled ${decimalText(cum)} of ${decimalText(orderQty(state))}`, ref));
  if (state.status === 'CANCELED' || state.status === 'EXPIRED') events.push(anomaly('FILL_AFTER_CLOSE', `fill ${report.exec_id} came after ${state.status}`, ref));
  if (NOT_AT_VENUE.has(state.status)) {
    events.push(anomaly('FILL_CONTRADICTS_STATE', `fill ${report.exec_id} for an order held to be ${state.status}`, ref));
  }
  return events;
};

const amendment = (state: OrderState, report: Extract<OrderReport, { kind: 'busted' | 'corrected' }>, ref: ReportRef): readonly OrderEvent[] => {
  const fill = state.fills.get(report.exec_id);
  if (!fill) return [anomaly('BUST_OF_UNKNOWN_FILL', `${report.kind} of unknown fill ${report.exec_id}`, ref)];
  const base = { report: ref, venue_time_ms: report.time_ms, exec_id: report.exec_id };
  if (report.kind === 'busted') {
    if (fill.busted) return [];
    return [{ type: 'FillBusted', data: { ...base, cum_qty: decimalText(state.cumQty.minus(fill.qty)) } }];
  }
  const qty = parseDecimal(report.qty);
  const price = parseDecimal(report.price);
  if (!qty || !price || qty.lt(ZERO)) return [anomaly('REPORT_UNREADABLE', `correction of ${report.exec_id} has qty ${report.qty}, price ${report.price}`, ref)];
  if (fill.correctedBy?.includes(ref.report_id)) return [];
  if (fill.busted) return [anomaly('BUST_OF_UNKNOWN_FILL', `correction of busted fill ${report.exec_id}`, ref)];
  if (fill.qty.eq(qty) && fill.price.eq(price)) return [];
  const cum = state.cumQty.minus(fill.qty).plus(qty);
  const corrected: OrderEvent = { type: 'FillCorrected', data: { ...base, qty: report.qty, price: report.price, cum_qty: decimalText(cum) } };
  const over = qty.gt(fill.qty) && cum.gt(orderQty(state));
  return over ? [corrected, anomaly('OVERFILL', `corrected to ${decimalText(cum)} of ${decimalText(orderQty(state))}`, ref)] : [corrected];
};

const statusEvent = (report: Exclude<OrderReport, { kind: 'filled' | 'busted' | 'corrected' }>, ref: ReportRef): OrderEvent => {
  const base = { report: ref, venue_time_ms: report.time_ms };
  switch (report.kind) {
    case 'acknowledged':
      return { type: 'OrderAcknowledged', data: { ...base, venue_order_id: report.venue_order_id } };
    case 'rejected':
      return { type: 'OrderRejected', data: { ...base, code: report.code, detail: report.detail } };
    case 'canceled':
      return { type: 'OrderCanceled', data: { ...base, reason: report.reason } };
    case 'expired':
      return { type: 'OrderExpired', data: { ...base, reason: report.reason } };
    case 'cancel_rejected':
      return { type: 'CancelRejected', data: { ...base, code: report.code, detail: report.detail } };
  }
};

/** Says nothing new: the same fact by another channel, or an acknowledgement overtaken by the end. */
const isRepeat = (state: OrderState, report: OrderReport): boolean => {
  switch (report.kind) {
    case 'acknowledged':
      return state.venueOrderId === report.venue_order_id || (state.venueOrderId === undefined && DONE.has(state.status));
    case 'rejected':
      return state.status === 'REJECTED';
    case 'canceled':
      return state.status === 'CANCELED';
    case 'expired':
      return state.status === 'EXPIRED';
    case 'cancel_rejected':
      // A cancel that was not sent yet cannot have been rejected: it is the one before that is told again.
      return state.cancel?.stage === 'rejected' || (state.cancel?.stage === 'requested' && state.cancel.no > 1);
    default:
      return false;
  }
};

/** Outside the table, or a fact about something of ours that does not exist. */
const isUnexpected = (state: OrderState, report: OrderReport, event: OrderEvent): boolean => {
  if (TRANSITIONS[state.status][event.type] === undefined) return true;
  if (report.kind === 'cancel_rejected') return state.cancel?.stage !== 'claimed';
  // A second order id of the venue may be a second order.
  return report.kind === 'acknowledged' && state.status === 'PARTIALLY_FILLED' && state.venueOrderId !== undefined;
};

/**
 * The events a report leads to. Empty for a repeat. Total: whatever the state, the report is applied or recorded as an anomaly,
 * and a fill is never dropped (FIX 4.4 appendix D; a late fill wins over our view of the order).
 */
export const interpretReport = (state: OrderState, report: OrderReport, ref: ReportRef): readonly OrderEvent[] => {
  if (state.terms === undefined) return [anomaly('REPORT_UNEXPECTED', `${report.kind} for an order without a decision`, ref)];
  if (report.kind === 'filled') return fillEvents(state, report, ref);
  if (report.kind === 'busted' || report.kind === 'corrected') return amendment(state, report, ref);
  if (isRepeat(state, report)) return [];
  const event = statusEvent(report, ref);
  if (isUnexpected(state, report, event)) return [anomaly('REPORT_UNEXPECTED', `${report.kind} while ${state.status}`, ref)];
  const contradicts = (isTerminal(state.status) || NOT_AT_VENUE.has(state.status)) && evolveOrder(state, event).status !== state.status;
  return contradicts ? [event, anomaly('REPORT_UNEXPECTED', `${report.kind} for an order held to be ${state.status}; the venue's word stands`, ref)] : [event];
};
