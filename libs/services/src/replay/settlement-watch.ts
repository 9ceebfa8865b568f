import { decodeIntent, decodeOrder, decodeRiskGroup, decodeVenueReport, intentStream, orderIdOfStream } from '@tallystick/contracts';
import { evolveOrder, isAtVenue, isTerminal, leavesQty, NO_ORDER, ZERO, type OrderState } from '@tallystick/domain';
import type { EventStore, JsonObject, RecordedEvent, Subscription, Venue, VenueReport } from '@tallystick/ports';
import { interpretRecorded } from '../shared/answers.ts';
import { ENDS_WITH_LEAVES } from '../shared/order-ends.ts';

/** What the log has come to, for the end of a replay. */
export interface ReplayTally {
  readonly intents: number;
  readonly refusedIntents: number;
  readonly orders: ReadonlyMap<string, OrderState>;
}

/**
 * Folds the log to tell whether anything is still under way: an intent not decided, an order between decision and venue, a report
 * not yet a fact, a trade or a release not yet in the risk group. Holds every order of the replay; its memory is the replay's size.
 */
export class SettlementWatch {
  private readonly orders = new Map<string, OrderState>();
  private readonly undecided = new Set<string>();
  private readonly moving = new Set<string>();
  private readonly unreflected = new Map<string, { readonly orderId: string; readonly report: VenueReport }>();
  private readonly unbooked = new Set<string>();
  private readonly booked = new Set<string>();
  private readonly sequences = new Map<string, number>();
  private readonly sequencesSeen = new Map<string, Set<number>>();
  private readonly remainders = new Map<string, number>();
  private readonly changed = new Set<() => void>();
  /** Streams of the intents that the fold has come to, refused ones included. */
  private readonly intents = new Set<string>();
  private intentCount = 0;
  private refusedCount = 0;
  private subscription: Subscription | undefined;
  private failure: unknown;
  private viewed: bigint | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly venues: ReadonlyMap<string, Venue>,
  ) {}

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.subscription = this.store.subscribeAll({
        name: 'settlement', after: 'start', streamPrefixes: ['intent-', 'order-', 'riskGroup-', 'venueReport-'],
        onEvent: (event) => this.apply(event), onCaughtUp: resolve,
        onFailed: (error) => {
          this.failure = error;
          this.wake();
        },
      });
    });
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  tally(): ReplayTally {
    return { intents: this.intentCount, refusedIntents: this.refusedCount, orders: this.orders };
  }

  /** Business time at which the next remainder falls due; `undefined` when none waits. */
  nextRemainderMs(): number | undefined {
    let next: number | undefined;
    for (const due of this.remainders.values()) next = next === undefined ? due : Math.min(next, due);
    return next;
  }

  /**
   * The newest event that views for operators are folded from, as far as this fold has come. Raw reports are not among those: a view
   * asked for the position of one would wait for ever when nothing follows from it.
   */
  position(): bigint | undefined {
    return this.viewed;
  }

  /** The fold has come to the answer of this intent. Before that it cannot know that anything is under way. */
  knowsIntent(intentKey: string): boolean {
    return this.intents.has(intentStream(intentKey));
  }

  /** Everything the venue has said up to these sequences (by account) is in the books, and nothing is on its way; `nowMs` is business time. */
  isSettled(sequences: Readonly<Record<string, number>>, nowMs: number): boolean {
    if (this.failure !== undefined) throw new Error(`the log cannot be followed: ${String(this.failure)}`);
    return this.pending(sequences, nowMs) === undefined;
  }

  /** What is still under way, in words; `undefined` when nothing is. */
  pending(sequences: Readonly<Record<string, number>>, nowMs: number): string | undefined {
    if (this.undecided.size > 0) return `${this.undecided.size} orders to be decided`;
    if (this.moving.size > 0) return `${this.moving.size} orders between decision and venue: ${[...this.moving].slice(0, 3).map((id) => `${id} ${this.orders.get(id)?.status}`).join(', ')}`;
    for (const [account, sequence] of Object.entries(sequences)) {
      const seen = this.sequences.get(account) ?? 0;
      if (seen < sequence) return `reports of ${account}: ${seen} of ${sequence} in the log`;
    }
    if (this.unreflected.size > 0) return `${this.unreflected.size} reports to become facts`;
    if (this.unbooked.size > 0) return `${this.unbooked.size} trades or releases to reach the risk group`;
    for (const due of this.remainders.values()) if (due <= nowMs) return 'a remainder is due';
    return undefined;
  }

  /** Resolves at the next change of the log. */
  async change(): Promise<void> {
    await new Promise<void>((resolve) => this.changed.add(resolve));
  }

  private wake(): void {
    for (const resolve of this.changed) resolve();
    this.changed.clear();
  }

  private apply(recorded: RecordedEvent): void {
    if (!recorded.stream.startsWith('venueReport-')) this.viewed = recorded.position;
    if (recorded.stream.startsWith('order-')) this.applyOrder(recorded);
    else if (recorded.stream.startsWith('intent-')) this.applyIntent(recorded);
    else if (recorded.stream.startsWith('riskGroup-')) this.applyRiskGroup(recorded);
    else this.applyReport(recorded);
    this.wake();
  }

  private applyIntent(recorded: RecordedEvent): void {
    const decoded = decodeIntent(recorded);
    if (!decoded.ok) throw new Error(decoded.detail);
    this.intents.add(recorded.stream);
    if (decoded.event.type === 'IntentAccepted') {
      this.intentCount += 1;
      for (const leg of decoded.event.data.legs) if (!this.orders.has(leg.order_id)) this.undecided.add(leg.order_id);
    } else if (decoded.event.type === 'IntentRefused') this.refusedCount += 1;
  }

  private applyOrder(recorded: RecordedEvent): void {
    const decoded = decodeOrder(recorded);
    const orderId = orderIdOfStream(recorded.stream);
    if (!decoded.ok || orderId === undefined) throw new Error(decoded.ok ? recorded.stream : decoded.detail);
    const { event } = decoded;
    const before = this.orders.get(orderId) ?? NO_ORDER;
    const state = evolveOrder(before, event);
    this.orders.set(orderId, state);
    this.undecided.delete(orderId);
    const cancelling = state.cancel !== undefined && state.cancel.stage !== 'rejected';
    if (isTerminal(state.status) || (isAtVenue(state.status) && !cancelling)) this.moving.delete(orderId);
    else this.moving.add(orderId);
    if (event.type === 'OrderFilled') this.expectBooked(`${orderId}/${event.data.exec_id}`);
    if (ENDS_WITH_LEAVES.has(event.type) && leavesQty(before).gt(ZERO) && !isTerminal(before.status)) this.expectBooked(`${orderId}/released`);
    for (const [key, { orderId: of, report }] of this.unreflected) if (of === orderId && isReflected(state, report)) this.unreflected.delete(key);
    this.noteRemainder(orderId, state);
  }

  private noteRemainder(orderId: string, state: OrderState): void {
    const { terms, acknowledgedAtMs } = state;
    if (terms?.remainder.kind === 'cancel_after' && acknowledgedAtMs !== undefined && !isTerminal(state.status) && state.cancel === undefined) {
      this.remainders.set(orderId, acknowledgedAtMs + terms.remainder.after_ms);
    } else this.remainders.delete(orderId);
  }

  private expectBooked(key: string): void {
    if (!this.booked.delete(key)) this.unbooked.add(key);
  }

  private markBooked(key: string): void {
    if (!this.unbooked.delete(key)) this.booked.add(key);
  }

  private applyRiskGroup(recorded: RecordedEvent): void {
    const decoded = decodeRiskGroup(recorded);
    if (!decoded.ok) throw new Error(decoded.detail);
    const { event } = decoded;
    if (event.type === 'TradeApplied') this.markBooked(`${event.data.order_id}/${event.data.exec_id}`);
    if (event.type === 'ReservationReleased') this.markBooked(`${event.data.order_id}/released`);
  }

  private applyReport(recorded: RecordedEvent): void {
    const decoded = decodeVenueReport(recorded);
    if (!decoded.ok) throw new Error(decoded.detail);
    const { data } = decoded.event;
    if (data.sequence !== undefined) this.noteSequence(data.account, data.sequence);
    const venue = this.venues.get(data.venue);
    if (!venue) return;
    const raw = { report_id: data.report_id, account: data.account, channel: data.channel, body: data.body as JsonObject };
    for (const [part, report] of interpretRecorded(venue, raw, (id) => id !== venue.orderIdOf(id)).entries()) {
      if (!('client_order_id' in report) || report.kind === 'not_found') continue;
      const orderId = venue.orderIdOf(report.client_order_id);
      const state = orderId === undefined ? undefined : this.orders.get(orderId);
      if (orderId !== undefined && state && !isReflected(state, report)) this.unreflected.set(`${recorded.id}/${part}`, { orderId, report });
    }
  }

  /** The venue numbers without gaps; they may be recorded out of order, so the mark is the highest below which none is missing. */
  private noteSequence(account: string, sequence: number): void {
    const seen = this.sequencesSeen.get(account) ?? new Set<number>();
    this.sequencesSeen.set(account, seen.add(sequence));
    let mark = this.sequences.get(account) ?? 0;
    while (seen.delete(mark + 1)) mark += 1;
    this.sequences.set(account, mark);
  }
}

/** The order's facts already say what the report says. */
const isReflected = (state: OrderState, report: VenueReport): boolean => {
  switch (report.kind) {
    case 'filled':
      return state.fills.has(report.exec_id);
    case 'acknowledged':
      return state.status !== 'APPROVED' && state.status !== 'CLAIMED' && state.status !== 'IN_DOUBT';
    case 'rejected':
    case 'canceled':
    case 'expired':
      return isTerminal(state.status);
    case 'cancel_rejected':
      return isTerminal(state.status) || state.cancel?.stage === 'rejected';
    default:
      return true;
  }
};
