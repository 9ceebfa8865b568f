import type { IntentEvent, OrderEvent, OrderTerms } from '@tallystick/domain';
import { chain, LogTail, NO_STREAM, type ChainEnd, type Fact, type RecordContext } from '@tallystick/event-sourcing';
import { MemoryStore } from '@tallystick/event-sourcing/testing';
import type { JsonObject, Ports } from '@tallystick/ports';
import { timeText, type ServicePorts } from '../shared/service-ports.ts';

/** A world that moves only when told, for the specs of what watches processes and orders. */

export const START_MS = Date.UTC(2024, 0, 2, 9);

interface Alarm {
  readonly atMs: number;
  readonly ring: () => void;
}

export interface ManualWorld {
  readonly world: ServicePorts;
  readonly store: MemoryStore;
  readonly sent: { readonly subject: string; readonly body: JsonObject; readonly id: string }[];
  readonly announced: { readonly subject: string; readonly body: JsonObject }[];
  readonly logged: { readonly event: string; readonly fields: unknown }[];
  /** Commands are lost while false. */
  busUp: boolean;
  /** Names a step at which the process "dies": the failpoint throws. */
  dieAt: string | undefined;
  nowMs(): number;
  /** Moves time on; what falls due runs, in order, until all is quiet. */
  advance(ms: number): Promise<void>;
}

/** Promise chains over the memory store settle within this many turns. */
const TURNS = 200;

const quiet = async (): Promise<void> => {
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
};

export const manualWorld = (): ManualWorld => {
  let monotonicMs = 0;
  let alarms: Alarm[] = [];
  let drawn = 0;
  const set = (ms: number, ring: () => void): (() => void) => {
    const alarm = { atMs: monotonicMs + ms, ring };
    alarms.push(alarm);
    return () => void (alarms = alarms.filter((other) => other !== alarm));
  };
  const ports: Ports = {
    clock: { nowMs: () => START_MS + monotonicMs, monotonicMs: () => monotonicMs },
    ids: { unique: () => `00000000-0000-4000-8000-${String((drawn += 1)).padStart(12, '0')}` },
    timers: {
      sleep: (ms, _why, signal) => new Promise((resolve) => {
        const cancel = set(ms, resolve);
        signal?.addEventListener('abort', () => {
          cancel();
          resolve();
        });
      }),
      every: (ms, _why, task) => {
        let cancel = (): void => undefined;
        let stopped = false;
        const arm = (): void => {
          cancel = set(ms, () => void task().finally(() => (stopped ? undefined : arm())));
        };
        arm();
        return () => {
          stopped = true;
          cancel();
        };
      },
    },
  };
  const store = new MemoryStore({ nowMs: () => START_MS + monotonicMs });
  const made: ManualWorld = {
    store, sent: [], announced: [], logged: [], busUp: true, dieAt: undefined,
    nowMs: () => START_MS + monotonicMs,
    advance: async (ms) => {
      const untilMs = monotonicMs + ms;
      await quiet();
      for (;;) {
        const [next] = alarms.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
        if (!next) break;
        alarms = alarms.filter((other) => other !== next);
        monotonicMs = Math.max(monotonicMs, next.atMs);
        next.ring();
        await quiet();
      }
      monotonicMs = untilMs;
      await quiet();
    },
    world: {
      identity: { service: 'supervisor', instance: 'supervisor-1', build: 'v0' }, ports, store, business: { nowMs: () => undefined },
      // Never started: it has nothing.
      tail: new LogTail(store, { name: 'tail', streamPrefixes: [], watchedPrefixes: [], timers: ports.timers, onUnreadable: () => undefined }),
      bus: {
        send: (subject, body, id) => {
          if (made.busUp) made.sent.push({ subject, body, id });
          return Promise.resolve({ ok: made.busUp });
        },
        announce: (subject, body) => void made.announced.push({ subject, body }),
        request: () => Promise.resolve(undefined),
      },
      market: { quote: () => undefined, sequence: () => 0, reached: () => Promise.resolve(false) },
      log: { write: (_level, event, fields) => void made.logged.push({ event, fields }) },
      metrics: { count: () => undefined, observeMs: () => undefined, gauge: () => undefined },
      failpoints: {
        at: (point) => {
          if (point === made.dieAt) throw new Error(`died at ${point}`);
        },
      },
      traceparent: () => undefined, inSpan: (_name, _parent, work) => work(),
    },
  };
  return made;
};

