import { factIdOf } from '@tallystick/contracts';
import { decideNotReceived, putInDoubt, type OrderState } from '@tallystick/domain';
import { handle } from '@tallystick/event-sourcing';
import type { HandlerOutcome, JsonObject } from '@tallystick/ports';
import type { ReferenceData } from '../reference/reference-data.ts';
import { orderFolding } from '../shared/foldings.ts';
import { DONE, retry } from '../shared/outcomes.ts';
import { recordContext, type Cause, type ServicePorts } from '../shared/service-ports.ts';
import type { AccountGate } from './account-gate.ts';


/** After this an order still in doubt is a person's business; the alert says so. */
const DOUBT_DEADLINE_MS = 60_000;
/** Questions asked in one go; after that the command is given back and comes again. */
const QUESTIONS_MAX = 5;
const FIRST_WAIT_MS = 50;

/**
 * Law 4. An order whose outcome is not known is put in doubt, durably, and asked about by its client order id. It is never sent again.
 * Only the venue's evidence ends it: a report, or an authoritative "not found" once the venue's admissibility window has passed.
 */
export class DoubtResolver {
  constructor(
    private readonly world: ServicePorts,
    private readonly reference: ReferenceData,
  ) {}

  async resolve(gate: AccountGate, stream: string, state: OrderState, cause: Cause, why = { code: 'CLAIM_WITHOUT_OUTCOME', detail: 'an earlier run claimed it and left no outcome' }): Promise<HandlerOutcome> {
    const { claim } = state;
    if (!claim) return DONE;
    const context = recordContext(this.world, this.reference.policyHash(), cause);
    const doubted = await handle(this.world.store, orderFolding, stream, context, ({ state: now }) =>
      putInDoubt(now, { ...why, owner: this.world.identity.instance, deadline_ms: this.world.ports.clock.nowMs() + DOUBT_DEADLINE_MS })
        .map((event) => ({ id: factIdOf(stream, `doubt/${claim.claim_id}`, 0), event })));
    if (!doubted.ok) return retry(doubted);
    if (doubted.recorded.length > 0) {
      this.world.metrics.count('tally_in_doubt_total', { code: why.code });
      this.world.log.write('warn', 'order.in_doubt', { stream, code: why.code, detail: why.detail });
    }
    if (doubted.state.status !== 'IN_DOUBT') return DONE;
    return this.ask(gate, doubted.state, cause);
  }

  /** Asks the venue and records what it says. `retry` while it cannot say. */
  async ask(gate: AccountGate, state: OrderState, cause: Cause): Promise<HandlerOutcome> {
    const { claim, terms } = state;
    if (!claim || !terms) return DONE;
    const claimedAtMs = claim.claimed_at_ms;
    const { admissibility_window_ms: windowMs } = gate.venue.descriptor;
    let waitMs = FIRST_WAIT_MS;
    for (let question = 0; question < QUESTIONS_MAX; question += 1) {
      const askedAtMs = this.world.ports.clock.nowMs();
      const answer = await gate.venue.query(gate.account, claim.client_order_id);
      this.world.failpoints.at('execution.queried');
      if (answer.kind === 'ok') {
        const recorded = await gate.reports.record(answer.value, cause);
        return recorded.ok ? DONE : retry(recorded);
      }
      if (answer.kind === 'absent' && askedAtMs - claimedAtMs >= windowMs) {
        return this.recordNotReceived(gate, terms.order_id, claim.client_order_id, askedAtMs - claimedAtMs, answer.raw, cause);
      }
      const untilWindow = answer.kind === 'absent' ? claimedAtMs + windowMs - askedAtMs : 0;
      await this.world.ports.timers.sleep(Math.max(waitMs, untilWindow), 'ask the venue again');
      waitMs *= 2;
    }
    return { kind: 'retry', code: 'STILL_IN_DOUBT', detail: `the venue cannot say what became of ${terms.order_id}` };
  }

  private async recordNotReceived(gate: AccountGate, orderId: string, clientOrderId: string, waitedMs: number, raw: JsonObject, cause: Cause): Promise<HandlerOutcome> {
    const now = this.world.ports.clock.nowMs();
    const recorded = await gate.reports.record({ report_id: `absent-${clientOrderId}`, account: gate.account, channel: 'query', body: raw }, cause);
    if (!recorded.ok) return retry(recorded);
    const stream = `order-${orderId}`;
    const done = await handle(this.world.store, orderFolding, stream, recordContext(this.world, this.reference.policyHash(), cause), ({ state }) =>
      decideNotReceived(state, { report: recorded.ref, time_ms: now, waited_ms: waitedMs, admissibility_window_ms: gate.venue.descriptor.admissibility_window_ms })
        .map((event) => ({ id: factIdOf(stream, 'not-received', 0), event })));
    return done.ok ? DONE : retry(done);
  }
}
