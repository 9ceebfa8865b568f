import type { CloudEventV1, OrderViewV1 } from '@tallystick/contracts';
import type { Ports } from '@tallystick/ports';
import { unlessAborted } from '../ask.ts';
import type { Queried } from '../queries.ts';
import { TrackedOrder, type OrderStanding } from './tracked-order.ts';

/** What becomes of an intent's orders. `event`: as relayed from the log. `state`: events may be missing before this, the order stands so. */
export type OrderNews = { readonly kind: 'event'; readonly event: CloudEventV1 } | { readonly kind: 'state'; readonly order: OrderStanding };

export type Waited = { readonly ok: true; readonly orders: readonly OrderStanding[] } | { readonly ok: false; readonly code: 'ABORTED' | 'CLOSED'; readonly orders: readonly OrderStanding[] };

/** The relay may lose a message: whoever waits asks the read model when nothing was heard for so long, then less and less often. */
const ASK_AFTER_MS_MIN = 1_000;
const ASK_AFTER_MS_MAX = 30_000;
/** An order with more fills than this between two looks gives its state instead of the oldest of them. */
const NEWS_KEPT_MAX = 1_000;

/** One accepted intent and its orders, kept current by the relay and, for what was missed, by the read model. */
export class TrackedIntent {
  private readonly orders: ReadonlyMap<string, TrackedOrder>;
  private readonly news: OrderNews[] = [];
  /** How many were dropped from the front of `news`. */
  private dropped = 0;
  private readonly wakers = new Set<() => void>();
  private asking: Promise<void> | undefined;

  constructor(
    readonly intentKey: string,
    orderIds: readonly string[],
    private readonly ports: Ports,
    private readonly ask: () => Promise<Queried<OrderViewV1>>,
    private readonly closed: AbortSignal,
  ) {
    this.orders = new Map(orderIds.map((id) => [id, new TrackedOrder(id)]));
  }

  orderIds(): readonly string[] {
    return [...this.orders.keys()];
  }

  standing(): readonly OrderStanding[] {
    return [...this.orders.values()].map((order) => order.standing());
  }

  isDecided(): boolean {
    return [...this.orders.values()].every((order) => order.isDecided());
  }

  isSettled(): boolean {
    return [...this.orders.values()].every((order) => order.isSettled());
  }

  heard(orderId: string, event: CloudEventV1): void {
    const applied = this.orders.get(orderId)?.apply(event);
    if (applied === 'changed') this.tell({ kind: 'event', event });
    else if (applied === 'gap') void this.refresh();
  }

  /** Asks the read model, once at a time. A failure leaves what is known. */
  refresh(): Promise<void> {
    this.asking ??= this.ask()
      .then((queried) => {
        for (const view of queried.ok ? queried.items : []) {
          const order = this.orders.get(view.order_id);
          if (order?.adopt(view)) this.tell({ kind: 'state', order: order.standing() });
        }
      })
      .finally(() => {
        this.asking = undefined;
      });
    return this.asking;
  }

  async until(done: () => boolean, signal: AbortSignal | undefined): Promise<Waited> {
    const gone = signal ? AbortSignal.any([signal, this.closed]) : this.closed;
    let quietMs = ASK_AFTER_MS_MIN;
    while (!done()) {
      if (gone.aborted) return { ok: false, code: this.closed.aborted ? 'CLOSED' : 'ABORTED', orders: this.standing() };
      if (await this.heardWithin(quietMs, gone)) continue;
      if (gone.aborted) continue;
      await unlessAborted(this.refresh(), gone);
      quietMs = Math.min(quietMs * 2, ASK_AFTER_MS_MAX);
    }
    return { ok: true, orders: this.standing() };
  }

  /** From the first event on; ends when every order has ended, the signal aborts or the connection closes. */
  async *events(signal: AbortSignal | undefined): AsyncGenerator<OrderNews, void> {
    let next = 0;
    for (;;) {
      if (next < this.dropped) {
        next = this.dropped;
        for (const order of this.standing()) yield { kind: 'state', order };
      }
      while (next - this.dropped < this.news.length) {
        const one = this.news[next - this.dropped];
        next += 1;
        if (one) yield one;
        if (next < this.dropped) break;
      }
      if (next < this.dropped || next - this.dropped < this.news.length) continue;
      if (this.isSettled()) return;
      const seen = next;
      const waited = await this.until(() => this.dropped + this.news.length > seen || this.isSettled(), signal);
      if (!waited.ok) return;
    }
  }

  private tell(one: OrderNews): void {
    this.news.push(one);
    if (this.news.length > NEWS_KEPT_MAX) {
      this.news.shift();
      this.dropped += 1;
    }
    for (const wake of [...this.wakers]) wake();
  }

  private async heardWithin(ms: number, signal: AbortSignal): Promise<boolean> {
    const woken = new AbortController();
    let heard = false;
    const wake = (): void => {
      heard = true;
      woken.abort();
    };
    this.wakers.add(wake);
    await this.ports.timers.sleep(ms, 'news of orders', AbortSignal.any([signal, woken.signal]));
    this.wakers.delete(wake);
    return heard;
  }
}
