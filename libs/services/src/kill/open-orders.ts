import { orderIdOfStream } from '@tallystick/contracts';
import type { KillSubject } from '@tallystick/domain';
import type { EventStore, RecordedEvent, Subscription, Timers } from '@tallystick/ports';
import { z } from 'zod';

export interface OpenOrder extends KillSubject {
  readonly orderId: string;
  /** Claimed: the venue may have it. */
  readonly sent: boolean;
}

const READ_AGAIN_MS = 500;
const ENDS: ReadonlySet<string> = new Set(['SubmissionWithheld', 'OrderRejected', 'OrderCanceled', 'OrderExpired', 'OrderNotReceived']);

/** What a scope asks of an approval; the rest of it, by far the most, is left alone. */
const Approval = z.object({ terms: z.object({ account: z.string(), strategy: z.object({ id: z.string() }), symbol: z.string(), venue: z.string() }) });

/**
 * The orders that may still be open, from the log: never fewer than there are, at times one more that has just ended. Who acts on one
 * reads its stream first. Events are looked at by their type, so that following costs next to nothing.
 */
export class OpenOrders {
  private readonly orders = new Map<string, OpenOrder>();
  private subscription: Subscription | undefined;
  private stopped = false;

  constructor(
    private readonly store: EventStore,
    private readonly timers: Timers,
    private readonly onFailed: (error: unknown) => void,
  ) {}

  start(): void {
    this.subscription = this.store.subscribeAll({ name: 'open-orders', after: 'start', streamPrefixes: ['order-'], onFailed: this.onFailed, onEvent: (event) => this.take(event) });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.subscription?.stop();
  }

  /** Whether what it has is all there is: before, orders of earlier runs may be missing. */
  isLive(): boolean {
    return this.subscription?.isLive() ?? false;
  }

  all(): Iterable<OpenOrder> {
    return this.orders.values();
  }

  private async take(recorded: RecordedEvent): Promise<void> {
    const orderId = orderIdOfStream(recorded.stream);
    if (orderId === undefined) return;
    const { type } = recorded;
    if (ENDS.has(type) || (type === 'OrderFilled' && recorded.data['leaves_qty'] === '0')) this.orders.delete(orderId);
    else if (type === 'OrderApproved') this.begin(orderId, recorded, false);
    else if (type === 'SubmissionClaimed' || type === 'OrderAcknowledged' || type === 'OrderFilled') await this.sent(orderId, recorded);
  }

  private begin(orderId: string, first: RecordedEvent, sent: boolean): void {
    const approval = first.type === 'OrderApproved' ? Approval.safeParse(first.data) : undefined;
    if (!approval?.success) return;
    const { account, strategy, symbol, venue } = approval.data.terms;
    this.orders.set(orderId, { orderId, account, strategy: strategy.id, symbol, venue, sent });
  }

  /** News of an order that was over: the venue has it after all. Its terms are in its first event. */
  private async sent(orderId: string, recorded: RecordedEvent): Promise<void> {
    const known = this.orders.get(orderId);
    if (known) {
      if (!known.sent) this.orders.set(orderId, { ...known, sent: true });
      return;
    }
    while (!this.stopped) {
      const read = await this.store.read(recorded.stream, { maxCount: 1 });
      const [first] = read.ok ? read.events : [];
      if (read.ok) {
        if (first) this.begin(orderId, first, true);
        return;
      }
      await this.timers.sleep(READ_AGAIN_MS, 'open orders read again');
    }
  }
}
