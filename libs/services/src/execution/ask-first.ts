import type { OrderTerms } from '@tallystick/domain';
import type { HandlerOutcome } from '@tallystick/ports';
import { DONE, retry } from '../shared/outcomes.ts';
import type { Cause, ServicePorts } from '../shared/service-ports.ts';
import type { AccountGate } from './account-gate.ts';

/** Keys of intents are made of a signal's own time or of a rebalance: who says one again after a day does not mean it. */
export const ASK_FIRST_MS = 86_400_000;

/**
 * One send per order, ever: also by a log that stands in for one that is lost. What that one sent is not known here, so the venue is asked
 * about the order before it is claimed or withheld. `lostBeforeMs`: process time before which the lost log had sent whatever it sent. What the venue knows of it is recorded, and becomes facts of the order as any report does;
 * `absent` is the venue's word that it has none, given after all that the lost log sent must have arrived.
 */
export const askFirst = async (world: ServicePorts, gate: AccountGate, terms: OrderTerms, lostBeforeMs: number, cause: Cause): Promise<HandlerOutcome | 'absent'> => {
  const { venue, account } = gate;
  const askedAtMs = world.ports.clock.nowMs();
  const answer = await venue.query(account, venue.clientOrderId(terms.order_id, 'place', 1));
  switch (answer.kind) {
    case 'ok': {
      const recorded = await gate.reports.record(answer.value, cause);
      if (!recorded.ok) return retry(recorded);
      world.log.write('warn', 'order.sent_before', { order_id: terms.order_id, account, detail: 'by a log that is lost: the venue has it, and it is not sent again' });
      return DONE;
    }
    case 'absent':
      if (askedAtMs - lostBeforeMs >= venue.descriptor.admissibility_window_ms) return 'absent';
      return { kind: 'retry', code: 'ABSENT_TOO_EARLY', detail: `what the lost log sent of ${terms.order_id} may still be on its way` };
    case 'unavailable':
      return retry(answer);
  }
};
