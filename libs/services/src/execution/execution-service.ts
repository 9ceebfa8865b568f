import { auditStream, factIdOf, orderStream, payloadHashOf } from '@tallystick/contracts';
import {
  decideCancel, decideClaim, isTerminal, withholdClaimed,
  type AuditEvent, type Claim, type Decision, type OrderEvent, type OrderState, type OrderTerms, type Refusal,
} from '@tallystick/domain';
import { appendAfter, handle, load, OwnedStream, type Loaded } from '@tallystick/event-sourcing';
import type { AnchorFile, EncodedRequest, HandlerOutcome, Venue } from '@tallystick/ports';
import { KillDesk } from '../kill/kill-desk.ts';
import { KillKeeper } from '../kill/kill-keeper.ts';
import { OpenOrders } from '../kill/open-orders.ts';
import type { ReferenceData } from '../reference/reference-data.ts';
import { auditFolding, orderFolding } from '../shared/foldings.ts';
import { DONE, retry } from '../shared/outcomes.ts';
import { placeCommand } from '../shared/payload.ts';
import { recordContext, type Cause, type ServicePorts } from '../shared/service-ports.ts';
import { AccountGate } from './account-gate.ts';
import { askFirst } from './ask-first.ts';
import { Canceller } from './canceller.ts';
import { sendRefusals } from './checks.ts';
import { DoubtResolver } from './doubt.ts';
import { Fences } from './fences.ts';
import { knownEnd } from './known-events.ts';
import { acquireLease } from './lease.ts';
import { LogAnchor } from './log-anchor.ts';


/** Snapshots come by another way than commands and are seldom later than this. */
const MARKET_WAIT_MS = 250;

interface Ready {
  readonly gate: AccountGate;
  readonly terms: OrderTerms;
  readonly decision: Decision;
}

/** The one door to the venues. */
export class ExecutionService {
  private readonly gates = new Map<string, AccountGate>();
  private readonly epochs = new Map<string, number>();
  private readonly fences: Fences;
  private readonly doubts: DoubtResolver;
  private readonly anchor: LogAnchor;
  /** Orders this process is sending or asking about right now: a repeated command leaves them alone. */
  private readonly busy = new Set<string>();
  private readonly canceller: Canceller;
  private audit: OwnedStream<null, AuditEvent> | undefined;
  private killKeeper: KillKeeper | undefined;
  readonly killDesk: KillDesk;
  private steppedDown = false;

  constructor(
    private readonly world: ServicePorts,
    private readonly reference: ReferenceData,
    private readonly venues: ReadonlyMap<string, Venue>,
    anchorFile: AnchorFile,
    /** Ends this process: another owns the lease, or the log cannot be followed, or is another one. */
    private readonly giveUp: (detail: string) => void,
  ) {
    this.anchor = new LogAnchor(world, anchorFile, giveUp);
    this.fences = new Fences(world.store, world.tail, reference, world.ports.timers);
    this.doubts = new DoubtResolver(world, reference);
    this.canceller = new Canceller(world, reference, this.doubts, (claim) => this.anchor.note(claim));
    this.killDesk = new KillDesk(world);
  }

  /**
   * Takes the lease of every risk group served, and opens its accounts as soon as the log is known to be the one that was traded on. Throws when
   * the store cannot answer: the process starts again.
   */
  async start(serves: (riskGroup: string) => boolean): Promise<void> {
    const opened = await OwnedStream.open(this.world.store, auditFolding, auditStream(this.world.identity.instance));
    if (!opened.ok) throw new Error(`${opened.code}: ${opened.detail}`);
    this.audit = opened.owned;
    const document = this.reference.policy()?.document;
    let usedBefore = false;
    for (const riskGroup of Object.keys(document?.risk_groups ?? {}).filter(serves)) {
      const lease = await acquireLease(this.world, 'execution', riskGroup);
      if (!lease.ok) throw new Error(`${lease.code}: ${lease.detail}`);
      this.epochs.set(riskGroup, lease.epoch);
      this.anchor.note(lease.newest);
      usedBefore ||= lease.usedBefore;
    }
    const admitted = this.anchor.admit(usedBefore);
    for (const [account, { venue: name, risk_group: riskGroup }] of Object.entries(document?.accounts ?? {})) {
      const venue = this.venues.get(name);
      const epoch = this.epochs.get(riskGroup);
      if (venue && epoch !== undefined) this.gates.set(account, new AccountGate(this.world, venue, account, riskGroup, epoch, admitted, this.reference));
    }
    this.keepKills(opened.owned);
  }

