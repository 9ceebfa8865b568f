import { decimal } from '@tallystick/domain';
import type { PaperOrder, SymbolOrders } from './types.ts';

export const NO_ORDERS: SymbolOrders = { buys: [], sells: [], buy_stops: [], sell_stops: [] };

export type QueueName = keyof SymbolOrders;

export const queueOf = (order: PaperOrder): QueueName =>
  order.active ? (order.side === 'buy' ? 'buys' : 'sells') : order.side === 'buy' ? 'buy_stops' : 'sell_stops';

/** Negative when `a` is served before `b`: no limit first, then the better price, then who came first. */
const compare = (name: QueueName, a: PaperOrder, b: PaperOrder): number => {
  const stops = name === 'buy_stops' || name === 'sell_stops';
  const [left, right] = stops ? [a.stop_price, b.stop_price] : [a.limit_price, b.limit_price];
  if (left !== right) {
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    // The nearest buy stop and the best sell limit are the lowest, the others the highest.
    const lowestFirst = name === 'buy_stops' || name === 'sells';
    const difference = decimal(left).cmp(decimal(right));
    if (difference !== 0) return lowestFirst ? difference : -difference;
  }
  return a.arrival - b.arrival;
};

const withOrder = (queue: readonly PaperOrder[], name: QueueName, order: PaperOrder): readonly PaperOrder[] => {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = queue[middle];
    if (there && compare(name, there, order) < 0) low = middle + 1;
    else high = middle;
  }
  return [...queue.slice(0, low), order, ...queue.slice(low)];
};

export const enqueue = (orders: SymbolOrders, order: PaperOrder): SymbolOrders => {
  const name = queueOf(order);
  return { ...orders, [name]: withOrder(orders[name], name, order) };
};

export const dequeue = (orders: SymbolOrders, order: PaperOrder): SymbolOrders => {
  const name = queueOf(order);
  return { ...orders, [name]: orders[name].filter((each) => each.venue_order_id !== order.venue_order_id) };
};

export const allOf = (orders: SymbolOrders): readonly PaperOrder[] => [...orders.buys, ...orders.sells, ...orders.buy_stops, ...orders.sell_stops];
