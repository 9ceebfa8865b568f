import type { MarketSnapshot, Quote, VenueInstrument, VenueOrderType, VenueTimeInForce } from '@tallystick/ports';
import type { PersistentMap } from './persistent-map.ts';

/** One instant of the market, as a market source gives it: `quotes` are the whole quotes of what changed. */
export interface FeedStep extends MarketSnapshot {
  /** Symbols whose bid and ask were stated anew: sizes taken before count no more. */
  readonly restated: readonly string[];
  /** Symbols that traded in this step. */
  readonly traded: readonly string[];
}

/** Epoch ms, UTC; open from `open_ms` up to, not including, `close_ms`, other than in its breaks. */
export interface TradingWindow {
  readonly open_ms: number;
  readonly close_ms: number;
  /** Lunch and the like: orders rest, nothing trades. */
  readonly breaks?: readonly { readonly from_ms: number; readonly until_ms: number }[];
}

export interface EngineConfig {
  readonly accounts: readonly { readonly account: string; readonly cash: string }[];
  readonly currency: string;
  readonly instruments: readonly VenueInstrument[];
  /** Fee of a fill: this times its quantity, in `currency`. */
  readonly fee_per_share: string;
  /** `permanent` refuses a client order id that the account has used before; `none` takes it as another order. */
  readonly dedupe: 'none' | 'permanent';
  /** The window that an order entered at a business time belongs to; `undefined` on a day without trading. Pure. */
  readonly windowAt: (timeMs: number) => TradingWindow | undefined;
  /** Business time before the first step. */
  readonly start_ms: number;
}

export type OrderStatus = 'working' | 'filled' | 'canceled' | 'expired' | 'rejected';

/** An order as the venue holds it. Decimal strings; times are business time, UTC. */
export interface PaperOrder {
  readonly account: string;
  readonly client_order_id: string;
  readonly venue_order_id: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly qty: string;
  readonly order_type: VenueOrderType;
  readonly time_in_force: VenueTimeInForce;
  readonly limit_price?: string;
  readonly stop_price?: string;
  readonly status: OrderStatus;
  readonly cum_qty: string;
  readonly leaves_qty: string;
  /** Sum of price times quantity over its fills: what an average price is made of. */
  readonly notional: string;
  readonly fills: number;
  /** A stop that has been reached, and every order that is no stop. */
  readonly active: boolean;
  /** Place in the queue: lower came first. */
  readonly arrival: number;
  readonly entered_ms: number;
  /** Close of the session it was entered for; only DAY orders. */
  readonly expires_ms?: number;
}

export type ReportType = 'acknowledged' | 'rejected' | 'filled' | 'canceled' | 'expired' | 'cancel_rejected';

/** One fact about an order, numbered per account without gaps. The answer and the stream carry the same one. */
export interface PaperReport {
  readonly type: ReportType;
  readonly report_id: string;
  readonly sequence: number;
  readonly account: string;
  /** Of the order; of the cancel request where it is the cancel that was refused. */
  readonly client_order_id: string;
  readonly time_ms: number;
  readonly venue_order_id?: string;
  readonly symbol?: string;
  readonly side?: 'buy' | 'sell';
  readonly order_status?: OrderStatus;
  readonly cum_qty?: string;
  readonly leaves_qty?: string;
  /** Of a fill. */
  readonly exec_id?: string;
  readonly qty?: string;
  readonly price?: string;
  readonly fee?: string;
  readonly fee_currency?: string;
  readonly market_sequence?: number;
  /** Of a refusal. */
  readonly code?: string;
  readonly detail?: string;
  /** Of an ending. */
  readonly reason?: string;
  readonly cancel_client_order_id?: string;
  readonly target_client_order_id?: string;
}

export interface PaperAccount {
  readonly account: string;
  readonly cash: string;
  readonly positions: ReadonlyMap<string, string>;
  readonly report_sequence: number;
}

/** A symbol's market: the quote, and what has been taken of its sizes since it was last stated. */
export interface Level {
  readonly quote: Quote;
  readonly restated_sequence: number;
  readonly taken_bid: string;
  readonly taken_ask: string;
}

/** Open orders of one symbol, each list in the order in which it is served. */
export interface SymbolOrders {
  readonly buys: readonly PaperOrder[];
  readonly sells: readonly PaperOrder[];
  /** Stops not yet reached, the nearest first. */
  readonly buy_stops: readonly PaperOrder[];
  readonly sell_stops: readonly PaperOrder[];
}

/** What is kept of a client order id for ever: how many orders came under it. */
export interface ClientIdUse {
  readonly orders: number;
}

/** The whole venue at one instant. Immutable: a command or a step makes another one. */
export interface PaperBook {
  readonly config: EngineConfig;
  readonly instruments: ReadonlyMap<string, VenueInstrument>;
  readonly time_ms: number;
  readonly sequence: number;
  readonly session_open: boolean;
  /** Earliest expiry of any open order; infinity when none expires. */
  readonly next_expiry_ms: number;
  readonly accounts: ReadonlyMap<string, PaperAccount>;
  readonly levels: ReadonlyMap<string, Level>;
  readonly open: ReadonlyMap<string, SymbolOrders>;
  readonly client_ids: PersistentMap<ClientIdUse>;
  readonly arrivals: number;
  readonly open_count: number;
}

/** What a command or step did: the facts, and everything of the book that changed by them. */
export interface Outcome {
  readonly book: PaperBook;
  readonly reports: readonly PaperReport[];
  /** Orders as they are now, each once. */
  readonly orders: readonly PaperOrder[];
  readonly accounts: readonly string[];
  /** Symbols of whose sizes something was taken. */
  readonly levels: readonly string[];
  /** The command was turned away and nothing changed: an answer, not a fact of any order. */
  readonly turned_away?: { readonly code: string; readonly detail: string };
}

export interface PlaceCommand {
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

export interface CancelCommand {
  readonly client_order_id: string;
  readonly target_client_order_id: string;
  readonly account: string;
  readonly venue_order_id?: string;
}
