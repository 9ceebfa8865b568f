import { logOf, type Log, type LogEvent } from './log.ts';
import type { Json } from './json.ts';

/** A log written by hand, for the specs of the judges. */
export class HandLog {
  private readonly events: LogEvent[] = [];

  append(stream: string, type: string, data: Json): this {
    const revision = this.events.filter((event) => event.stream === stream).length;
    this.events.push({ stream, revision, position: BigInt(this.events.length), id: `${stream}/${revision}`, type, data });
    return this;
  }

  /** Without the events that `drop` names, as a log would be that lost them. */
  read(drop: (event: LogEvent) => boolean = () => false): Log {
    return logOf(this.events.filter((event) => !drop(event)));
  }
}

export const TERMS = {
  order_id: 'o1', account: 'a', strategy: { id: 's', version: '1' }, symbol: 'SPY', side: 'buy', qty: '100', currency: 'USD', order_type: 'market', time_in_force: 'DAY',
};

export const QUOTE = { symbol: 'SPY', bid: '99.99', ask: '100.01', currency: 'USD', time_ms: 1_000, sequence: 1, source: 'spec' };

/** With a mid of 100 and a collar of 500 bps the worst price is 105. */
export const DECISION = {
  decision_id: 'd', outcome: 'approved', checks: [], policy_hash: 'p', quotes: [QUOTE], rates: [{ base: 'USD', currency: 'USD', rate: '1' }], business_time_ms: 1_500, reserved_notional: '10500',
};

export const POLICY = {
  base_currency: 'USD', quote_max_age_ms: 60_000, accounts: { a: {} }, strategies: { s: {} },
  firm: { max_order_qty: '1000', max_order_notional: '50000', max_daily_notional: '100000', max_exposure: '30000', price_collar_bps: '500', max_messages_per_minute: 3 },
};

/** One order, from intent to a fill of all of it, as every service records its part. */
export const filledOrder = (): HandLog =>
  new HandLog()
    .append('policy-paper', 'PolicyActivated', { policy_hash: 'p', document: POLICY })
    .append('intent-k', 'IntentAccepted', { legs: [{ leg: 0, order_id: 'o1' }] })
    .append('riskGroup-main-2024-01-02', 'OrderDecided', { terms: TERMS, decision: DECISION })
    .append('order-o1', 'OrderApproved', { terms: TERMS, decision: DECISION })
    .append('order-o1', 'SubmissionClaimed', { client_order_id: 'o1' })
    .append('order-o1', 'OrderAcknowledged', { venue_order_id: 'v1' })
    .append('order-o1', 'OrderFilled', { exec_id: 'e1', qty: '60', price: '100.01', fee: '0.3' })
    .append('order-o1', 'OrderFilled', { exec_id: 'e2', qty: '40', price: '100', fee: '0.2' })
    .append('riskGroup-main-2024-01-02', 'TradeApplied', { order_id: 'o1', exec_id: 'e1', account: 'a', strategy: 's', symbol: 'SPY', side: 'buy', qty: '60', price: '100.01', rate: '1' })
    .append('riskGroup-main-2024-01-02', 'TradeApplied', { order_id: 'o1', exec_id: 'e2', account: 'a', strategy: 's', symbol: 'SPY', side: 'buy', qty: '40', price: '100', rate: '1' });

/** What the venue's book says about that order. */
export const bookOfFilled = () => ({
  accounts: [{ account: 'a', cash: '989998.9', positions: [{ symbol: 'SPY', qty: '100' }] }],
  orders: [{ account: 'a', client_order_id: 'o1', venue_order_id: 'v1', status: 'filled' }],
  executions: [
    { account: 'a', exec_id: 'e1', client_order_id: 'o1', symbol: 'SPY', side: 'buy', qty: '60', price: '100.01', fee: '0.3' },
    { account: 'a', exec_id: 'e2', client_order_id: 'o1', symbol: 'SPY', side: 'buy', qty: '40', price: '100', fee: '0.2' },
  ],
  requests: [{ account: 'a', client_order_id: 'o1', kind: 'place', count: 1 }],
});
