import { CloudEventV1, eventSubject, orderIdOfStream } from '@tallystick/contracts';
import type { JsonValue, Log, Stop } from '@tallystick/ports';
import type { Wire } from '../wire.ts';
import type { TrackedIntent } from './tracked-intent.ts';

/** Intents heard of at once. Beyond it the oldest hears no more of the relay and lives on the read model's answers. */
const TRACKED_MAX = 10_000;

const subjectOf = (body: JsonValue): string => {
  const subject = typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as { readonly [key: string]: JsonValue })['subject'] : undefined;
  return typeof subject === 'string' ? subject : '';
};

/** The relay's order events of one account, each handed to the intent it belongs to. */
export class OrderFeed {
  private readonly byOrder = new Map<string, TrackedIntent>();
  private readonly tracked = new Map<string, TrackedIntent>();
  private stopListening: Stop | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly account: string,
    private readonly log: Log,
  ) {}

  find(intentKey: string): TrackedIntent | undefined {
    return this.tracked.get(intentKey);
  }

  /** Before the intent is sent: its first events may overtake the answer. */
  track(intent: TrackedIntent): void {
    this.stopListening ??= this.wire.listen(eventSubject('order', '*', this.account), (body) => this.hear(body));
    this.tracked.set(intent.intentKey, intent);
    for (const id of intent.orderIds()) this.byOrder.set(id, intent);
    const [oldest] = this.tracked.values();
    if (this.tracked.size > TRACKED_MAX && oldest) this.forget(oldest);
  }

  forget(intent: TrackedIntent): void {
    if (this.tracked.get(intent.intentKey) === intent) this.tracked.delete(intent.intentKey);
    for (const id of intent.orderIds()) if (this.byOrder.get(id) === intent) this.byOrder.delete(id);
  }

  stop(): void {
    this.stopListening?.();
    this.tracked.clear();
    this.byOrder.clear();
  }

  private hear(body: JsonValue): void {
    // Most events are of other strategies: looked at no further.
    const orderId = orderIdOfStream(subjectOf(body));
    const intent = orderId === undefined ? undefined : this.byOrder.get(orderId);
    if (!intent || orderId === undefined) return;
    const event = CloudEventV1.safeParse(body);
    if (!event.success) {
      this.log.write('warn', 'sdk.event_unreadable', { order_id: orderId });
      return;
    }
    intent.heard(orderId, event.data);
    if (intent.isSettled()) this.forget(intent);
  }
}
