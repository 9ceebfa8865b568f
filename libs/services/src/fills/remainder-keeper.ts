import { commandSubject, decodeOrder, orderIdOfStream, partitionOf } from '@tallystick/contracts';
import { isTerminal, NO_ORDER, evolveOrder, type OrderState } from '@tallystick/domain';
import type { RecordedEvent, Stop, Subscription } from '@tallystick/ports';
import type { ServicePorts } from '../shared/service-ports.ts';

/** Business time only moves with the market; looking more often than this finds nothing new. */
const LOOK_EVERY_MS = 20;

const WAITS_A_TIME = 'cancel_after';

/** An order that will have to be cancelled some day. Most wait for ever: what does not even hold the word is not parsed. */
const begins = (event: RecordedEvent): boolean => {
  if (event.type !== 'OrderApproved') return false;
  const stored = event.spelled?.data;
  if (stored && !Buffer.from(stored.buffer, stored.byteOffset, stored.length).includes(WAITS_A_TIME)) return false;
  return (event.data as { readonly terms?: { readonly remainder?: { readonly kind?: unknown } } }).terms?.remainder?.kind === WAITS_A_TIME;
};

/**
 * Remainder policy: asks for the cancel of an order that has waited its time at the venue (business time since the first
 * acknowledgement). Keeps no memory that the log does not give back: a restart folds the open orders again.
 */
export class RemainderKeeper {
  private readonly open = new Map<string, OrderState>();
  private readonly asked = new Set<string>();
  private subscription: Subscription | undefined;
  private stopLooking: Stop | undefined;

  constructor(
    private readonly world: ServicePorts,
    private readonly onFailed: (error: unknown) => void,
  ) {}

  start(): void {
    this.subscription = this.world.store.subscribeAll({ name: 'remainder', after: 'start', streamPrefixes: ['order-'], onFailed: this.onFailed, onEvent: (event) => this.note(event) });
    this.stopLooking = this.world.ports.timers.every(LOOK_EVERY_MS, 'remainders', () => this.cancelDue());
  }

  async stop(): Promise<void> {
    this.stopLooking?.();
    await this.subscription?.stop();
  }

  private note(recorded: RecordedEvent): void {
    const orderId = orderIdOfStream(recorded.stream);
    if (orderId === undefined) return;
    const known = this.open.get(orderId);
    // Most orders wait for ever: their events are passed over before the dear part, which is reading them.
    if (!known && !begins(recorded)) return;
    const decoded = decodeOrder(recorded);
    if (!decoded.ok) return;
    const state = evolveOrder(known ?? NO_ORDER, decoded.event);
    if (isTerminal(state.status)) {
      this.open.delete(orderId);
      this.asked.delete(orderId);
    } else this.open.set(orderId, state);
  }

  private async cancelDue(): Promise<void> {
    const now = this.world.business.nowMs();
    if (now === undefined) return;
    for (const [orderId, state] of this.open) {
      const { terms, decision, acknowledgedAtMs } = state;
      if (!terms || !decision || terms.remainder.kind !== WAITS_A_TIME || acknowledgedAtMs === undefined) continue;
      if (now < acknowledgedAtMs + terms.remainder.after_ms || state.cancel !== undefined || this.asked.has(orderId)) continue;
      const body = { version: 1, order_id: orderId, account: terms.account, reason: `remainder policy: ${terms.remainder.after_ms} ms passed`, requested_by: 'service:fills' };
      const sent = await this.world.bus.send(commandSubject('execution', partitionOf(decision.risk_group), 'cancel'), body, `remainder/${orderId}`);
      if (sent.ok) this.asked.add(orderId);
    }
  }
}
