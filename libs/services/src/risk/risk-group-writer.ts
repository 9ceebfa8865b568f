import { decodeOrder, decodeReconciliation, orderIdOfStream, riskGroupStream } from '@tallystick/contracts';
import {
  carriedForward, decimalText, tradingDay,
  type AppliedTrade, type OrderEvent, type OrderState, type RiskGroupEvent, type RiskGroupPolicy, type RiskGroupState,
} from '@tallystick/domain';
import { fold, OwnedStream, type Fact, type OwnedOutcome } from '@tallystick/event-sourcing';
import type { RecordedEvent, Subscription } from '@tallystick/ports';
import type { ReferenceData } from '../reference/reference-data.ts';
import { dayBefore } from '../shared/day-streams.ts';
import { orderFolding, riskGroupFolding } from '../shared/foldings.ts';
import { ENDS_WITH_LEAVES } from '../shared/order-ends.ts';
import { recordContext, type Cause, type ServicePorts } from '../shared/service-ports.ts';

type Owned = OwnedStream<RiskGroupState, RiskGroupEvent>;
type Failure = { readonly ok: false; readonly code: string; readonly detail: string };

/** Facts waiting to be durable before the subscription is held back. */
const FACTS_IN_FLIGHT_MAX = 128;
const RESUME_AFTER_MS = 200;


const MOVES_THE_GROUP: ReadonlySet<string> = new Set([...ENDS_WITH_LEAVES, 'OrderFilled', 'FillBusted', 'FillCorrected']);

/**
 * The one writer of a risk group. Decisions come in through `submit`; trades and releases come from the orders' streams, each
 * applied once, by its place in the log. The day's stream rolls over when business time passes the group's roll time.
 */
export class RiskGroupWriter {
  private owned: Owned | undefined;
  private rolling: Promise<Failure | undefined> | undefined;
  private subscription: Subscription | undefined;
  private following: Promise<void> | undefined;
  private opening: Promise<void> | undefined;
  private abandon: ((why: string) => void) | undefined;
  private stopped = false;

  constructor(
    private readonly world: ServicePorts,
    private readonly reference: ReferenceData,
    readonly riskGroup: string,
    private readonly onOwnershipLost: (detail: string) => void,
  ) {}

  /** The state as decided so far; for reading only. `undefined` before the first day is open. */
  peek(): RiskGroupState | undefined {
    return this.owned?.peek();
  }

  /** Runs `task` on the day's state and settles when what it decided is durable. */
  async submit<R>(cause: Cause, task: (state: RiskGroupState) => { readonly facts: readonly Fact<RiskGroupEvent>[]; readonly result: R }): Promise<OwnedOutcome<R> | Failure> {
    const failed = await this.ensureDay();
    if (failed) return failed;
    const { owned } = this;
    if (!owned) return { ok: false, code: 'RISK_GROUP_NOT_OPEN', detail: `${this.riskGroup} has no open day` };
    const outcome = await owned.submit<R | 'day_closed'>(recordContext(this.world, this.reference.policyHash(), cause),
      (state) => (state.closed ? { facts: [], result: 'day_closed' } : task(state)));
    if (!outcome.ok) {
      if (outcome.code === 'OWNERSHIP_LOST') this.onOwnershipLost(outcome.detail);
      return outcome;
    }
    if (outcome.result === 'day_closed') return { ok: false, code: 'DAY_ROLLED', detail: 'the trading day rolled meanwhile' };
    return { ...outcome, result: outcome.result };
  }

  /**
   * Opens the day if need be and follows the log from where the state left it. What cannot be opened yet, as before the market's first
   * word, is tried again until it is: trades must be applied even if no intent ever asks.
   */
  async start(): Promise<Failure | undefined> {
    const failed = await this.ensureDay();
    if (failed) this.opening = this.openLater();
    return failed;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.opening;
    this.abandon?.('stopped');
    await this.following;
    await this.owned?.idle();
  }

  private async openLater(): Promise<void> {
    while (!this.stopped && !this.owned) {
      await this.world.ports.timers.sleep(RESUME_AFTER_MS, 'risk opens its day');
      if (!this.stopped) await this.ensureDay();
    }
  }

  private policyOfGroup(): RiskGroupPolicy | undefined {
    return this.reference.policy()?.document.risk_groups[this.riskGroup];
  }

  private ensureDay(): Promise<Failure | undefined> {
    if (this.rolling) return this.rolling;
    const group = this.policyOfGroup();
    const now = this.world.business.nowMs();
    if (this.owned && (!group || now === undefined)) return Promise.resolve(undefined);
    if (!group || now === undefined) {
      return Promise.resolve({ ok: false, code: group ? 'CLOCK_UNREADABLE' : 'POLICY_NOT_IN_FORCE', detail: `the day of ${this.riskGroup} cannot be told` });
    }
    const day = tradingDay(group.time_zone, group.roll_time, now);
    const current = this.owned?.peek().day;
    // A clock that steps back stays in the day it was in: days only go forward.
    if (current !== undefined && day <= current) return Promise.resolve(undefined);
    this.rolling = this.openDay(day, group, now).finally(() => {
      this.rolling = undefined;
    });
    return this.rolling;
  }