  /** From here on this executor acts on kills. */
  private keepKills(audit: OwnedStream<null, AuditEvent>): void {
    const failed = (error: unknown): void => this.giveUp(`open orders cannot be followed: ${String(error)}`);
    this.killKeeper = new KillKeeper(this.world, this.reference, {
      desk: this.killDesk, audit, orders: new OpenOrders(this.world.store, this.world.ports.timers, failed),
      hands: {
        serves: ({ account }) => this.gates.has(account),
        withhold: ({ orderId, account }, causationId) => this.submit({ order_id: orderId, account }, causationId),
        cancel: ({ orderId }, kill, causationId) => this.cancel({ order_id: orderId, reason: `kill of ${kill.scope}: ${kill.reason}`.slice(0, 256), requested_by: kill.engaged_by }, causationId),
      },
    });
    this.killKeeper.start();
  }

  async stop(): Promise<void> {
    await this.killKeeper?.stop();
    await this.anchor.stop();
    await Promise.all([...this.gates.values()].map((gate) => gate.stop()));
  }

  accounts(): readonly { readonly account: string; readonly state: string }[] {
    return [...this.gates.values()].map((gate) => ({ account: gate.account, state: gate.state() }));
  }

  /** Whether the log is the one that was traded on, and is remembered as far as it goes. */
  logHealth(): { readonly ok: boolean; readonly detail: string } {
    return this.anchor.health();
  }

  /** Claims and sends an approved order, once ever; asks about one that was claimed before. */
  async submit(command: { readonly order_id: string; readonly account: string }, causationId: string): Promise<HandlerOutcome> {
    if (this.steppedDown) return { kind: 'retry', code: 'LEASE_LOST', detail: 'another executor owns this risk group' };
    const hold = this.anchor.hold();
    if (hold) return retry(hold);
    if (this.busy.has(command.order_id)) return DONE;
    this.busy.add(command.order_id);
    try {
      return await this.submitOne(command.order_id, causationId);
    } finally {
      this.busy.delete(command.order_id);
    }
  }

  /** Records the request and cancels at the venue; an order not yet sent is withheld instead. */
  async cancel(command: { readonly order_id: string; readonly reason: string; readonly requested_by: string }, causationId: string): Promise<HandlerOutcome> {
    const stream = orderStream(command.order_id);
    const cause: Cause = { correlationId: command.order_id, causationId, actor: command.requested_by };
    const requested = await handle(this.world.store, orderFolding, stream, this.context(cause), ({ state }) => {
      const decided = decideCancel(state, { reason: command.reason, requested_by: command.requested_by });
      return decided.kind === 'record' ? [{ id: factIdOf(stream, causationId, 0), event: decided.event }] : [];
    });
    if (!requested.ok) return retry(requested);
    const { state } = requested;
    if (state.terms === undefined) return { kind: 'poison', code: 'ORDER_UNKNOWN', detail: `no order ${command.order_id}` };
    if (isTerminal(state.status)) return DONE;
    // Not claimed yet: its submit will find the request and withhold it; do that now rather than wait for it.
    if (state.status === 'APPROVED') return this.submit({ order_id: command.order_id, account: state.terms.account }, causationId);
    return this.canceller.send(this.gates.get(state.terms.account), stream, state, cause);
  }

  private context(cause: Cause) {
    return recordContext(this.world, this.reference.policyHash(), cause);
  }

