import type { JsonObject } from './store.ts';
import type { EpochMs } from './world.ts';

export type VenueOrderType = 'market' | 'limit' | 'stop' | 'stop_limit';
export type VenueTimeInForce = 'DAY' | 'GTC' | 'IOC' | 'FOK';

/** What a venue can and cannot do. Rules are read from here, never from the venue's name. */
export interface VenueDescriptor {
  readonly venue: string;
  readonly modes: readonly ('paper' | 'live')[];
  readonly order_types: readonly VenueOrderType[];
  readonly times_in_force: readonly VenueTimeInForce[];
  /** How the venue treats a second order with the same client order id. */
  readonly dedupe: 'none' | 'open_only' | 'window' | 'permanent';
  readonly dedupe_window_ms?: number;
  /** Can an order be looked up by the id we gave it. */
  readonly lookup_by_client_order_id: boolean;
  /** For this long after a send, "not found" proves nothing. */
  readonly admissibility_window_ms: number;
  readonly client_order_id_max_chars: number;
  readonly report_stream: 'resumable' | 'live_only' | 'none';
  readonly native_cancel: boolean;
  readonly requests_per_second_max: number;
}

export interface PlaceOrder {
  readonly action: 'place';
  readonly client_order_id: string;
  readonly account: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly qty: string;
  readonly order_type: VenueOrderType;
  readonly time_in_force: VenueTimeInForce;
  readonly limit_price?: string;
  readonly stop_price?: string;
}

export interface CancelOrder {
  readonly action: 'cancel';
  /** Id of this cancel request. */
  readonly client_order_id: string;
  /** The order to cancel. */
  readonly target_client_order_id: string;
  readonly account: string;
  readonly venue_order_id?: string;
}

/** Exactly what will be sent, before authentication, sequence numbers and clocks. Pure: the same command gives the same bytes. */
export interface EncodedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** One written taxonomy of answers. Anything not surely one of the others is `unknown`. */
export type SendOutcome =
  /** The venue has the order or the cancel. */
  | { readonly kind: 'confirmed'; readonly raw: JsonObject }
  /** The venue said no and will not act on it. */
  | { readonly kind: 'refused_by_venue'; readonly code: string; readonly detail: string; readonly raw: JsonObject }
  /** It provably never left: refused here, or the connection was never made. */
  | { readonly kind: 'not_sent'; readonly code: string; readonly detail: string }
  | { readonly kind: 'unknown'; readonly code: string; readonly detail: string; readonly raw?: JsonObject };

/** `unavailable` is never `absent`. */
export type VenueRead<T> =
  | { readonly kind: 'ok'; readonly value: T; readonly raw: JsonObject }
  | { readonly kind: 'absent'; readonly raw: JsonObject }
  | { readonly kind: 'unavailable'; readonly code: string; readonly detail: string };

/** A raw report as the venue gave it, with the venue's own number where it has one. */
export interface RawReport {
  /** Unique per account at the venue; repeats carry the same id. */
  readonly report_id: string;
  /** The venue's own sequence in this account's report stream; absent for answers and queries. */
  readonly sequence?: number;
  readonly account: string;
  readonly channel: 'stream' | 'answer' | 'query';
  readonly body: JsonObject;
}

/** What a raw report says, in our words. */
export type VenueReport =
  | { readonly kind: 'acknowledged'; readonly client_order_id: string; readonly venue_order_id: string; readonly time_ms: EpochMs }
  | { readonly kind: 'rejected'; readonly client_order_id: string; readonly code: string; readonly detail: string; readonly time_ms: EpochMs }
  | {
      readonly kind: 'filled';
      readonly client_order_id: string;
      readonly venue_order_id: string;
      readonly exec_id: string;
      readonly qty: string;
      readonly price: string;
      readonly fee: string;
      readonly fee_currency: string;
      readonly time_ms: EpochMs;
      /** Account, symbol and side as the venue states them: needed for fills of orders nobody knows. */
      readonly account: string;
      readonly symbol: string;
      readonly side: 'buy' | 'sell';
    }
  | { readonly kind: 'busted'; readonly client_order_id: string; readonly exec_id: string; readonly time_ms: EpochMs }
  | { readonly kind: 'corrected'; readonly client_order_id: string; readonly exec_id: string; readonly qty: string; readonly price: string; readonly time_ms: EpochMs }
  | { readonly kind: 'canceled'; readonly client_order_id: string; readonly reason: string; readonly time_ms: EpochMs }
  | { readonly kind: 'expired'; readonly client_order_id: string; readonly reason: string; readonly time_ms: EpochMs }
  | { readonly kind: 'cancel_rejected'; readonly client_order_id: string; readonly code: string; readonly detail: string; readonly time_ms: EpochMs }
  /** An authoritative answer that the venue does not have the order. */
  | { readonly kind: 'not_found'; readonly client_order_id: string; readonly time_ms: EpochMs }
  | { readonly kind: 'account_snapshot'; readonly account: string; readonly snapshot: VenueAccountSnapshot; readonly time_ms: EpochMs }
  /** Kept raw, alerted, never guessed at. */
  | { readonly kind: 'unreadable'; readonly detail: string };

export interface VenueAccountSnapshot {
  readonly account: string;
  readonly currency: string;
  readonly cash: string;
  readonly positions: readonly { readonly symbol: string; readonly qty: string }[];
  /** The account's report sequence this snapshot includes. */
  readonly report_sequence: number;
}

export interface VenueInstrument {
  readonly symbol: string;
  readonly currency: string;
  readonly tick_size: string;
  readonly lot_size: string;
  readonly session: string;
}

/** There is no verb to withdraw or transfer. */
export interface Venue {
  readonly descriptor: VenueDescriptor;
  /** Client order id for the `n`th `action` on an order: pure, the same on every retry. */
  clientOrderId(orderId: string, action: 'place' | 'cancel', n: number): string;
  /** The order a client order id of ours belongs to, or `undefined` for a foreign one. */
  orderIdOf(clientOrderId: string): string | undefined;
  encode(command: PlaceOrder | CancelOrder): EncodedRequest;
  /** Sends exactly the bytes given. Never retries. */
  send(request: EncodedRequest, options: { readonly deadlineMs: number }): Promise<SendOutcome>;
  query(account: string, clientOrderId: string): Promise<VenueRead<RawReport>>;
  snapshot(account: string): Promise<VenueRead<RawReport>>;
  instruments(): Promise<VenueRead<readonly VenueInstrument[]>>;
  /** Reports after `sequence`, in order, for ever; reconnects by itself. The handler is awaited. */
  reports(account: string, afterSequence: number, onReport: (report: RawReport) => Promise<void>): { stop(): Promise<void>; connected(): boolean };
  /** Total: what it cannot read is `unreadable`. A report may say several things (a query answer with its fills). */
  interpret(report: RawReport): readonly VenueReport[];
}
