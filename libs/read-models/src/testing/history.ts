import { intentStream, orderIdOf, orderStream, quarantineStream, reconciliationStream, riskGroupStream, sha256Hex } from '@tallystick/contracts';
import {
  decideOrder, emptyRiskGroup, evolveOrder, evolveRiskGroup, interpretReport, NO_ORDER, type AppliedTrade, type Intent, type OrderEvent, type OrderReport, type OrderState,
  type OrderTerms, type PolicyDocument, type RiskGroupEvent, type RiskGroupState,
} from '@tallystick/domain';
import { MemoryLog } from './memory-log.ts';

/** Gives whole numbers below `n`. */
export type Draw = (n: number) => number;

/** The same draws for the same seed (mulberry32). */
export const drawsOf = (seed: number): Draw => {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
};

const DAYS = ['2013-10-08', '2013-10-09'] as const;
const SYMBOLS = ['AAPL', 'IBM', 'SPY'] as const;
const STRATEGIES = ['basket', 'signal'] as const;
const ACCOUNTS = ['paper-1', 'paper-2'] as const;

export const POLICY: PolicyDocument = {
  name: 'paper', mode: 'paper', base_currency: 'USD',
  firm: { max_order_qty: '500', max_order_notional: '60000', max_daily_notional: '1000000', max_exposure: '900000', price_collar_bps: '200', max_messages_per_minute: 1000 },
  accounts: {
    'paper-1': { mode: 'paper', venue: 'paper', risk_group: 'main', limits: { max_exposure: '50000' } },
    'paper-2': { mode: 'paper', venue: 'paper', risk_group: 'main' },
  },
  strategies: { basket: { accounts: ['paper-1', 'paper-2'], limits: { max_messages_per_minute: 500 } }, signal: { accounts: ['paper-1'] } },
  instruments: [...SYMBOLS], risk_groups: { main: { roll_time: '17:00', time_zone: 'America/New_York' } }, quote_max_age_ms: 60_000, execute_within_ms: 60_000,
};

/** A trading system in a few lines: the domain's own decisions and folds, driven by draws, recorded into a log. */
export class History {
  readonly log = new MemoryLog();
  readonly orderIds: string[] = [];
  private readonly orders = new Map<string, { terms: OrderTerms; state: OrderState }>();
  private risk: RiskGroupState = emptyRiskGroup();
  private day: string = DAYS[0];
  private marketSequence = 1;
  private reports = 0;

  constructor(private readonly draw: Draw) {
    const hash = sha256Hex('policy');
    this.log.record('kill', { type: 'KillSwitchCreated', data: { created_by: 'bootstrap' } });
    this.log.record('policy-paper', { type: 'PolicyActivated', data: { document: POLICY, policy_hash: hash, sequence: 1, signature: { key_id: 'k', value: 'v' }, key_scope: 'paper', activated_by: 'bootstrap' } });
    for (const symbol of SYMBOLS) this.log.record('instrument-paper', { type: 'InstrumentListed', data: { symbol, venue: 'paper', currency: 'USD', tick_size: '0.01', lot_size: '1', session: 'us' } });
    this.openDay();
  }