  private async openDay(day: string, group: RiskGroupPolicy, now: number): Promise<Failure | undefined> {
    const nameOf = (of: string): string => riskGroupStream(this.riskGroup, of);
    const opened = await OwnedStream.open(this.world.store, riskGroupFolding, nameOf(day));
    if (!opened.ok) return opened;
    if (opened.owned.revision() !== 'no_stream') return this.adopt(opened.owned);
    const previous = await this.previousDay(day, nameOf);
    if (!previous.ok) return previous;
    const context = recordContext(this.world, this.reference.policyHash(), { correlationId: this.riskGroup, causationId: `day/${day}` });
    let closing: { readonly trading_day: string; readonly closing_revision: number } | undefined;
    if (previous.owned) {
      const { owned } = previous;
      const closed = await owned.submit(context, (state) => ({ result: undefined, facts: state.closed ? [] : [this.fact({
        type: 'RiskGroupDayClosed', data: { risk_group: this.riskGroup, trading_day: state.day ?? '', business_time_ms: now } })] }));
      if (!closed.ok) return closed;
      const revision = owned.revision();
      closing = { trading_day: owned.peek().day ?? '', closing_revision: revision === 'no_stream' ? 0 : revision };
    }
    const carried = previous.owned ? carriedForward(previous.owned.peek()) : { positions: [], cash: [], reservations: [], source_position: '-1' };
    const done = await opened.owned.submit(context, (state) => ({ result: undefined, facts: state.day !== undefined ? [] : [this.fact({
      type: 'RiskGroupDayOpened', data: { risk_group: this.riskGroup, trading_day: day, roll_time: group.roll_time, time_zone: group.time_zone,
        ...(closing ? { previous: closing } : {}), ...carried, business_time_ms: now } })] }));
    return done.ok ? this.adopt(opened.owned) : done;
  }

  private async previousDay(day: string, nameOf: (day: string) => string): Promise<{ readonly ok: true; readonly owned: Owned | undefined } | Failure> {
    if (this.owned) return { ok: true, owned: this.owned };
    const found = await dayBefore(this.world.store, nameOf, day);
    if (!found.ok) return found;
    if (found.day === undefined) return { ok: true, owned: undefined };
    const opened = await OwnedStream.open(this.world.store, riskGroupFolding, nameOf(found.day));
    return opened.ok ? { ok: true, owned: opened.owned } : opened;
  }

  private adopt(owned: Owned): undefined {
    this.owned = owned;
    this.following ??= this.follow();
    return undefined;
  }

  private fact(event: RiskGroupEvent): Fact<RiskGroupEvent> {
    // Fresh, never derived: the store answers a repeat of the same ids with success, and two writers must not both believe it.
    return { id: this.world.ports.ids.unique('risk-group'), event };
  }

  /** Applies what happened to orders and accounts, in the log's order, from the place the state has reached. */
  private async follow(): Promise<void> {
    while (!this.stopped) {
      const failed = await new Promise<string | undefined>((resolve) => {
        const from = this.peek()?.sourcePosition ?? -1n;
        const inFlight = new Set<Promise<void>>();
        this.abandon = (why) => {
          void this.subscription?.stop().then(() => Promise.all(inFlight)).then(() => resolve(why));
        };
        this.subscription = this.world.store.subscribeAll({
          name: `risk-${this.riskGroup}`, after: from < 0n ? 'start' : from, streamPrefixes: ['order-', 'reconciliation-'],
          onFailed: (error) => resolve(String(error)),
          onEvent: async (event) => {
            const apply = await this.factsOf(event);
            if (apply === 'retry') return this.abandon?.(`facts of ${event.stream}@${event.revision} could not be read`);
            if (!apply) return;
            while (inFlight.size >= FACTS_IN_FLIGHT_MAX) await Promise.race(inFlight);
            const applied = this.submit({ correlationId: String(event.metadata['correlationid'] ?? ''), causationId: event.id }, (state) => ({
              result: undefined, facts: event.position <= state.sourcePosition ? [] : apply(state).map((fact) => this.fact(fact)),
            })).then((outcome) => {
              if (!outcome.ok) this.abandon?.(`${outcome.code}: ${outcome.detail}`);
            });
            inFlight.add(applied);
            void applied.finally(() => inFlight.delete(applied));
          },
        });
        if (this.stopped) this.abandon('stopped');
      });
      if (this.stopped) return;
      this.world.log.write('warn', 'risk.follow_again', { risk_group: this.riskGroup, detail: failed });
      await this.world.ports.timers.sleep(RESUME_AFTER_MS, 'risk follows the log again');
    }
  }

