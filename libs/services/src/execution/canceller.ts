import { payloadHashOf } from '@tallystick/contracts';
import { isTerminal, type KnownEvent, type OrderEvent, type OrderState } from '@tallystick/domain';
import { handle } from '@tallystick/event-sourcing';
import type { EncodedRequest, HandlerOutcome } from '@tallystick/ports';
import type { ReferenceData } from '../reference/reference-data.ts';
import { orderFolding } from '../shared/foldings.ts';
import { DONE, retry } from '../shared/outcomes.ts';
import { recordContext, type Cause, type ServicePorts } from '../shared/service-ports.ts';
import type { AccountGate } from './account-gate.ts';
import type { DoubtResolver } from './doubt.ts';
import { knownEnd } from './known-events.ts';

/** Cancels at the venues. Claimed before they are sent, and, unlike orders, sent again without harm. */
export class Canceller {
  /** Orders whose cancel is being sent right now: a repeated command leaves them alone. */
  private readonly underWay = new Set<string>();

  constructor(
    private readonly world: ServicePorts,
    private readonly reference: ReferenceData,
    private readonly doubts: DoubtResolver,
    private readonly onClaimed: (claim: KnownEvent | undefined) => void,
  ) {}

  async send(gate: AccountGate | undefined, stream: string, state: OrderState, cause: Cause): Promise<HandlerOutcome> {
    const { terms, claim, cancel } = state;
    if (!terms || !cancel || !gate) return { kind: 'poison', code: 'NOTHING_TO_CANCEL', detail: `${stream} has nothing to cancel here` };
    if (cancel.stage === 'rejected' || this.underWay.has(terms.order_id)) return DONE;
    const clientOrderId = gate.venue.clientOrderId(terms.order_id, 'cancel', cancel.no);
    // An order that a lost log had sent has no claim in this one; the id it was sent with is the same.
    const target = claim?.client_order_id ?? gate.venue.clientOrderId(terms.order_id, 'place', 1);
    const request = gate.venue.encode({ action: 'cancel', client_order_id: clientOrderId, target_client_order_id: target, account: terms.account,
      ...(state.venueOrderId === undefined ? {} : { venue_order_id: state.venueOrderId }) });
    this.underWay.add(terms.order_id);
    try {
      // One claimed before left no outcome.
      const claimed = cancel.stage === 'claimed' ? 'claimed' : await this.claim(stream, gate, { cancelNo: cancel.no, clientOrderId, request }, cause);
      if (claimed !== 'claimed') return claimed;
      this.world.failpoints.at('execution.cancel-claimed');
      await gate.rate.acquire('cancel');
      const outcome = await this.world.inSpan('venue.cancel', undefined, () => gate.send(request));
      if (outcome.kind === 'confirmed' || outcome.kind === 'refused_by_venue') return await gate.recordAnswer(clientOrderId, outcome, cause);
      // The order's own state at the venue says what became of it.
      return await this.doubts.ask(gate, state, cause);
    } finally {
      this.underWay.delete(terms.order_id);
    }
  }

  private async claim(stream: string, gate: AccountGate, cancel: { readonly cancelNo: number; readonly clientOrderId: string; readonly request: EncodedRequest }, cause: Cause): Promise<HandlerOutcome | 'claimed'> {
    const claimId = this.world.ports.ids.unique('claim');
    const event: OrderEvent = { type: 'CancelClaimed', data: { cancel_no: cancel.cancelNo, claim_id: claimId, client_order_id: cancel.clientOrderId,
      payload_hash: payloadHashOf(cancel.request), epoch: gate.epoch, owner: this.world.identity.instance } };
    const claimed = await handle(this.world.store, orderFolding, stream, recordContext(this.world, this.reference.policyHash(), cause), ({ state }) =>
      (state.cancel?.stage === 'requested' && !isTerminal(state.status) ? [{ id: claimId, event }] : []));
    if (!claimed.ok) return retry(claimed);
    if (claimed.recorded.length === 0) return DONE;
    this.onClaimed(knownEnd(stream, claimId, claimed.loaded));
    return 'claimed';
  }
}
