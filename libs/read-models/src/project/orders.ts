import { decodeOrder, orderIdOfStream } from '@tallystick/contracts';
import { avgPriceText, decimalText, evolveOrder, failedChecks, isTerminal, leavesQty, NO_ORDER, ZERO, type OrderEvent, type OrderState } from '@tallystick/domain';
import type { JsonObject, RecordedEvent } from '@tallystick/ports';
import type { ReadModelFile, Row, SqlValue } from '../store/database.ts';
import { versionsOf, type Versions } from '../store/versions.ts';
import { recordAnomaly } from './anomalies.ts';
import { recordRefusals } from './refusals.ts';

/** States of open orders kept in memory, some 1 KiB each; what is not among them is folded again from its own events. */
const OPEN_ORDERS_MAX = 20_000;

interface Known {
  readonly orderNo: bigint;
  state: OrderState;
  /** Why it is in its newest state, where somebody said why. */
  reason?: { readonly code: string; readonly detail: string };
}

const KEY = ['order_no'];
const VALUES = ['status', 'cum_qty', 'leaves_qty', 'avg_price', 'fees', 'fills', 'anomalies', 'venue_order_id', 'client_order_id', 'cancel', 'doubt', 'reason_code', 'reason',
  'updated_at_ms'];
const INSERT_EVENT = 'INSERT INTO order_events (position, order_no, revision, event_id, type, recorded_at_ms, data, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
const INSERT_ORDER = 'INSERT INTO orders (order_no, order_id, created_at_ms) VALUES (?, ?, ?)';
const SET_TERMS = `UPDATE orders SET intent_key = ?, account = ?, strategy = ?, symbol = ?, mode = ?, decided_at_ms = ?, risk_group = ?, denial_codes = ?, terms = ?
  WHERE order_no = ?`;
const FIND = 'SELECT order_no FROM orders WHERE order_id = ?';
const EVENTS_OF = 'SELECT position, revision, event_id, type, recorded_at_ms, data, metadata FROM order_events WHERE order_no = ? ORDER BY position';

const reasonOf = (event: OrderEvent): Known['reason'] => {
  switch (event.type) {
    case 'OrderDenied': {
      const [first] = failedChecks(event.data.decision);
      return { code: first?.code ?? 'DENIED', detail: first?.detail ?? '' };
    }
    case 'SubmissionWithheld':
    case 'OrderPutInDoubt':
    case 'OrderRejected':
    case 'CancelRejected':
      return { code: event.data.code, detail: event.data.detail };
    case 'OrderCanceled':
    case 'OrderExpired':
      return { code: event.type === 'OrderCanceled' ? 'CANCELED' : 'EXPIRED', detail: event.data.reason };
    case 'OrderNotReceived':
      return { code: 'NOT_RECEIVED', detail: `the venue does not have it ${event.data.waited_ms} ms after the claim` };
    default:
      return undefined;
  }
};

const feesOf = (state: OrderState): string => {
  let fees = ZERO;
  for (const fill of state.fills.values()) if (!fill.busted) fees = fees.plus(fill.fee);
  return decimalText(fees);
};

const rowOf = ({ state, reason }: Known): readonly SqlValue[] => [
  state.status, decimalText(state.cumQty), decimalText(leavesQty(state)), avgPriceText(state) ?? null, feesOf(state), state.fills.size, state.anomalies,
  state.venueOrderId ?? null, state.claim?.client_order_id ?? null, state.cancel ? JSON.stringify(state.cancel) : null,
  state.doubt && state.status === 'IN_DOUBT' ? JSON.stringify(state.doubt) : null, reason?.code ?? null, reason?.detail ?? null,
];

/** An event of the table as the store gave it. */
export const recordedOf = (stream: string, row: Row): RecordedEvent => ({
  stream, id: String(row['event_id']), type: String(row['type']), revision: Number(row['revision']), position: BigInt(row['position'] ?? 0),
  recordedAtMs: Number(row['recorded_at_ms']), data: JSON.parse(String(row['data'])) as JsonObject, metadata: JSON.parse(String(row['metadata'])) as JsonObject,
});

/** The state of an order from its own events, by the domain's fold; events that cannot be read are left out, as they were the first time. */
export const foldOrder = (stream: string, rows: Iterable<Row>): { readonly state: OrderState; readonly reason?: Known['reason'] } => {
  let state = NO_ORDER;
  let reason: Known['reason'];
  for (const row of rows) {
    const decoded = decodeOrder(recordedOf(stream, row));
    if (!decoded.ok) continue;
    state = evolveOrder(state, decoded.event);
    reason = reasonOf(decoded.event) ?? reason;
  }
  return reason === undefined ? { state } : { state, reason };
};