/** Appends events as a service would, each stream's chain kept. */
export const writer = (made: ManualWorld) => {
  const ends = new Map<string, ChainEnd>();
  let n = 0;
  return async (stream: string, ...events: readonly { readonly type: string; readonly data: object }[]): Promise<void> => {
    const context: RecordContext = { source: '/services/spec', actor: 'service:spec', build: 'v0', policyHash: '', correlationId: 'c', causationId: 'c', time: timeText(made.nowMs()) };
    const facts = events.map((event): Fact<typeof event> => ({ id: `00000000-0000-4000-9000-${String((n += 1)).padStart(12, '0')}`, event }));
    const end = ends.get(stream) ?? NO_STREAM;
    const chained = chain(stream, end, facts, context);
    const outcome = await made.store.append(stream, end.revision, chained.events);
    if (!outcome.ok) throw new Error(outcome.code);
    ends.set(stream, chained.end);
    await made.advance(0);
  };
};

const HASH = 'a'.repeat(64);
const TIME_MS = 1_381_239_000_000;
const fact = { report: { stream: 'venueReport-acc-2013-10-08', revision: 0, report_id: 'r' }, venue_time_ms: TIME_MS };

export const termsOf = (orderId: string, intentKey = HASH): OrderTerms => ({
  order_id: orderId, intent_key: intentKey, leg: 0, account: 'acc', mode: 'paper', venue: 'paper', currency: 'USD', strategy: { id: 'strat', version: '1' }, symbol: 'SPY', side: 'buy', qty: '10',
  order_type: 'market', time_in_force: 'DAY', constraints: {}, remainder: { kind: 'wait' },
});

export const intentAccepted = (intentKey: string, orderIds: readonly string[]): IntentEvent => ({
  type: 'IntentAccepted',
  data: {
    intent: {
      intent_key: intentKey, key_policy: 'explicit', strategy: { id: 'strat', version: '1' }, account: 'acc', mode: 'paper', constraints: {}, remainder: { kind: 'wait' }, reason: '', market_sequence: 1,
      orders: orderIds.map(() => ({ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'market', time_in_force: 'DAY' })),
    },
    digest: HASH, request_id: 'request-1', risk_group: 'all', legs: orderIds.map((orderId, leg) => ({ leg, order_id: orderId })),
  },
});

const decided = (type: 'OrderApproved' | 'OrderDenied', orderId: string, intentKey?: string): OrderEvent => ({
  type,
  data: {
    terms: termsOf(orderId, intentKey),
    decision: {
      decision_id: 'd', outcome: type === 'OrderApproved' ? 'approved' : 'denied', checks: [], policy_name: 'p', policy_hash: HASH, policy_sequence: 1, risk_group: 'all', quotes: [], rates: [],
      market_sequence: 1, business_time_ms: TIME_MS, execute_by_ms: TIME_MS + 5_000,
    },
  },
});

export const happened = {
  approved: (orderId: string, intentKey?: string): OrderEvent => decided('OrderApproved', orderId, intentKey),
  denied: (orderId: string, intentKey?: string): OrderEvent => decided('OrderDenied', orderId, intentKey),
  claimed: (): OrderEvent => ({
    type: 'SubmissionClaimed',
    data: { claim_id: 'c', client_order_id: 'o', venue: 'paper', payload_hash: HASH, policy_hash: HASH, claimed_at_ms: 1, epoch: 1, owner: 'execution-1', market_sequence: 1, business_time_ms: TIME_MS },
  }),
  inDoubt: (): OrderEvent => ({ type: 'OrderPutInDoubt', data: { code: 'SEND_TIMED_OUT', detail: 'no answer', claim_id: 'c', owner: 'execution-1', deadline_ms: TIME_MS } }),
  acknowledged: (): OrderEvent => ({ type: 'OrderAcknowledged', data: { ...fact, venue_order_id: 'v' } }),
  filled: (cum: string, leaves: string, qty = cum): OrderEvent => ({ type: 'OrderFilled', data: { ...fact, exec_id: `e${cum}`, qty, price: '100', fee: '0', fee_currency: 'USD', cum_qty: cum, leaves_qty: leaves } }),
  notReceived: (): OrderEvent => ({ type: 'OrderNotReceived', data: { ...fact, claim_id: 'c', waited_ms: 1 } }),
  cancelRequested: (no = 1): OrderEvent => ({ type: 'CancelRequested', data: { cancel_no: no, reason: 'enough', requested_by: 'operator:ana' } }),
  cancelClaimed: (no = 1): OrderEvent => ({ type: 'CancelClaimed', data: { cancel_no: no, claim_id: 'cc', client_order_id: 'oc', payload_hash: HASH, epoch: 1, owner: 'execution-1' } }),
};
