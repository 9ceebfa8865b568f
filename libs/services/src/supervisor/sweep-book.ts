import { commandSubject, decodeIntent, decodeOrder, orderIdOfStream, partitionOf, type CommandService } from '@tallystick/contracts';
import { evolveOrder, isTerminal, NO_ORDER, type OrderEvent, type OrderState } from '@tallystick/domain';
import { fold } from '@tallystick/event-sourcing';
import type { EventStore, JsonObject, RecordedEvent } from '@tallystick/ports';
import { orderFolding } from '../shared/foldings.ts';

/** What an intent or order waits for. */
export type Waiting = 'decision' | 'claim' | 'outcome' | 'cancel_claim' | 'cancel_outcome';

/** Something that waits, since when (process time, UTC), and the command that drives it on. */
export interface Overdue {
  /** Changes when what is waited for changes: then patience begins anew. */
  readonly key: string;
  readonly waiting: Waiting;
  readonly sinceMs: number;
  readonly service: CommandService;
  readonly partition: number;
  readonly subject: string;
  readonly body: JsonObject;
}

export type Applied = 'applied' | 'unreadable' | 'retry';

interface OpenOrder {
  /** Without its decision, the largest part, which nothing here reads. */
  readonly state: OrderState;
  readonly partition: number;
  readonly executeByMs: number;
  readonly cancelRequestedBy: string;
}

interface OpenIntent {
  readonly riskGroup: string;
  readonly sinceMs: number;
  readonly undecided: Set<string>;
}

/** When it was recorded, by the writer's clock; the store's where the writer left none. */
const timeOf = (recorded: RecordedEvent): number => {
  const written = Date.parse(String(recorded.metadata['time'] ?? ''));
  return Number.isFinite(written) ? written : recorded.recordedAtMs;
};

/**
 * The intents and orders that are not over, and what each of them waits for. What has ended is forgotten: its size is that of the
 * open orders, not of the log.
 */
export class SweepBook {
  private readonly intents = new Map<string, OpenIntent>();
  private readonly orders = new Map<string, OpenOrder>();
  private readonly waiting = new Map<string, Overdue>();

  constructor(private readonly store: Pick<EventStore, 'read'>) {}

  /** Everything that waits, the oldest first as far as the log says. */
  all(): Iterable<Overdue> {
    return this.waiting.values();
  }

  size(): { readonly intents: number; readonly orders: number; readonly waiting: number } {
    return { intents: this.intents.size, orders: this.orders.size, waiting: this.waiting.size };
  }

  /** `unreadable`: nobody can say what this event means; the order is left to people. `retry`: the store did not answer. */
  async apply(recorded: RecordedEvent): Promise<Applied> {
    const orderId = orderIdOfStream(recorded.stream);
    return orderId === undefined ? this.applyIntent(recorded) : this.applyOrder(orderId, recorded);
  }

  private applyIntent(recorded: RecordedEvent): Applied {
    const decoded = decodeIntent(recorded);
    if (!decoded.ok) return 'unreadable';
    if (decoded.event.type !== 'IntentAccepted') return 'applied';
    const { intent, risk_group: riskGroup, legs } = decoded.event.data;
    const key = intent.intent_key;
    const open: OpenIntent = { riskGroup, sinceMs: timeOf(recorded), undecided: new Set(legs.map(({ order_id: id }) => id)) };
    this.intents.set(key, open);
    const partition = partitionOf(riskGroup);
    this.waiting.set(`intent/${key}`, {
      key: `intent/${key}`, waiting: 'decision', sinceMs: open.sinceMs, service: 'risk', partition, subject: commandSubject('risk', partition, 'evaluate'),
      body: { version: 1, intent_key: key, risk_group: riskGroup },
    });
    return 'applied';
  }

  private async applyOrder(orderId: string, recorded: RecordedEvent): Promise<Applied> {
    const decoded = decodeOrder(recorded);
    if (!decoded.ok) return 'unreadable';
    const { event } = decoded;
    if (event.type === 'OrderApproved' || event.type === 'OrderDenied') this.decided(event.data.terms.intent_key, orderId);
    const known = this.orders.get(orderId);
    const state = known ? evolveOrder(known.state, event) : await this.begin(recorded, event);
    if (state === 'unreadable' || state === 'retry') return state;
    if (isTerminal(state.status)) {
      this.orders.delete(orderId);
      this.waiting.delete(`order/${orderId}`);
      return 'applied';
    }
    const { decision, ...rest } = state;
    const open: OpenOrder = {
      state: rest, partition: decision ? partitionOf(decision.risk_group) : (known?.partition ?? 0), executeByMs: decision?.execute_by_ms ?? known?.executeByMs ?? 0,
      cancelRequestedBy: event.type === 'CancelRequested' ? event.data.requested_by : (known?.cancelRequestedBy ?? 'service:supervisor'),
    };
    this.orders.set(orderId, open);
    this.note(orderId, open, timeOf(recorded));
    return 'applied';
  }

  /** An order begins with its decision. Anything else is news of one that was forgotten: read again, for it may have come back to life. */
  private async begin(recorded: RecordedEvent, event: OrderEvent): Promise<OrderState | 'unreadable' | 'retry'> {
    if (recorded.revision === 0) return evolveOrder(NO_ORDER, event);
    const read = await this.store.read(recorded.stream);
    if (!read.ok) return 'retry';
    const folded = fold(orderFolding, recorded.stream, read.events.filter(({ revision }) => revision <= recorded.revision));
    return folded.ok ? folded.loaded.state : 'unreadable';
  }

  private decided(intentKey: string, orderId: string): void {
    const intent = this.intents.get(intentKey);
    if (!intent?.undecided.delete(orderId) || intent.undecided.size > 0) return;
    this.intents.delete(intentKey);
    this.waiting.delete(`intent/${intentKey}`);
  }

  private note(orderId: string, open: OpenOrder, atMs: number): void {
    const slot = `order/${orderId}`;
    const waiting = waitingOf(open.state);
    const { terms } = open.state;
    if (!waiting || !terms) {
      this.waiting.delete(slot);
      return;
    }
    const key = `${slot}/${waiting}/${open.state.cancel?.no ?? 0}`;
    const before = this.waiting.get(slot);
    if (before?.key === key) return;
    const isCancel = waiting === 'cancel_claim' || waiting === 'cancel_outcome';
    this.waiting.set(slot, {
      key, waiting, sinceMs: atMs, service: 'execution', partition: open.partition, subject: commandSubject('execution', open.partition, isCancel ? 'cancel' : 'submit'),
      body: isCancel
        ? { version: 1, order_id: orderId, account: terms.account, reason: open.state.cancel?.reason ?? '', requested_by: open.cancelRequestedBy }
        : { version: 1, order_id: orderId, account: terms.account, execute_by_ms: open.executeByMs },
    });
  }
}

const waitingOf = ({ status, cancel }: OrderState): Waiting | undefined => {
  switch (status) {
    case 'APPROVED':
      return 'claim';
    case 'CLAIMED':
    case 'IN_DOUBT':
      return 'outcome';
    case 'WORKING':
    case 'PARTIALLY_FILLED':
      if (cancel === undefined || cancel.stage === 'rejected') return undefined;
      return cancel.stage === 'requested' ? 'cancel_claim' : 'cancel_outcome';
    default:
      return undefined;
  }
};
