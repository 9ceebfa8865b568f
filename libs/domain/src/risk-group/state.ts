import { decimal, decimalText, maxOf, ZERO, type Decimal } from '../decimal.ts';
import type { AppliedTrade, OpenPosition, OpenReservation, RiskGroupEvent } from './events.ts';
import { noteTime } from './message-times.ts';

/** All that one strategy holds and has open of one symbol on one account. Money in base currency. */
export interface Book {
  readonly account: string;
  readonly strategy: string;
  readonly symbol: string;
  qty: Decimal;
  /** Worth of open quantity at its worst price. */
  openBuys: Decimal;
  openSells: Decimal;
}

export interface Reservation {
  readonly order_id: string;
  readonly book: Book;
  readonly side: 'buy' | 'sell';
  leaves: Decimal;
  readonly worstPrice: Decimal;
}

/** Counters of one scope: `firm`, `account:<id>` or `strategy:<id>`. */
export interface ScopeCounters {
  /** Filled today, base currency, busts of today's fills taken out. */
  filledNotional: Decimal;
  /** Open at its worst price, base currency. */
  openNotional: Decimal;
  /** Business times of approved orders, oldest first; those beyond the rate window are dropped sooner or later, and never counted. */
  messageTimesMs: number[];
}

/**
 * State of one risk group on one trading day. Owned by its single writer and changed in place: with 100,000 open orders a
 * copy per event would cost more than the decision. The fold of a stream is a pure function of the stream all the same.
 */
export interface RiskGroupState {
  riskGroup: string;
  day: string | undefined;
  closed: boolean;
  readonly books: Map<string, Book>;
  readonly booksBySymbolOfAccount: Map<string, Map<string, Book[]>>;
  readonly cash: Map<string, Decimal>;
  readonly reservations: Map<string, Reservation>;
  readonly counters: Map<string, ScopeCounters>;
  /** Orders decided on this day: a repeated command gets the recorded decision. */
  readonly decided: Map<string, { readonly outcome: 'approved' | 'denied'; readonly book?: Book; readonly side: 'buy' | 'sell' }>;
  /** Worth of each fill of this day that stands, by order and execution id: applied once, and only what was counted is given back. */
  readonly filledToday: Map<string, Decimal>;
  sourcePosition: bigint;
}

export const emptyRiskGroup = (): RiskGroupState => ({
  riskGroup: '', day: undefined, closed: false, books: new Map(), booksBySymbolOfAccount: new Map(), cash: new Map(),
  reservations: new Map(), counters: new Map(), decided: new Map(), filledToday: new Map(), sourcePosition: -1n,
});

export const RATE_WINDOW_MS = 60_000;

export const scopesOf = (account: string, strategy: string): readonly string[] => ['firm', `account:${account}`, `strategy:${strategy}`];

const noCounters = (): ScopeCounters => ({ filledNotional: ZERO, openNotional: ZERO, messageTimesMs: [] });

/** For reading: a scope nothing was counted for yet has zeros, and the state stays as it is. */
export const countersOf = (state: RiskGroupState, scope: string): Readonly<ScopeCounters> => state.counters.get(scope) ?? noCounters();

const countersToChange = (state: RiskGroupState, scope: string): ScopeCounters => {
  const found = state.counters.get(scope) ?? noCounters();
  state.counters.set(scope, found);
  return found;
};

const bookOf = (state: RiskGroupState, account: string, strategy: string, symbol: string): Book => {
  const key = JSON.stringify([account, strategy, symbol]);
  let book = state.books.get(key);
  if (!book) {
    book = { account, strategy, symbol, qty: ZERO, openBuys: ZERO, openSells: ZERO };
    state.books.set(key, book);
    const ofAccount = state.booksBySymbolOfAccount.get(account) ?? new Map<string, Book[]>();
    state.booksBySymbolOfAccount.set(account, ofAccount);
    ofAccount.set(symbol, [...(ofAccount.get(symbol) ?? []), book]);
  }
  return book;
};

const moveOpen = (state: RiskGroupState, book: Book, side: 'buy' | 'sell', notional: Decimal): void => {
  if (side === 'buy') book.openBuys = book.openBuys.plus(notional);
  else book.openSells = book.openSells.plus(notional);
  for (const scope of scopesOf(book.account, book.strategy)) {
    const counters = countersToChange(state, scope);
    counters.openNotional = counters.openNotional.plus(notional);
  }
};

const reserve = (state: RiskGroupState, open: OpenReservation): void => {
  if (state.reservations.has(open.order_id)) return;
  const book = bookOf(state, open.account, open.strategy, open.symbol);
  const leaves = decimal(open.leaves_qty);
  const worstPrice = decimal(open.worst_price);
  state.reservations.set(open.order_id, { order_id: open.order_id, book, side: open.side, leaves, worstPrice });
  moveOpen(state, book, open.side, leaves.times(worstPrice));
};

/** What is released is gone: an order without a reservation gets none back. */
const moveReservation = (state: RiskGroupState, orderId: string, leavesAfter: (leaves: Decimal) => Decimal): void => {
  const reservation = state.reservations.get(orderId);
  if (!reservation) return;
  const left = maxOf(leavesAfter(reservation.leaves), ZERO);
  moveOpen(state, reservation.book, reservation.side, left.minus(reservation.leaves).times(reservation.worstPrice));
  reservation.leaves = left;
  if (left.eq(ZERO)) state.reservations.delete(orderId);
};