  private async factsOf(recorded: RecordedEvent): Promise<((state: RiskGroupState) => readonly RiskGroupEvent[]) | undefined | 'retry'> {
    const source = recorded.position.toString();
    if (recorded.stream.startsWith('reconciliation-')) {
      const decoded = decodeReconciliation(recorded);
      if (!decoded.ok) return 'retry';
      const { account, currency, cash } = decoded.event.data;
      if (this.reference.policy()?.document.accounts[account]?.risk_group !== this.riskGroup) return undefined;
      // Taken once, as the opening balance: afterwards cash moves with trades, and a difference is a break, not a correction.
      return (state) => (state.cash.has(account) ? [] : [{ type: 'CashReconciled', data: { account, currency, cash, source_position: source } }]);
    }
    // Most events of an order concern no reservation: they are passed over before they are read.
    if (!MOVES_THE_GROUP.has(recorded.type)) return undefined;
    const decoded = decodeOrder(recorded);
    if (!decoded.ok) return 'retry';
    const { event } = decoded;
    const orderId = orderIdOfStream(recorded.stream) ?? '';
    if (ENDS_WITH_LEAVES.has(event.type)) {
      return (state) => (state.reservations.has(orderId)
        ? [{ type: 'ReservationReleased', data: { order_id: orderId, status: event.type, source_position: source } }] : []);
    }
    if (event.type !== 'OrderFilled' && event.type !== 'FillBusted' && event.type !== 'FillCorrected') return undefined;
    return this.tradesOf(recorded, orderId, event, source);
  }

  /** A fill of an order decided today is known from memory; everything else asks the order's stream. */
  private async tradesOf(recorded: RecordedEvent, orderId: string, event: TradeEvent, source: string): Promise<((state: RiskGroupState) => readonly RiskGroupEvent[]) | undefined | 'retry'> {
    const decided = this.peek()?.decided.get(orderId);
    if (event.type === 'OrderFilled' && decided?.book) {
      const { account, strategy, symbol } = decided.book;
      const traded = this.traded({ account, strategy, symbol, side: decided.side }, this.reference.instruments().get(symbol)?.currency);
      return () => [{ type: 'TradeApplied', data: { ...traded, ...sourceOf(orderId, event, source), qty: event.data.qty, price: event.data.price, fee: event.data.fee } }];
    }
    const read = await this.world.store.read(recorded.stream);
    if (!read.ok) return 'retry';
    const before = fold(orderFolding, recorded.stream, read.events.filter(({ revision }) => revision < recorded.revision));
    if (!before.ok) return 'retry';
    const order = before.loaded.state;
    if (!order.terms || this.reference.policy()?.document.accounts[order.terms.account]?.risk_group !== this.riskGroup) return undefined;
    const { account, symbol, side, currency, strategy } = order.terms;
    const traded = this.traded({ account, strategy: strategy.id, symbol, side }, currency);
    return () => tradeEvents(order, traded, orderId, event, source);
  }

  private traded(what: Pick<AppliedTrade, 'account' | 'strategy' | 'symbol' | 'side'>, currency: string | undefined): Traded {
    const rates = this.reference.rates(this.reference.policy()?.document.base_currency ?? '');
    // The order was denied without a rate, so one was known; should it be gone, the trade still counts, at par.
    return { ...what, rate: rates.get(currency ?? '') ?? '1' };
  }
}

type TradeEvent = Extract<OrderEvent, { type: 'OrderFilled' | 'FillBusted' | 'FillCorrected' }>;
type Traded = Pick<AppliedTrade, 'account' | 'strategy' | 'symbol' | 'side' | 'rate'>;

const sourceOf = (orderId: string, event: TradeEvent, source: string): Pick<AppliedTrade, 'order_id' | 'exec_id' | 'source_position'> =>
  ({ order_id: orderId, exec_id: event.data.exec_id, source_position: source });

const tradeEvents = (before: OrderState, traded: Traded, orderId: string, event: TradeEvent, source: string): readonly RiskGroupEvent[] => {
  const base = { ...traded, ...sourceOf(orderId, event, source) };
  if (event.type === 'OrderFilled') return [{ type: 'TradeApplied', data: { ...base, qty: event.data.qty, price: event.data.price, fee: event.data.fee } }];
  const known = before.fills.get(event.data.exec_id);
  if (!known) return [];
  const reversed: AppliedTrade = { ...base, qty: decimalText(known.qty), price: decimalText(known.price), fee: decimalText(known.fee) };
  if (event.type === 'FillBusted') return [{ type: 'TradeReversed', data: reversed }];
  return [{ type: 'TradeReversed', data: reversed }, { type: 'TradeApplied', data: { ...reversed, qty: event.data.qty, price: event.data.price } }];
};
