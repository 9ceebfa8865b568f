import { decimal, decimalText, nearestMultiples, parseDecimal, ZERO, type Decimal } from '@tallystick/domain';
import type { Quote } from '@tallystick/ports';

/** Down to a multiple of the lot; never below zero. */
export const wholeLots = (qty: Decimal, lot: Decimal): Decimal => (qty.gt(ZERO) ? nearestMultiples(qty, lot).below : ZERO);

/** To the tick at or below (a buyer's side) or at or above (a seller's side). */
export const onTick = (price: Decimal, tick: Decimal, side: 'buy' | 'sell'): string => {
  const { below, above } = nearestMultiples(price, tick);
  return decimalText(side === 'buy' ? below : above);
};

export interface Touch {
  readonly bid: Decimal;
  readonly ask: Decimal;
  readonly mid: Decimal;
  /** Quoted at the touch; zero where nobody says. */
  readonly bidSize: Decimal;
  readonly askSize: Decimal;
}

const TWO = decimal('2');

/** A readable, two-sided, uncrossed quote; anything else is no price to trade on. */
export const touchOf = (quote: Quote | undefined): Touch | undefined => {
  const bid = parseDecimal(quote?.bid ?? '');
  const ask = parseDecimal(quote?.ask ?? '');
  if (!bid || !ask || bid.lte(ZERO) || ask.lt(bid)) return undefined;
  return { bid, ask, mid: bid.plus(ask).div(TWO), bidSize: parseDecimal(quote?.bid_size ?? '') ?? ZERO, askSize: parseDecimal(quote?.ask_size ?? '') ?? ZERO };
};
