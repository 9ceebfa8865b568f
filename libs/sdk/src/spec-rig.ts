import { cloudEventType, orderStream, type CloudEventV1, type OrderViewV1 } from '@tallystick/contracts';
import type { Decision, OrderEvent, OrderTerms } from '@tallystick/domain';
import type { JsonObject, JsonValue } from '@tallystick/ports';
import type { IntentInput } from './propose.ts';
import type { Settings } from './settings.ts';
import type { Wire } from './wire.ts';

/** What the specs of this package need: a wire with scripted answers, and events and views of orders. */

export const SETTINGS: Settings = { servers: ['nats://127.0.0.1:1'], credentials: undefined, strategy: { id: 'strat', version: '1' }, account: 'acc', mode: 'paper', instanceId: 'strat-1', runId: 'run-1' };

export const INPUT: IntentInput = { key: { policy: 'signal', signal_id: 'cross', window: '20131008T133100Z' }, orders: [{ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'market' }] };

export interface Asked {
  readonly subject: string;
  readonly body: JsonValue;
}

/** Answers requests from a script, the last line for ever; `undefined` is silence. */
export interface ScriptedWire extends Wire {
  readonly asked: Asked[];
  readonly announced: { readonly subject: string; readonly message: JsonObject }[];
  /** Hands a core message to whoever listens on exactly this pattern. */
  hear(pattern: string, body: JsonValue): void;
  request(subject: string, body: JsonValue): Promise<JsonValue>;
}

type Answer = JsonValue | undefined;
type Script = (asked: Asked, n: number) => Answer | Promise<Answer>;

export const scriptedWire = (script: Script): ScriptedWire => {
  const listeners = new Map<string, ((body: JsonValue) => void)[]>();
  const servers = new Map<string, (body: JsonValue) => Promise<JsonValue>>();
  const asked: Asked[] = [];
  const announced: { subject: string; message: JsonObject }[] = [];
  return {
    asked,
    announced,
    bus: {
      send: () => Promise.resolve({ ok: false, detail: 'not here' }),
      announce: (subject, message) => void announced.push({ subject, message }),
      request: async (subject, body) => {
        const one = { subject, body };
        asked.push(one);
        return script(one, asked.length);
      },
    },
    isConnected: () => true,
    listen: (subject, onMessage) => {
      listeners.set(subject, [...(listeners.get(subject) ?? []), onMessage]);
      return () => void listeners.set(subject, (listeners.get(subject) ?? []).filter((other) => other !== onMessage));
    },
    serve: (subject, _queue, handler) => {
      servers.set(subject, handler);
      return { stop: () => Promise.resolve(void servers.delete(subject)) };
    },
    close: () => Promise.resolve(),
    hear: (pattern, body) => {
      for (const listener of listeners.get(pattern) ?? []) listener(body);
    },
    request: (subject, body) => servers.get(subject)?.(body) ?? Promise.reject(new Error(`nobody serves ${subject}`)),
  };
};

export const receipt = (intentKey: string, orders: readonly string[], more: JsonObject = {}): JsonObject => ({
  version: 1, status: 'accepted', request_id: 'request-1', intent_key: intentKey, digest: 'd'.repeat(64), refusals: [], repeated: false, position: '7',
  orders: orders.map((orderId, leg) => ({ leg, order_id: orderId })), ...more,
});

const TIME_MS = 1_381_239_000_000;

export const termsOf = (orderId: string): OrderTerms => ({
  order_id: orderId, intent_key: 'intent-1', leg: 0, account: 'acc', mode: 'paper', venue: 'paper', currency: 'USD', strategy: { id: 'strat', version: '1' }, symbol: 'SPY', side: 'buy', qty: '10',
  order_type: 'market', time_in_force: 'DAY', constraints: {}, remainder: { kind: 'wait' },
});

const decisionOf = (outcome: Decision['outcome']): Decision => ({
  decision_id: 'decision-1', outcome, policy_name: 'p', policy_hash: 'h', policy_sequence: 1, risk_group: 'g', quotes: [], rates: [], market_sequence: 1, business_time_ms: TIME_MS, execute_by_ms: TIME_MS,
  checks: [{ code: 'ORDER_NOTIONAL_LIMIT', scope: 'firm', passed: outcome === 'approved', limit: '100', observed: '1000' }, { code: 'QUOTE_STALE', scope: 'firm', passed: true }],
});

const fact = { report: { stream: 'venueReport-acc-2013-10-08', revision: 0, report_id: 'r' }, venue_time_ms: TIME_MS };

export const happened = {
  approved: (orderId: string): OrderEvent => ({ type: 'OrderApproved', data: { terms: termsOf(orderId), decision: decisionOf('approved') } }),
  denied: (orderId: string): OrderEvent => ({ type: 'OrderDenied', data: { terms: termsOf(orderId), decision: decisionOf('denied') } }),
  claimed: (): OrderEvent => ({
    type: 'SubmissionClaimed',
    data: { claim_id: 'c', client_order_id: 'o', venue: 'paper', payload_hash: 'a'.repeat(64), policy_hash: 'a'.repeat(64), claimed_at_ms: 1, epoch: 1, owner: 'execution-1', market_sequence: 1, business_time_ms: TIME_MS },
  }),
  filled: (qty: string, cum: string, leaves: string, execId = `e-${cum}`): OrderEvent => ({
    type: 'OrderFilled', data: { ...fact, exec_id: execId, qty, price: '100', fee: '0', fee_currency: 'USD', cum_qty: cum, leaves_qty: leaves },
  }),
};

/** As the relay announces it. */
export const relayed = (orderId: string, revision: number, position: number, event: OrderEvent): CloudEventV1 => ({
  specversion: '1.0', id: `event-${orderId}-${revision}`, source: '/services/test', type: cloudEventType('order', event.type, 1), subject: orderStream(orderId), time: '2013-10-08T13:30:00.000Z',
  datacontenttype: 'application/json', revision, position: String(position), actor: 'service:test', correlationid: 'c', causationid: 'c', data: { ...event.data },
});

export const viewOf = (orderId: string, position: number, changes: Partial<OrderViewV1> = {}): OrderViewV1 => ({
  order_id: orderId, intent_key: 'intent-1', leg: 0, account: 'acc', mode: 'paper', venue: 'paper', strategy: { id: 'strat', version: '1' }, symbol: 'SPY', side: 'buy', qty: '10',
  order_type: 'market', time_in_force: 'DAY', currency: 'USD', status: 'WORKING', cum_qty: '0', leaves_qty: '10', fees: '0', fills: 0, anomalies: 0, denial_codes: [], decided_at_ms: TIME_MS,
  updated_position: String(position), ...changes,
});

export const pageOf = (items: readonly object[], position = 100): JsonObject => JSON.parse(JSON.stringify({ version: 1, items, position: String(position) })) as JsonObject;
