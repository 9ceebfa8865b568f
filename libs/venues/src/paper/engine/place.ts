import { decimal, isMultipleOf, nearestMultiples, decimalText, parseDecimal, ZERO } from '@tallystick/domain';
import { clientIdKey } from './book.ts';
import { about, draftOf, end, note, outcomeOf, report, rest } from './draft.ts';
import type { Draft } from './draft.ts';
import { trade } from './match.ts';
import { allows, oppositeOf, reaches } from './prices.ts';
import type { Outcome, PaperBook, PaperOrder, PlaceCommand } from './types.ts';

/** One account's open orders at a broker are hundreds; past this a strategy has gone astray. */
export const OPEN_ORDERS_MAX = 50_000;

interface Refused {
  readonly code: string;
  readonly detail: string;
}

const refuseNumber = (field: string, text: string | undefined, step: string, offCode: string): Refused | undefined => {
  if (text === undefined) return undefined;
  const value = parseDecimal(text);
  const badCode = field === 'qty' ? 'BAD_QUANTITY' : 'BAD_PRICE';
  if (!value || value.lte(ZERO)) return { code: badCode, detail: `${field} "${text}" is not a positive decimal` };
  const grid = decimal(step);
  if (isMultipleOf(value, grid)) return undefined;
  const { below, above } = nearestMultiples(value, grid);
  const nearest = below.gt(ZERO) ? `${decimalText(below)} or ${decimalText(above)}` : decimalText(above);
  return { code: offCode, detail: `${field} ${text} is not a multiple of ${step}; nearest valid: ${nearest}` };
};

const refuseTerms = (book: PaperBook, command: PlaceCommand): Refused | undefined => {
  const instrument = book.instruments.get(command.symbol);
  if (!instrument) return { code: 'UNKNOWN_SYMBOL', detail: `${command.symbol} is not traded here` };
  const { order_type, time_in_force, limit_price, stop_price } = command;
  const wantsLimit = order_type === 'limit' || order_type === 'stop_limit';
  const wantsStop = order_type === 'stop' || order_type === 'stop_limit';
  if (wantsLimit !== (limit_price !== undefined)) {
    return { code: wantsLimit ? 'LIMIT_PRICE_REQUIRED' : 'LIMIT_PRICE_NOT_ALLOWED', detail: `a ${order_type} order ${wantsLimit ? 'needs a' : 'has no'} limit price` };
  }
  if (wantsStop !== (stop_price !== undefined)) {
    return { code: wantsStop ? 'STOP_PRICE_REQUIRED' : 'STOP_PRICE_NOT_ALLOWED', detail: `a ${order_type} order ${wantsStop ? 'needs a' : 'has no'} stop price` };
  }
  if (wantsStop && (time_in_force === 'IOC' || time_in_force === 'FOK')) {
    return { code: 'TIME_IN_FORCE_NOT_SUPPORTED', detail: `a ${order_type} order waits, ${time_in_force} does not` };
  }
  return refuseNumber('qty', command.qty, instrument.lot_size, 'OFF_LOT')
    ?? refuseNumber('limit_price', limit_price, instrument.tick_size, 'OFF_TICK')
    ?? refuseNumber('stop_price', stop_price, instrument.tick_size, 'OFF_TICK');
};

/** Refusals that depend on when the order comes. */
const refuseNow = (book: PaperBook, command: PlaceCommand): Refused | undefined => {
  const { order_type, time_in_force, symbol, side } = command;
  const immediate = order_type === 'market' || time_in_force === 'IOC' || time_in_force === 'FOK';
  if (immediate && !book.session_open) return { code: 'SESSION_CLOSED', detail: `${order_type} ${time_in_force} orders are taken only while the session is open` };
  if (time_in_force === 'DAY') {
    const window = book.config.windowAt(book.time_ms);
    if (!window || book.time_ms >= window.close_ms) return { code: 'SESSION_CLOSED', detail: 'no session is left today for a DAY order' };
  }
  if (order_type === 'market' && !oppositeOf(book.levels.get(symbol), side)) {
    return { code: 'NO_QUOTE', detail: `${symbol} has no ${side === 'buy' ? 'ask' : 'bid'} to ${side} at` };
  }
  if (book.open_count >= OPEN_ORDERS_MAX) return { code: 'TOO_MANY_OPEN_ORDERS', detail: `${book.open_count} orders are open, at most ${OPEN_ORDERS_MAX}` };
  return undefined;
};

