import { commandSubject, factIdOf, intentStream, orderStream, partitionOf, payloadHashOf, riskGroupStream } from '@tallystick/contracts';
import {
  decideOrder, evolveRiskGroup, failedChecks, forgetTime, scopesOf, symbolsUsed, tradingDay,
  type AcceptedIntent, type Decision, type DecisionInputs, type Intent, type IntentState, type Leg, type OrderEvent, type OrderState, type OrderTerms, type QuoteUsed, type RiskGroupEvent, type RiskGroupState,
} from '@tallystick/domain';
import { appendAfter, load, NO_STREAM, type Fact, type Loaded } from '@tallystick/event-sourcing';
import type { EncodedRequest, HandlerOutcome, Signer, Venue } from '@tallystick/ports';
import { decisionBytes, type ReferenceData } from '../reference/reference-data.ts';
import { intentFolding, orderFolding } from '../shared/foldings.ts';
import { DONE, retry } from '../shared/outcomes.ts';
import { placeCommand } from '../shared/payload.ts';
import { recordContext, type Cause, type ServicePorts } from '../shared/service-ports.ts';
import { findDecision } from './find-decision.ts';
import { RiskGroupWriter } from './risk-group-writer.ts';

/** A strategy names the market step it saw; the snapshot is usually here already, and what is later than this is decided without. */
const MARKET_WAIT_MS = 250;
/** A step further ahead than this is not a snapshot under way but a made-up number. */
const MARKET_AHEAD_MAX = 1000;

type KnownIntent = Extract<IntentState, { kind: 'accepted' | 'refused' }>;

interface Decided {
  readonly terms: OrderTerms;
  readonly decision: Decision;
}

export interface Preview {
  readonly terms: OrderTerms;
  readonly decision: Decision;
  readonly venue_request: EncodedRequest | null;
  readonly payload_hash: string | null;
}


export class RiskService {
  private readonly writers = new Map<string, RiskGroupWriter>();
  private readonly gates = new Map<string, Promise<void>>();

  constructor(
    private readonly world: ServicePorts,
    private readonly reference: ReferenceData,
    private readonly signer: Signer,
    private readonly venues: ReadonlyMap<string, Venue>,
    private readonly onOwnershipLost: (detail: string) => void,
  ) {}