/**
 * A bust gives the quantity back to the order while that is open: it can trade again. A bust of an earlier day's fill moves
 * position and cash, but gives today's limit nothing that today's limit was not charged.
 */
const applyTrade = (state: RiskGroupState, trade: AppliedTrade, direction: 'applied' | 'reversed'): void => {
  const key = JSON.stringify([trade.order_id, trade.exec_id]);
  const forward = direction === 'applied';
  if (forward && state.filledToday.has(key)) return;
  const book = bookOf(state, trade.account, trade.strategy, trade.symbol);
  const qty = decimal(trade.qty);
  const rate = decimal(trade.rate);
  const notional = qty.times(decimal(trade.price)).times(rate);
  const fee = decimal(trade.fee).times(rate);
  const bought = (trade.side === 'buy') === forward;
  book.qty = bought ? book.qty.plus(qty) : book.qty.minus(qty);
  const cash = state.cash.get(trade.account);
  if (cash) {
    const moved = bought ? cash.minus(notional) : cash.plus(notional);
    state.cash.set(trade.account, forward ? moved.minus(fee) : moved.plus(fee));
  }
  const counted = forward ? notional : (state.filledToday.get(key) ?? ZERO).times(decimal('-1'));
  for (const scope of scopesOf(trade.account, trade.strategy)) {
    const counters = countersToChange(state, scope);
    counters.filledNotional = counters.filledNotional.plus(counted);
  }
  if (forward) state.filledToday.set(key, notional);
  else state.filledToday.delete(key);
  moveReservation(state, trade.order_id, (leaves) => (forward ? leaves.minus(qty) : leaves.plus(qty)));
};

const decide = (state: RiskGroupState, event: Extract<RiskGroupEvent, { type: 'OrderDecided' }>): void => {
  const { terms, decision } = event.data;
  // A reservation carried from the day before was decided then.
  if (state.decided.has(terms.order_id) || state.reservations.has(terms.order_id)) return;
  if (decision.outcome === 'denied' || decision.worst_price === undefined) {
    state.decided.set(terms.order_id, { outcome: 'denied', side: terms.side });
    return;
  }
  reserve(state, { order_id: terms.order_id, account: terms.account, strategy: terms.strategy.id, symbol: terms.symbol,
    side: terms.side, leaves_qty: terms.qty, worst_price: decision.worst_price });
  state.decided.set(terms.order_id, { outcome: 'approved', side: terms.side, book: bookOf(state, terms.account, terms.strategy.id, terms.symbol) });
  for (const scope of scopesOf(terms.account, terms.strategy.id)) {
    noteTime(countersToChange(state, scope).messageTimesMs, decision.business_time_ms, decision.business_time_ms - RATE_WINDOW_MS);
  }
};

const open = (state: RiskGroupState, event: Extract<RiskGroupEvent, { type: 'RiskGroupDayOpened' }>): void => {
  const { data } = event;
  state.riskGroup = data.risk_group;
  state.day = data.trading_day;
  state.closed = false;
  for (const position of data.positions) bookOf(state, position.account, position.strategy, position.symbol).qty = decimal(position.qty);
  for (const { account, cash } of data.cash) state.cash.set(account, decimal(cash));
  for (const reservation of data.reservations) reserve(state, reservation);
};

/** Changes `state` in place and returns it. Total. */
export const evolveRiskGroup = (state: RiskGroupState, event: RiskGroupEvent): RiskGroupState => {
  switch (event.type) {
    case 'RiskGroupDayOpened':
      open(state, event);
      break;
    case 'OrderDecided':
      decide(state, event);
      break;
    case 'TradeApplied':
      applyTrade(state, event.data, 'applied');
      break;
    case 'TradeReversed':
      applyTrade(state, event.data, 'reversed');
      break;
    case 'ReservationReleased':
      moveReservation(state, event.data.order_id, () => ZERO);
      break;
    case 'CashReconciled':
      state.cash.set(event.data.account, decimal(event.data.cash));
      break;
    case 'RiskGroupDayClosed':
      state.closed = true;
      break;
  }
  if ('source_position' in event.data) {
    const position = BigInt(event.data.source_position);
    if (position > state.sourcePosition) state.sourcePosition = position;
  }
  return state;
};

/** What the next day opens with: daily counters and decided orders stay behind, everything else is carried. */
export const carriedForward = (state: RiskGroupState): { readonly positions: readonly OpenPosition[]; readonly cash: readonly { readonly account: string; readonly cash: string }[]; readonly reservations: readonly OpenReservation[]; readonly source_position: string } => ({
  positions: [...state.books.values()].filter((book) => !book.qty.eq(ZERO))
    .map((book) => ({ account: book.account, strategy: book.strategy, symbol: book.symbol, qty: decimalText(book.qty) })),
  cash: [...state.cash].map(([account, cash]) => ({ account, cash: decimalText(cash) })),
  reservations: [...state.reservations.values()].map((reservation) => ({
    order_id: reservation.order_id, account: reservation.book.account, strategy: reservation.book.strategy, symbol: reservation.book.symbol,
    side: reservation.side, leaves_qty: decimalText(reservation.leaves), worst_price: decimalText(reservation.worstPrice),
  })),
  source_position: state.sourcePosition.toString(),
});
