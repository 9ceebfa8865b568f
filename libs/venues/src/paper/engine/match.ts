import { decimal, minOf, ZERO } from '@tallystick/domain';
import { fill, lift, rest } from './draft.ts';
import type { Draft } from './draft.ts';
import { NO_ORDERS } from './queue.ts';
import { allows, oppositeOf, reaches } from './prices.ts';
import type { PaperOrder } from './types.ts';

/**
 * Trades as much of an active order as the quote's size and the order's limit allow, at the quote's price. Orders of this venue's
 * users never trade with each other: the quoted market is the only counterparty.
 */
export const trade = (draft: Draft, order: PaperOrder): PaperOrder => {
  const opposite = oppositeOf(draft.book.levels.get(order.symbol), order.side);
  if (!opposite || opposite.available.lte(ZERO) || !allows(order, opposite.price)) return order;
  return fill(draft, order, minOf(decimal(order.leaves_qty), opposite.available), opposite.price);
};

const trigger = (draft: Draft, symbol: string, name: 'buy_stops' | 'sell_stops', traded: boolean): void => {
  for (;;) {
    const nearest = draft.book.open.get(symbol)?.[name][0];
    if (!nearest || !reaches(nearest, draft.book.levels.get(symbol), traded)) return;
    lift(draft, nearest);
    rest(draft, { ...nearest, active: true });
  }
};

/** Serves a queue from its head until the head cannot trade: what stands behind it has no better price. */
const serve = (draft: Draft, symbol: string, name: 'buys' | 'sells'): void => {
  for (;;) {
    const head = draft.book.open.get(symbol)?.[name][0];
    if (!head) return;
    const after = trade(draft, head);
    if (after === head) return;
    lift(draft, head);
    if (after.status !== 'filled') {
      rest(draft, after);
      return;
    }
  }
};

/** Matches a symbol's resting orders against its quote. `traded`: its last price is of this step. */
export const matchSymbol = (draft: Draft, symbol: string, traded: boolean): void => {
  const orders = draft.book.open.get(symbol) ?? NO_ORDERS;
  if (orders.buy_stops.length > 0) trigger(draft, symbol, 'buy_stops', traded);
  if (orders.sell_stops.length > 0) trigger(draft, symbol, 'sell_stops', traded);
  serve(draft, symbol, 'buys');
  serve(draft, symbol, 'sells');
};