/** One spelling of a value; text that is none is kept as it came, and refused. */
const canonical = (text: string): string => {
  const value = parseDecimal(text);
  return value ? decimalText(value) : text;
};

const orderOf = (draft: Draft, command: PlaceCommand, nth: number): PaperOrder => {
  const { book } = draft;
  book.arrivals += 1;
  const expires_ms = command.time_in_force === 'DAY' ? book.config.windowAt(book.time_ms)?.close_ms : undefined;
  return {
    account: command.account, client_order_id: command.client_order_id,
    // Counted per client order id and not overall: it does not depend on which of two orders of one turn came first.
    venue_order_id: `${command.account}.${command.client_order_id}.${nth}`,
    symbol: command.symbol, side: command.side, qty: canonical(command.qty), order_type: command.order_type, time_in_force: command.time_in_force,
    ...(command.limit_price === undefined ? {} : { limit_price: canonical(command.limit_price) }),
    ...(command.stop_price === undefined ? {} : { stop_price: canonical(command.stop_price) }),
    status: 'working', cum_qty: '0', leaves_qty: canonical(command.qty), notional: '0', fills: 0,
    active: command.stop_price === undefined, arrival: book.arrivals, entered_ms: book.time_ms,
    ...(expires_ms === undefined ? {} : { expires_ms }),
  };
};

const canFillWhole = (draft: Draft, order: PaperOrder): boolean => {
  const opposite = oppositeOf(draft.book.levels.get(order.symbol), order.side);
  return opposite !== undefined && allows(order, opposite.price) && opposite.available.gte(decimal(order.qty));
};

const work = (draft: Draft, entered: PaperOrder): void => {
  if (!draft.book.session_open) return rest(draft, entered);
  if (entered.time_in_force === 'FOK' && !canFillWhole(draft, entered)) {
    end(draft, entered, 'canceled', 'FOK_NOT_FILLABLE');
    return;
  }
  const reached = entered.active || reaches(entered, draft.book.levels.get(entered.symbol), false);
  const order = reached ? trade(draft, entered.active ? entered : { ...entered, active: true }) : entered;
  if (order.status === 'filled') return;
  if (order.time_in_force === 'IOC') end(draft, order, 'canceled', 'IOC_REMAINDER');
  else rest(draft, order);
};

/**
 * A new order. It is acknowledged and trades at once against what is quoted and not yet taken; the rest waits, or is canceled
 * where its time in force says so. A refusal is a fact of the account's stream too, but a duplicate is only turned away. Codes: UNKNOWN_SYMBOL, BAD_QUANTITY,
 * BAD_PRICE, OFF_LOT, OFF_TICK, LIMIT_PRICE_REQUIRED, LIMIT_PRICE_NOT_ALLOWED, STOP_PRICE_REQUIRED, STOP_PRICE_NOT_ALLOWED,
 * TIME_IN_FORCE_NOT_SUPPORTED, SESSION_CLOSED, NO_QUOTE, TOO_MANY_OPEN_ORDERS, DUPLICATE_CLIENT_ORDER_ID.
 */
export const placeOrder = (book: PaperBook, command: PlaceCommand): Outcome => {
  const key = clientIdKey(command.account, command.client_order_id);
  const used = book.client_ids.get(key)?.orders ?? 0;
  if (used > 0 && book.config.dedupe === 'permanent') {
    // No report: under this client order id it would read as the end of the order that has it.
    const turned_away = { code: 'DUPLICATE_CLIENT_ORDER_ID', detail: `${command.client_order_id} has been used before; ask for its order` };
    return { ...outcomeOf(draftOf(book)), turned_away };
  }
  const draft = draftOf(book);
  const order = orderOf(draft, command, used + 1);
  draft.book.client_ids = book.client_ids.set(key, { orders: used + 1 });
  const refused = refuseTerms(book, command) ?? refuseNow(book, command);
  if (refused) {
    const rejected: PaperOrder = { ...order, status: 'rejected', leaves_qty: '0' };
    report(draft, 'rejected', command.account, { ...about(rejected), ...refused });
    note(draft, rejected);
    return outcomeOf(draft);
  }
  report(draft, 'acknowledged', command.account, about(order));
  work(draft, order);
  return outcomeOf(draft);
};
