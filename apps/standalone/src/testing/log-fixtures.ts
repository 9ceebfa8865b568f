import type { CheckResult, Decision, IntentEvent, OrderEvent, OrderTerms } from '@tallystick/domain';
import type { JsonObject, RecordedEvent } from '@tallystick/ports';
import type { VenueBook } from '../book.ts';
import { applyToLedger, emptyLedger, type Ledger } from '../fold.ts';

/** A small log in the words of the summary's specification: orders of two accounts, decided, sent, filled. */
const TIME_MS = Date.UTC(2013, 9, 8, 14, 0, 0);
const HASH = 'a'.repeat(64);

export const termsOf = (orderId: string, changes: Partial<OrderTerms> = {}): OrderTerms => ({
  order_id: orderId, intent_key: HASH, leg: 0, account: 'paper-1', mode: 'paper', venue: 'paper', currency: 'USD', strategy: { id: 'signal', version: '1' },
  symbol: 'SPY', side: 'buy', qty: '100', order_type: 'market', time_in_force: 'DAY', constraints: {}, remainder: { kind: 'wait' }, ...changes,
});

const decisionOf = (outcome: Decision['outcome'], checks: readonly CheckResult[], decisionId: string): Decision => ({
  decision_id: decisionId, outcome, checks, policy_name: 'paper', policy_hash: HASH, policy_sequence: 1, risk_group: 'main', quotes: [], rates: [],
  market_sequence: 1, business_time_ms: TIME_MS, execute_by_ms: TIME_MS + 60_000,
});

const ref = { report: { stream: 'venueReport-paper-1-2013-10-08', revision: 0, report_id: 'r1' }, venue_time_ms: TIME_MS };

export const said = {
  approved: (terms: OrderTerms, decisionId = 'd1'): OrderEvent => ({ type: 'OrderApproved', data: { terms, decision: decisionOf('approved', [], decisionId) } }),
  denied: (terms: OrderTerms, ...codes: readonly CheckResult['code'][]): OrderEvent =>
    ({ type: 'OrderDenied', data: { terms, decision: decisionOf('denied', codes.map((code) => ({ code, scope: 'firm', passed: false })), 'd1') } }),
  claimed: (clientOrderId: string): OrderEvent => ({ type: 'SubmissionClaimed', data: { claim_id: 'c1', client_order_id: clientOrderId, venue: 'paper', payload_hash: HASH, policy_hash: HASH,
    epoch: 1, owner: 'execution-1', market_sequence: 1, business_time_ms: TIME_MS, claimed_at_ms: 1 } }),
  acknowledged: (): OrderEvent => ({ type: 'OrderAcknowledged', data: { ...ref, venue_order_id: 'v1' } }),
  filled: (execId: string, qty: string, price: string, fee = '0.5'): OrderEvent => ({ type: 'OrderFilled', data: { ...ref, exec_id: execId, qty, price, fee, fee_currency: 'USD', cum_qty: qty, leaves_qty: '0' } }),
  busted: (execId: string): OrderEvent => ({ type: 'FillBusted', data: { ...ref, exec_id: execId, cum_qty: '0' } }),
  withheld: (code: string): OrderEvent => ({ type: 'SubmissionWithheld', data: { code, detail: 'why' } }),
  rejected: (code: string): OrderEvent => ({ type: 'OrderRejected', data: { ...ref, code, detail: 'why' } }),
};

export interface Told {
  readonly stream: string;
  readonly event: { readonly type: string; readonly data: object };
}

export const ofOrder = (orderId: string, ...events: readonly OrderEvent[]): readonly Told[] => events.map((event) => ({ stream: `order-${orderId}`, event }));
export const ofIntent = (key: string, ...events: readonly IntentEvent[]): readonly Told[] => events.map((event) => ({ stream: `intent-${key}`, event }));

/** The whole life of an order that fills at once, sent as `<orderId>-p`. */
export const bought = (orderId: string, fill: { readonly execId: string; readonly qty: string; readonly price: string; readonly fee?: string }, changes: Partial<OrderTerms> = {}): readonly Told[] =>
  ofOrder(orderId, said.approved(termsOf(orderId, { qty: fill.qty, ...changes })), said.claimed(`${orderId}-p`), said.acknowledged(), said.filled(fill.execId, fill.qty, fill.price, fill.fee));

export const recorded = (told: readonly Told[]): readonly RecordedEvent[] => told.map(({ stream, event }, i) => ({
  id: `e${i}`, stream, revision: i, position: BigInt(i), recordedAtMs: 0, type: event.type, data: event.data as JsonObject, metadata: { schemaversion: 1 } }));

export const ledgerOf = (...told: readonly (readonly Told[])[]): Ledger => {
  const ledger = emptyLedger();
  for (const event of recorded(told.flat())) applyToLedger(ledger, event);
  return ledger;
};

/** A book with one account and one execution of 100 SPY at 150, fee 0.5, as `bought('o1', …)` has it. */
export const bookOf = (changes: Partial<VenueBook> = {}): VenueBook => ({
  accounts: [{ account: 'paper-1', currency: 'USD', cash: '984999.5', positions: [{ symbol: 'SPY', qty: '100' }] }],
  orders: [{ account: 'paper-1', client_order_id: 'o1-p', venue_order_id: 'v1', status: 'filled' }],
  executions: [{ account: 'paper-1', exec_id: 'x1', client_order_id: 'o1-p', symbol: 'SPY', side: 'buy', qty: '100', price: '150', fee: '0.5' }],
  requests: [{ account: 'paper-1', client_order_id: 'o1-p', kind: 'place', count: 1 }],
  ...changes,
});