  /** Opens every risk group of the policy whose partition is ours. Groups of a later policy open when first asked for. */
  async start(partitions: ReadonlySet<number>): Promise<void> {
    for (const riskGroup of Object.keys(this.reference.policy()?.document.risk_groups ?? {})) {
      if (!partitions.has(partitionOf(riskGroup))) continue;
      const failed = await this.writerOf(riskGroup).start();
      if (failed) this.world.log.write('warn', 'risk.group_not_open_yet', { risk_group: riskGroup, code: failed.code, detail: failed.detail });
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.writers.values()].map((writer) => writer.stop()));
  }

  /** Decides every order of an intent, in the order the commands came; a repeat publishes again what was decided. */
  async evaluate(command: { readonly intent_key: string; readonly risk_group: string }, causationId: string): Promise<HandlerOutcome> {
    const started = this.world.ports.clock.monotonicMs();
    const turn = this.turnOf(command.risk_group);
    try {
      const stream = intentStream(command.intent_key);
      // What an intent's stream begins with never changes: as good from the tail as from the store.
      const pushed = this.world.tail.loaded(intentFolding, stream);
      const read = pushed ? { ok: true as const, loaded: pushed } : await load(this.world.store, intentFolding, stream);
      if (!read.ok) return read.code === 'STREAM_UNREADABLE' ? { kind: 'poison', code: read.code, detail: read.detail } : retry(read);
      const { state } = read.loaded;
      if (state.kind !== 'accepted') return { kind: 'poison', code: 'INTENT_NOT_ACCEPTED', detail: `${command.intent_key} is ${state.kind}` };
      if (state.risk_group !== command.risk_group) return { kind: 'poison', code: 'RISK_GROUP_MISMATCH', detail: `${command.intent_key} belongs to ${state.risk_group ?? ''}` };
      await this.marketFor(state.intent.market_sequence);
      const earlier = await this.decidedEarlier(command.risk_group, state);
      if (!earlier.ok) return retry(earlier);
      await turn.reached;
      const cause = { correlationId: command.intent_key, causationId };
      const submitted = this.writerOf(command.risk_group).submit(cause, (group) => this.decideIntent(group, state, command.risk_group, earlier.orders));
      turn.pass();
      const outcome = await submitted;
      // Too large for one append: asking again would be refused again.
      if (!outcome.ok) return outcome.code === 'STORE_REFUSED' ? { kind: 'poison', code: outcome.code, detail: outcome.detail } : retry(outcome);
      this.world.failpoints.at('risk.decided');
      this.world.metrics.observeMs('tally_risk_decide_ms', this.world.ports.clock.monotonicMs() - started, {});
      return await this.publish(command.risk_group, outcome.result, cause);
    } finally {
      turn.pass();
    }
  }

  /** What would be decided now and exactly what would be sent. Nothing is recorded, nothing reserved. */
  async preview(accepted: AcceptedIntent): Promise<{ readonly ok: true; readonly previews: readonly Preview[] } | { readonly ok: false; readonly code: string; readonly detail: string }> {
    await this.marketFor(accepted.intent.market_sequence);
    const outcome = await this.writerOf(accepted.risk_group).submit({ correlationId: accepted.intent.intent_key, causationId: accepted.request_id }, (group) => {
      const decided: Decided[] = [];
      const undo: (() => void)[] = [];
      for (const leg of accepted.legs) {
        const one = this.decideLeg(group, accepted.intent, leg, accepted.risk_group);
        decided.push(one);
        // An order that is decided already holds its reservation: putting it in again would do nothing, taking it out would be wrong.
        if (!isDecided(group, leg.order_id)) undo.push(putInMemory(group, one));
      }
      for (const takeBack of undo.reverse()) takeBack();
      return { facts: [], result: decided };
    });
    if (!outcome.ok) return { ok: false, code: outcome.code, detail: outcome.detail };
    return { ok: true, previews: outcome.result.map(({ terms, decision }) => {
      const venue = this.venues.get(terms.venue);
      const request = venue ? venue.encode(placeCommand(venue, terms)) : null;
      return { terms, decision, venue_request: request, payload_hash: request ? payloadHashOf(request) : null };
    }) };
  }

  private writerOf(riskGroup: string): RiskGroupWriter {
    let writer = this.writers.get(riskGroup);
    if (!writer) {
      writer = new RiskGroupWriter(this.world, this.reference, riskGroup, this.onOwnershipLost);
      this.writers.set(riskGroup, writer);
    }
    return writer;
  }

  /** Reading happens in parallel, deciding in the order of arrival: the same commands give the same decisions. */
  private turnOf(riskGroup: string): { readonly reached: Promise<void>; pass(): void } {
    const reached = this.gates.get(riskGroup) ?? Promise.resolve();
    let pass = (): void => undefined;
    const passed = new Promise<void>((resolve) => (pass = resolve));
    this.gates.set(riskGroup, reached.then(() => passed));
    return { reached, pass: () => pass() };
  }

  private async marketFor(sequence: number): Promise<void> {
    const known = this.world.market.sequence();
    if (sequence <= known || sequence > known + MARKET_AHEAD_MAX) return;
    await this.world.market.reached(sequence, MARKET_WAIT_MS);
  }

  /**
   * The day's state knows the orders of its day. An intent of another day may have been decided then: its orders' streams say so.
   */
  private async decidedEarlier(riskGroup: string, state: KnownIntent): Promise<{ readonly ok: true; readonly orders: ReadonlySet<string> } | { readonly ok: false; readonly code: string; readonly detail: string }> {
    const orders = new Set<string>();
    const day = this.writers.get(riskGroup)?.peek()?.day;
    const group = this.reference.policy()?.document.risk_groups[riskGroup];
    if (state.business_time_ms !== undefined && group && tradingDay(group.time_zone, group.roll_time, state.business_time_ms) === day) return { ok: true, orders };
    for (const { order_id: orderId } of state.legs) {
      const read = await this.world.store.read(orderStream(orderId), { maxCount: 1 });
      if (!read.ok) return read;
      if (read.exists) orders.add(orderId);
    }
    return { ok: true, orders };
  }

  private decideIntent(group: RiskGroupState, state: KnownIntent, riskGroup: string, earlier: ReadonlySet<string>): { readonly facts: readonly Fact<RiskGroupEvent>[]; readonly result: readonly (Decided | { readonly order_id: string })[] } {
    const facts: Fact<RiskGroupEvent>[] = [];
    const undo: (() => void)[] = [];
    const result = state.legs.map((leg) => {
      if (isDecided(group, leg.order_id) || earlier.has(leg.order_id)) return { order_id: leg.order_id };
      const decided = this.decideLeg(group, state.intent, leg, riskGroup);
      const signed = { ...decided, decision: { ...decided.decision, signature: { key_id: this.signer.keyId, value: this.signer.sign(decisionBytes(decided.terms, decided.decision)) } } };
      facts.push({ id: this.world.ports.ids.unique('decision'), event: { type: 'OrderDecided', data: signed } });
      // The next leg must see this one reserved; the writer evolves the facts itself once the task is over.
      if (state.legs.length > 1) undo.push(putInMemory(group, signed));
      return signed;
    });
    for (const takeBack of undo.reverse()) takeBack();
    return { facts, result };
  }

  private decideLeg(group: RiskGroupState, intent: Intent, leg: Leg, riskGroup: string): Decided {
    const request = intent.orders[leg.leg];
    if (!request) throw new Error(`intent ${intent.intent_key} has no order ${leg.leg}`);
    const policy = this.reference.policy();
    const instruments = this.reference.instruments();
    const terms: OrderTerms = {
      ...request, order_id: leg.order_id, intent_key: intent.intent_key, leg: leg.leg, account: intent.account, mode: intent.mode,
      venue: policy?.document.accounts[intent.account]?.venue ?? '', currency: instruments.get(request.symbol)?.currency ?? '',
      strategy: intent.strategy, constraints: intent.constraints, remainder: intent.remainder,
      ...(intent.portfolio === undefined ? {} : { portfolio: intent.portfolio }),
    };
    const businessTimeMs = this.world.business.nowMs();
    const quotes = new Map<string, QuoteUsed>();
    for (const symbol of symbolsUsed(group, terms)) {
      const quote = this.world.market.quote(symbol);
      if (!quote) continue;
      const { bid, ask, last, time_ms, sequence, source } = quote;
      quotes.set(symbol, { symbol, time_ms, sequence, source, ...(bid === undefined ? {} : { bid }), ...(ask === undefined ? {} : { ask }), ...(last === undefined ? {} : { last }) });
    }
    const inputs: DecisionInputs = {
      policy, businessTimeMs, session: this.reference.sessionOf(request.symbol, businessTimeMs), quotes,
      rates: this.reference.rates(policy?.document.base_currency ?? ''), currencyOf: (symbol) => instruments.get(symbol)?.currency,
    };
    const decision = decideOrder(group, terms, inputs, { decisionId: factIdOf(riskGroupStream(riskGroup, group.day ?? ''), leg.order_id, 0), marketSequence: this.world.market.sequence() });
    return { terms, decision };
  }

  /** The order's stream gets its copy with a deterministic id; then execution is told. Done again on every repeat. */
  private async publish(riskGroup: string, decided: readonly (Decided | { readonly order_id: string })[], cause: Cause): Promise<HandlerOutcome> {
    const results = await Promise.all(decided.map((one) => ('decision' in one ? this.copy(one, cause) : this.copyAgain(riskGroup, one.order_id, cause))));
    return results.find((result) => result.kind !== 'done') ?? DONE;
  }

  private async copy({ terms, decision }: Decided, cause: Cause): Promise<HandlerOutcome> {
    const stream = orderStream(terms.order_id);
    const type = decision.outcome === 'approved' ? 'OrderApproved' : 'OrderDenied';
    const fact: Fact<OrderEvent> = { id: factIdOf(stream, 'decided', 0), event: { type, data: { terms, decision } } };
    const nothing: Loaded<OrderState> = { state: orderFolding.initial(), end: NO_STREAM, ids: new Set() };
    const context = recordContext(this.world, decision.policy_hash, { ...cause, causationId: decision.decision_id });
    const appended = await appendAfter(this.world.store, orderFolding, stream, context, nothing, [fact]);
    // A stream that is there already holds the copy: its first event can be nothing else.
    if (!appended.ok && appended.code !== 'WRONG_EXPECTED_REVISION') return retry(appended);
    this.world.failpoints.at('risk.copied');
    for (const check of failedChecks(decision)) this.world.metrics.count('tally_denials_total', { code: check.code });
    this.world.metrics.count('tally_decisions_total', { outcome: decision.outcome });
    this.world.metrics.count('tally_order_events_total', { type });
    if (decision.outcome === 'approved') this.sendSubmit(terms, decision);
    return DONE;
  }

  /** Decided before: by its order's stream if the copy is there, else from the group's own record. */
  private async copyAgain(riskGroup: string, orderId: string, cause: Cause): Promise<HandlerOutcome> {
    const read = await load(this.world.store, orderFolding, orderStream(orderId));
    if (!read.ok) return retry(read);
    const { state } = read.loaded;
    if (state.terms && state.decision) {
      if (state.status === 'APPROVED') this.sendSubmit(state.terms, state.decision);
      return DONE;
    }
    let day = this.writers.get(riskGroup)?.peek()?.day;
    // A decision made just before the day rolled lies in the stream of the day before.
    for (let days = 0; day !== undefined && days < 2; days += 1) {
      const found = await findDecision(this.world.store, riskGroupStream(riskGroup, day), orderId);
      if (!found.ok) return found.code === 'EVENT_UNREADABLE' ? { kind: 'poison', code: found.code, detail: found.detail } : retry(found);
      if (found.decided) return this.copy(found.decided, cause);
      day = found.previousDay;
    }
    return { kind: 'retry', code: 'DECISION_NOT_FOUND', detail: `${orderId} was decided, and its decision is not in the day's stream yet` };
  }

  private sendSubmit(terms: OrderTerms, decision: Decision): void {
    const subject = commandSubject('execution', partitionOf(decision.risk_group), 'submit');
    const body = { version: 1, order_id: terms.order_id, account: terms.account, execute_by_ms: decision.execute_by_ms };
    void this.world.bus.send(subject, body, `submit/${terms.order_id}`).then((sent) => {
      if (!sent.ok) this.world.log.write('warn', 'order.submit_not_published', { order_id: terms.order_id, detail: sent.detail });
    });
  }
}

const isDecided = (group: RiskGroupState, orderId: string): boolean => group.decided.has(orderId) || group.reservations.has(orderId);

/** Puts a decision into memory only, for deciding the next leg on it, and gives the way to take it out again. */
const putInMemory = (group: RiskGroupState, { terms, decision }: Decided): (() => void) => {
  evolveRiskGroup(group, { type: 'OrderDecided', data: { terms, decision } });
  return () => {
    group.decided.delete(terms.order_id);
    if (decision.outcome !== 'approved') return;
    evolveRiskGroup(group, { type: 'ReservationReleased', data: { order_id: terms.order_id, status: 'undone', source_position: group.sourcePosition.toString() } });
    for (const scope of scopesOf(terms.account, terms.strategy.id)) forgetTime(group.counters.get(scope)?.messageTimesMs ?? [], decision.business_time_ms);
  };
};