  private async submitOne(orderId: string, causationId: string): Promise<HandlerOutcome> {
    const stream = orderStream(orderId);
    const read = await this.orderToSend(stream);
    if (!read.ok) return read.code === 'STREAM_UNREADABLE' ? { kind: 'poison', code: read.code, detail: read.detail } : retry(read);
    const { loaded } = read;
    const { state } = loaded;
    const { terms, decision } = state;
    if (!terms || !decision) {
      await this.recordBypass('ORDER_UNKNOWN', `asked to submit ${orderId}, which nobody decided on`, orderId);
      return { kind: 'poison', code: 'ORDER_UNKNOWN', detail: `no decision for ${orderId} is recorded` };
    }
    const gate = this.gates.get(terms.account);
    if (!gate) return { kind: 'poison', code: 'ACCOUNT_NOT_SERVED', detail: `account ${terms.account} is not served here` };
    if (gate.state() === 'NOT_READY') return { kind: 'retry', code: 'ACCOUNT_NOT_READY', detail: `account ${terms.account} is not reconciled yet` };
    const cause: Cause = { correlationId: terms.intent_key, causationId };
    const lostBeforeMs = this.anchor.lostBeforeMs();
    if (state.status === 'APPROVED' && lostBeforeMs !== undefined) {
      const asked = await askFirst(this.world, gate, terms, lostBeforeMs, cause);
      if (asked !== 'absent') return asked;
    }
    // The decision was made on this step of the market; judging it on an older one would be judging another order.
    await this.world.market.reached(decision.market_sequence, MARKET_WAIT_MS);
    const refusals = await this.refusalsBeforeClaim(terms, decision);
    const decided = decideClaim(state, refusals, this.world.business.nowMs());
    switch (decided.kind) {
      case 'nothing':
        return state.status === 'IN_DOUBT' ? this.doubts.resolve(gate, stream, state, cause) : DONE;
      case 'ask':
        return this.doubts.resolve(gate, stream, state, cause);
      case 'withhold':
        return this.recordWithheld(stream, loaded, decided.event, cause);
      case 'claim':
        return this.claimAndSend(stream, loaded, { gate, terms, decision }, cause);
    }
  }

  /** An approved order comes from the tail: were anything recorded since, its claim would be refused. Any other is read. */
  private async orderToSend(stream: string): Promise<Awaited<ReturnType<typeof load<OrderState, OrderEvent>>>> {
    const pushed = this.world.tail.loaded(orderFolding, stream);
    return pushed?.state.status === 'APPROVED' ? { ok: true, loaded: pushed } : load(this.world.store, orderFolding, stream);
  }

  private async refusalsBeforeClaim(terms: OrderTerms, decision: Decision): Promise<readonly Refusal[]> {
    if (decision.outcome === 'approved' && this.reference.verifyDecision(terms, decision)) return sendRefusals(this.world, this.reference, terms, decision);
    await this.recordBypass('DECISION_SIGNATURE_INVALID', 'the recorded decision is not signed by the risk service', terms.order_id);
    return [{ code: 'DECISION_SIGNATURE_INVALID', detail: 'the recorded decision is not signed by the risk service' }];
  }

  private async recordWithheld(stream: string, loaded: Loaded<OrderState>, event: OrderEvent, cause: Cause): Promise<HandlerOutcome> {
    const appended = await appendAfter(this.world.store, orderFolding, stream, this.context(cause), loaded, [{ id: factIdOf(stream, 'withheld', 0), event }]);
    if (!appended.ok) this.world.tail.forget(stream);
    if (appended.ok && event.type === 'SubmissionWithheld') this.world.metrics.count('tally_withheld_total', { code: event.data.code });
    return appended.ok ? DONE : retry(appended);
  }