  /** One thing that happens. */
  step(): void {
    this.log.nowMs += this.draw(3) * 500;
    this.marketSequence += 1;
    const what = this.draw(20);
    if (what < 6 || this.orderIds.length === 0) this.submit();
    else if (what < 17) this.live(this.pick(this.orderIds));
    else if (what === 17) this.reconcile();
    else if (what === 18) this.oddity();
    else if (this.draw(10) === 0) this.rollDay();
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.draw(from.length)] as T;
  }

  private riskRecord(...events: readonly RiskGroupEvent[]): void {
    this.log.record(riskGroupStream('main', this.day), ...events);
    for (const event of events) this.risk = evolveRiskGroup(this.risk, event);
  }

  private openDay(): void {
    const carried = {
      positions: [...this.risk.books.values()].filter((book) => book.qty.toFixed() !== '0').map(({ account, strategy, symbol, qty }) => ({ account, strategy, symbol, qty: qty.toFixed() })),
      reservations: [...this.risk.reservations.values()].map(({ order_id, book, side, leaves, worstPrice }) => ({
        order_id, account: book.account, strategy: book.strategy, symbol: book.symbol, side, leaves_qty: leaves.toFixed(), worst_price: worstPrice.toFixed() })),
      cash: ACCOUNTS.map((account) => ({ account, cash: this.risk.cash.get(account)?.toFixed() ?? '100000' })),
    };
    this.risk = emptyRiskGroup();
    this.riskRecord({ type: 'RiskGroupDayOpened', data: { risk_group: 'main', trading_day: this.day, roll_time: '17:00', time_zone: 'America/New_York', ...carried, source_position: this.head(), business_time_ms: this.log.nowMs } });
  }

  private rollDay(): void {
    if (this.day === DAYS[1]) return;
    this.riskRecord({ type: 'RiskGroupDayClosed', data: { risk_group: 'main', trading_day: this.day, business_time_ms: this.log.nowMs } });
    this.day = DAYS[1];
    this.openDay();
  }

  private head(): string {
    return String(this.log.events.at(-1)?.position ?? -1n);
  }

  private submit(): void {
    const strategy = { id: this.pick(STRATEGIES), version: '1' };
    const intentKey = sha256Hex(`intent ${this.log.events.length}`);
    const order = { symbol: this.pick(SYMBOLS), side: this.pick(['buy', 'sell'] as const), qty: String(1 + this.draw(600)), order_type: 'market', time_in_force: 'DAY' } as const;
    const intent: Intent = { intent_key: intentKey, key_policy: 'explicit', strategy, account: this.pick(ACCOUNTS), mode: 'paper', orders: [order], constraints: {}, remainder: { kind: 'wait' }, reason: '', market_sequence: 0 };
    const digest = sha256Hex(intentKey);
    if (this.draw(8) === 0) {
      this.log.record(intentStream(intentKey), { type: 'IntentRefused', data: { intent, digest, request_id: intentKey.slice(0, 8), refusals: [{ code: 'OFF_LOT', detail: 'off', observed: '1.5', limit: '1' }] } });
      return;
    }
    const orderId = orderIdOf(intentKey, 0);
    this.log.record(intentStream(intentKey), { type: 'IntentAccepted', data: { intent, digest, request_id: intentKey.slice(0, 8), risk_group: 'main', legs: [{ leg: 0, order_id: orderId }] } });
    if (this.draw(6) === 0) this.log.record(intentStream(intentKey), { type: 'IntentConflicted', data: { intent_key: intentKey, digest: sha256Hex('other'), recorded_digest: digest, request_id: 'again' } });
    this.decide({ ...order, order_id: orderId, intent_key: intentKey, leg: 0, account: intent.account, mode: 'paper', venue: 'paper', currency: 'USD', strategy, constraints: {}, remainder: { kind: 'wait' } });
  }

  private decide(terms: OrderTerms): void {
    const price = String(90 + this.draw(20));
    const quotes = new Map(SYMBOLS.map((symbol) => [symbol as string, { symbol, bid: price, ask: price, time_ms: this.log.nowMs, sequence: this.marketSequence, source: 'test' }]));
    const decision = decideOrder(this.risk, terms, {
      policy: { document: POLICY, policy_hash: sha256Hex('policy'), sequence: 1, signature: { key_id: 'k', value: 'v' }, key_scope: 'paper', activated_by: 'bootstrap' },
      businessTimeMs: this.log.nowMs, session: { name: 'us', time_zone: 'UTC', open: '00:00', close: '23:59', days: [1, 2, 3, 4, 5, 6, 7] }, quotes, rates: new Map([['USD', '1']]), currencyOf: () => 'USD',
    }, { decisionId: `d${this.log.events.length}`, marketSequence: this.marketSequence });
    this.riskRecord({ type: 'OrderDecided', data: { terms, decision } });
    this.orders.set(terms.order_id, { terms, state: NO_ORDER });
    this.orderIds.push(terms.order_id);
    this.orderRecord(terms.order_id, [{ type: decision.outcome === 'approved' ? 'OrderApproved' : 'OrderDenied', data: { terms, decision } }]);
  }

  private orderRecord(orderId: string, events: readonly OrderEvent[]): void {
    const order = this.orders.get(orderId);
    if (!order || events.length === 0) return;
    for (const event of events) {
      const source_position = String(this.log.record(orderStream(orderId), event).at(-1)?.position ?? 0n);
      const before = order.state;
      order.state = evolveOrder(order.state, event);
      this.trade(order.terms, before, event, source_position);
      if (this.risk.reservations.has(orderId) && ['CANCELED', 'NOT_SENT', 'REJECTED', 'EXPIRED'].includes(order.state.status)) {
        this.riskRecord({ type: 'ReservationReleased', data: { order_id: orderId, status: order.state.status, source_position } });
      }
    }
  }

  private trade(terms: OrderTerms, before: OrderState, event: OrderEvent, source_position: string): void {
    if (event.type !== 'OrderFilled' && event.type !== 'FillBusted') return;
    const fill = event.type === 'OrderFilled' ? event.data : before.fills.get(event.data.exec_id);
    if (!fill) return;
    const trade: AppliedTrade = {
      source_position, order_id: terms.order_id, exec_id: event.data.exec_id, account: terms.account, strategy: terms.strategy.id, symbol: terms.symbol, side: terms.side,
      qty: String(fill.qty), price: String(fill.price), fee: String(fill.fee), rate: '1',
    };
    this.riskRecord({ type: event.type === 'OrderFilled' ? 'TradeApplied' : 'TradeReversed', data: trade });
  }

  /** The next thing in the life of an order, or something that should not happen in it. */
  private live(orderId: string): void {
    const order = this.orders.get(orderId);
    if (!order) return;
    const { state } = order;
    if (state.status === 'APPROVED') {
      if (this.draw(8) === 0) this.orderRecord(orderId, [{ type: 'SubmissionWithheld', data: { code: 'QUOTE_STALE', detail: 'too old' } }]);
      else this.orderRecord(orderId, [{ type: 'SubmissionClaimed', data: {
        claim_id: `c-${orderId}`, client_order_id: orderId, venue: 'paper', payload_hash: sha256Hex('payload'), policy_hash: sha256Hex('policy'), epoch: 0, owner: 'execution',
        market_sequence: this.marketSequence, business_time_ms: this.log.nowMs, claimed_at_ms: this.log.nowMs } }]);
      return;
    }
    if (state.status === 'CLAIMED' && this.draw(6) === 0) {
      this.orderRecord(orderId, [{ type: 'OrderPutInDoubt', data: { code: 'TIMEOUT', detail: 'no answer', claim_id: `c-${orderId}`, owner: 'execution', deadline_ms: this.log.nowMs } }]);
      return;
    }
    if (this.draw(10) === 0 && state.cancel === undefined) {
      this.orderRecord(orderId, [{ type: 'CancelRequested', data: { cancel_no: 1, reason: 'test', requested_by: 'operator:test' } }]);
      return;
    }
    this.reports += 1;
    this.orderRecord(orderId, interpretReport(state, this.report(order), { stream: `venueReport-${order.terms.account}-${this.day}`, revision: this.reports, report_id: `r${this.reports}` }));
  }

  private report({ terms, state }: { readonly terms: OrderTerms; readonly state: OrderState }): OrderReport {
    const time_ms = this.log.nowMs;
    const known = [...state.fills.keys()];
    const execId = this.draw(6) === 0 && known.length > 0 ? this.pick(known) : `x${this.reports}`;
    const amount = { qty: String(1 + this.draw(200)), price: `${90 + this.draw(20)}.${10 + this.draw(89)}` };
    switch (this.draw(10)) {
      case 0: return { kind: 'acknowledged', venue_order_id: `v-${terms.order_id}`, time_ms };
      case 1: return { kind: 'rejected', code: 'HALTED', detail: 'halted', time_ms };
      case 2: return { kind: 'busted', exec_id: known[0] ?? 'none', time_ms };
      case 3: return { kind: 'corrected', exec_id: known[0] ?? 'none', ...amount, time_ms };
      case 4: return { kind: 'canceled', reason: 'asked for', time_ms };
      case 5: return { kind: 'cancel_rejected', code: 'TOO_LATE', detail: 'too late', time_ms };
      default: return { kind: 'filled', venue_order_id: `v-${terms.order_id}`, exec_id: execId, ...amount, fee: '0.35', fee_currency: 'USD', symbol: terms.symbol, side: terms.side, account: terms.account, time_ms };
    }
  }

  private reconcile(): void {
    const account = this.pick(ACCOUNTS);
    const report = { stream: `venueReport-${account}-${this.day}`, revision: 0, report_id: `s${this.log.events.length}` };
    const source = this.log.record(reconciliationStream(account), { type: 'AccountReconciled', data: {
      account, currency: 'USD', cash: String(90_000 + this.draw(20_000)), positions: [{ symbol: 'AAPL', qty: String(this.draw(300)) }], report_sequence: this.draw(100), report, venue_time_ms: this.log.nowMs } });
    this.riskRecord({ type: 'CashReconciled', data: { account, currency: 'USD', cash: String(90_000 + this.draw(20_000)), source_position: String(source[0]?.position ?? 0n) } });
  }

  /** What nobody asked for: facts of no order, bodies that are no intents, processes, streams that are not folded. */
  private oddity(): void {
    const report = { stream: 'venueReport-paper-1-x', revision: this.log.events.length, report_id: 'odd' };
    switch (this.draw(5)) {
      case 0: this.log.record(quarantineStream('paper-1'), { type: 'ReportQuarantined', data: { account: 'paper-1', reason: 'ORDER_UNKNOWN', detail: 'nobody knows it', report } }); break;
      case 1: this.log.record('audit-intents', { type: 'IntentMalformed', data: { request_id: 'r', code: 'INTENT_NOT_JSON', detail: 'not JSON', bytes: 3, body_sha256: sha256Hex('x'), channel: 'http' } }); break;
      case 2: this.log.record('process-basket', { type: 'InstanceDesired', data: { instance_id: 'basket', strategy: 'basket', strategy_version: '1', account: 'paper-1', mode: 'paper', desired: this.pick(['running', 'stopped'] as const), reason: 'test' } }); break;
      case 3: this.log.record('kill', this.draw(2) === 0
        ? { type: 'KillEngaged', data: { kill_id: 'kill-1', scope: 'firm', mode: 'stop_new', reason: 'drill', engaged_by: 'operator:test', via: 'api', requested_at_ms: 0 } }
        : { type: 'KillReleased', data: { kill_id: 'kill-1', scope: 'firm', reason: 'drill', released_by: ['operator:test', 'operator:other'] } }); break;
      default: this.log.record('lease-risk-main', { type: 'LeaseAcquired', data: { role: 'risk', risk_group: 'main', owner: 'risk-0' } });
    }
  }
}

/** A history of so many steps. */
export const historyOf = (draw: Draw, steps: number): History => {
  const history = new History(draw);
  for (let step = 0; step < steps; step += 1) history.step();
  return history;
};
