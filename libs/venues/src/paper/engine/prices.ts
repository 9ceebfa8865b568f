import { decimal, maxOf, minOf, ZERO } from '@tallystick/domain';
import type { Decimal } from '@tallystick/domain';
import type { Level, PaperOrder } from './types.ts';

/** What an order of one side can be matched against. */
export interface Opposite {
  readonly price: Decimal;
  /** Quoted size less what has been taken since the quote was stated. */
  readonly available: Decimal;
}

/**
 * A buyer takes the ask, a seller the bid. Crossed quotes are real: nobody knows which side is the stale one, so the taker
 * gets the worse of both prices (a buyer the higher, a seller the lower) and never a gain that was not there.
 */
export const oppositeOf = (level: Level | undefined, side: 'buy' | 'sell'): Opposite | undefined => {
  if (!level) return undefined;
  const { bid, ask, bid_size, ask_size } = level.quote;
  const own = side === 'buy' ? ask : bid;
  const other = side === 'buy' ? bid : ask;
  if (own === undefined) return undefined;
  const quoted = decimal((side === 'buy' ? ask_size : bid_size) ?? '0');
  const taken = decimal(side === 'buy' ? level.taken_ask : level.taken_bid);
  const price = decimal(own);
  const worse = other === undefined ? price : side === 'buy' ? maxOf(price, decimal(other)) : minOf(price, decimal(other));
  return { price: worse, available: maxOf(quoted.minus(taken), ZERO) };
};

/** Whether an active order may trade at this price: its limit, where it has one, allows it. */
export const allows = (order: PaperOrder, price: Decimal): boolean => {
  if (order.limit_price === undefined) return true;
  const limit = decimal(order.limit_price);
  return order.side === 'buy' ? price.lte(limit) : price.gte(limit);
};

/** A stop is reached when the price it would trade at, or a trade of this step, is at the stop or beyond. */
export const reaches = (order: PaperOrder, level: Level | undefined, traded: boolean): boolean => {
  if (order.stop_price === undefined || !level) return false;
  const stop = decimal(order.stop_price);
  const beyond = (price: Decimal): boolean => (order.side === 'buy' ? price.gte(stop) : price.lte(stop));
  const opposite = oppositeOf(level, order.side);
  if (opposite && beyond(opposite.price)) return true;
  return traded && level.quote.last !== undefined && beyond(decimal(level.quote.last));
};