  private async claimAndSend(stream: string, loaded: Loaded<OrderState>, ready: Ready, cause: Cause): Promise<HandlerOutcome> {
    const { gate, terms, decision } = ready;
    await gate.rate.acquire('submit');
    const request = gate.venue.encode(placeCommand(gate.venue, terms));
    const claim: Claim = {
      claim_id: this.world.ports.ids.unique('claim'), client_order_id: gate.venue.clientOrderId(terms.order_id, 'place', 1), venue: terms.venue,
      payload_hash: payloadHashOf(request), policy_hash: decision.policy_hash, epoch: gate.epoch, owner: this.world.identity.instance,
      market_sequence: this.world.market.sequence(), business_time_ms: this.world.business.nowMs() ?? 0, claimed_at_ms: this.world.ports.clock.nowMs(),
    };
    this.world.failpoints.at('execution.claiming');
    const claimed = await appendAfter(this.world.store, orderFolding, stream, this.context(cause), loaded, [{ id: claim.claim_id, event: { type: 'SubmissionClaimed', data: claim } }]);
    // Lost or unknown: not owned. The command comes again, finds what is recorded, and asks if there is a claim.
    if (!claimed.ok) {
      this.world.tail.forget(stream);
      return retry(claimed);
    }
    this.world.metrics.count('tally_order_events_total', { type: 'SubmissionClaimed' });
    this.anchor.note(knownEnd(stream, claim.claim_id, claimed.loaded));
    this.world.failpoints.at('execution.claimed');
    const fence = await this.fences.check(gate.riskGroup, gate.epoch, claimed.position);
    if (fence.kind === 'stopped') {
      if (fence.code === 'LEASE_LOST') this.stepDown(fence.detail);
      return this.withhold(stream, fence, cause);
    }
    // From here to the write nothing is awaited: what was checked is what holds.
    const [refusal] = sendRefusals(this.world, this.reference, terms, decision);
    if (refusal) return this.withhold(stream, refusal, cause);
    if (payloadHashOf(request) !== claim.payload_hash) return this.withhold(stream, { code: 'PAYLOAD_CHANGED', detail: 'the bytes are not those claimed' }, cause);
    return this.send(stream, gate, request, claim, cause);
  }

  private async send(stream: string, gate: AccountGate, request: EncodedRequest, claim: Claim, cause: Cause): Promise<HandlerOutcome> {
    const started = this.world.ports.clock.monotonicMs();
    gate.trace(claim.client_order_id);
    const outcome = await this.world.inSpan('venue.place', undefined, () => gate.send(request));
    this.world.failpoints.at('execution.answered');
    this.world.metrics.observeMs('tally_venue_submit_ms', this.world.ports.clock.monotonicMs() - started, { outcome: outcome.kind });
    switch (outcome.kind) {
      case 'not_sent':
        return this.withhold(stream, { code: outcome.code, detail: outcome.detail }, cause);
      case 'confirmed':
      case 'refused_by_venue':
        return gate.recordAnswer(claim.client_order_id, outcome, cause);
      case 'unknown': {
        const loaded = await load(this.world.store, orderFolding, stream);
        if (!loaded.ok) return retry(loaded);
        return this.doubts.resolve(gate, stream, loaded.loaded.state, cause, { code: outcome.code, detail: outcome.detail });
      }
    }
  }

  /** After the claim: nothing was written to the venue, and saying so ends the order. */
  private async withhold(stream: string, refusal: Refusal, cause: Cause): Promise<HandlerOutcome> {
    const done = await handle(this.world.store, orderFolding, stream, this.context(cause), ({ state }) =>
      withholdClaimed(state, refusal, this.world.business.nowMs()).map((event) => ({ id: factIdOf(stream, 'withheld', 0), event })));
    if (done.ok) this.world.metrics.count('tally_withheld_total', { code: refusal.code });
    return done.ok ? DONE : retry(done);
  }

  private stepDown(detail: string): void {
    this.steppedDown = true;
    this.world.log.write('error', 'execution.lease_lost', { detail });
    this.giveUp(detail);
  }

  private async recordBypass(code: string, detail: string, orderId: string): Promise<void> {
    this.world.metrics.count('tally_bypass_attempts_total', { code });
    this.world.log.write('error', 'policy.bypass_attempted', { code, detail, order_id: orderId });
    await this.audit?.submit(this.context({ correlationId: orderId, causationId: orderId }), () => ({
      result: undefined, facts: [{ id: this.world.ports.ids.unique('audit'), event: { type: 'BypassAttempted', data: { code, detail, order_id: orderId } } }] }));
  }
}