/** Folds the streams of orders: what an order is, what became of it when, and every event as it was recorded. */
export class OrderProjection {
  private readonly open = new Map<string, Known>();
  private readonly states: Versions;

  constructor(private readonly file: ReadModelFile) {
    this.states = versionsOf(file, 'order_states', KEY, VALUES);
  }

  /** Keeps the raw event; `event` is absent where it could not be read. Returns the order's number. */
  project(event: OrderEvent | undefined, recorded: RecordedEvent): bigint {
    const orderId = orderIdOfStream(recorded.stream) ?? recorded.stream;
    const known = this.known(orderId, recorded);
    this.file.run(INSERT_EVENT, recorded.position, known.orderNo, recorded.revision, recorded.id, recorded.type, recorded.recordedAtMs,
      JSON.stringify(recorded.data), JSON.stringify(recorded.metadata));
    if (event === undefined) return known.orderNo;
    if (event.type === 'OrderApproved' || event.type === 'OrderDenied') this.describe(event, known.orderNo, recorded);
    // The decision is the bulk of the state and nothing of it is folded on.
    const { decision: _decision, ...state } = evolveOrder(known.state, event);
    this.recordTrouble(orderId, known.state, { event, unexpected: event.type !== 'AnomalyRecorded' && state.anomalies > known.state.anomalies }, recorded);
    known.state = state;
    const reason = reasonOf(event);
    if (reason) known.reason = reason;
    this.states.put(recorded.position, [known.orderNo], [...rowOf(known), recorded.recordedAtMs]);
    if (isTerminal(state.status)) this.open.delete(orderId);
    return known.orderNo;
  }

  private known(orderId: string, recorded: RecordedEvent): Known {
    let known = this.open.get(orderId);
    if (known) return known;
    const row = this.file.get(FIND, orderId);
    if (row) {
      known = { orderNo: BigInt(row['order_no'] ?? 0), ...foldOrder(recorded.stream, this.file.all(EVENTS_OF, row['order_no'] ?? 0)) };
    } else {
      known = { orderNo: recorded.position, state: NO_ORDER };
      this.file.run(INSERT_ORDER, known.orderNo, orderId, recorded.recordedAtMs);
    }
    this.open.set(orderId, known);
    if (this.open.size > OPEN_ORDERS_MAX) for (const oldest of this.open.keys()) { this.open.delete(oldest); break; }
    return known;
  }

  private describe(event: Extract<OrderEvent, { type: 'OrderApproved' | 'OrderDenied' }>, orderNo: bigint, { position, recordedAtMs }: RecordedEvent): void {
    const { terms, decision } = event.data;
    const failed = event.type === 'OrderDenied' ? failedChecks(decision) : [];
    this.file.run(SET_TERMS, terms.intent_key, terms.account, terms.strategy.id, terms.symbol, terms.mode, decision.business_time_ms, decision.risk_group,
      JSON.stringify([...new Set(failed.map(({ code }) => code))]), JSON.stringify(terms), orderNo);
    recordRefusals(this.file, { position, recordedAtMs, stage: 'decision', account: terms.account, strategy: terms.strategy.id, symbol: terms.symbol, orderId: terms.order_id, intentKey: terms.intent_key },
      failed.map(({ code, scope, limit, observed, detail }) => ({ code, scope, limit, observed, detail: detail ?? '' })));
  }

  private recordTrouble(orderId: string, { terms, status }: OrderState, { event, unexpected }: { readonly event: OrderEvent; readonly unexpected: boolean }, recorded: RecordedEvent): void {
    const { position, recordedAtMs } = recorded;
    if (event.type === 'AnomalyRecorded') {
      recordAnomaly(this.file, { source: 'order', kind: event.data.kind, detail: event.data.detail, account: terms?.account, orderId, report: event.data.report }, recorded);
    } else if (unexpected) {
      recordAnomaly(this.file, { source: 'order', kind: 'TRANSITION_UNEXPECTED', detail: `${event.type} while ${status}`, account: terms?.account, orderId }, recorded);
    }
    if (event.type !== 'SubmissionWithheld' && event.type !== 'OrderRejected') return;
    recordRefusals(this.file, {
      position, recordedAtMs, stage: event.type === 'OrderRejected' ? 'venue' : 'withheld', account: terms?.account,
      strategy: terms?.strategy.id, symbol: terms?.symbol, orderId, intentKey: terms?.intent_key,
    }, [{ code: event.data.code, detail: event.data.detail }]);
  }
}
