import { decimal, decimalText, minOf, roundedText, ZERO, type Decimal } from '../decimal.ts';

/** One trade as it stands. Prices and fees in the instrument's currency. */
export interface Trade {
  readonly side: 'buy' | 'sell';
  readonly qty: Decimal;
  readonly price: Decimal;
  readonly fee: Decimal;
}

/** Average-cost position: signed quantity, cost of what is open, what has been realised, fees paid. */
export interface PositionState {
  readonly qty: Decimal;
  /** What was paid for a long, or received for a short, that is still open. Averages are rounded, this and what is realised add up. */
  readonly cost: Decimal;
  readonly avgPrice: Decimal;
  readonly realised: Decimal;
  readonly fees: Decimal;
}

const averageOf = (total: Decimal, by: Decimal): Decimal => decimal(roundedText(total.div(by)));

export const FLAT: PositionState = { qty: ZERO, cost: ZERO, avgPrice: ZERO, realised: ZERO, fees: ZERO };

/**
 * Adding averages, reducing realises against the average and keeps it, crossing zero closes and opens anew. Averages keep 12
 * places, half to even; realised less cost of a long (plus cost of a short) is the cash the trades moved, to the last digit.
 */
export const applyTrade = (position: PositionState, trade: Trade): PositionState => {
  const signed = trade.side === 'buy' ? trade.qty : trade.qty.times(decimal('-1'));
  const qty = position.qty.plus(signed);
  const fees = position.fees.plus(trade.fee);
  const sameSide = position.qty.eq(ZERO) || position.qty.gt(ZERO) === signed.gt(ZERO);
  if (sameSide) {
    const cost = position.cost.plus(trade.price.times(trade.qty));
    return { qty, cost, avgPrice: qty.eq(ZERO) ? ZERO : averageOf(cost, qty.abs()), realised: position.realised, fees };
  }
  const held = position.qty.abs();
  const closed = minOf(held, trade.qty);
  const costClosed = closed.eq(held) ? position.cost : averageOf(position.cost.times(closed), held);
  const gain = trade.price.times(closed).minus(costClosed);
  const realised = position.realised.plus(position.qty.gt(ZERO) ? gain : gain.times(decimal('-1')));
  if (qty.eq(ZERO)) return { qty, cost: ZERO, avgPrice: ZERO, realised, fees };
  const crossed = qty.gt(ZERO) !== position.qty.gt(ZERO);
  return crossed
    ? { qty, cost: trade.price.times(qty.abs()), avgPrice: trade.price, realised, fees }
    : { qty, cost: position.cost.minus(costClosed), avgPrice: position.avgPrice, realised, fees };
};

/** From the trades that stand, in their order: after a bust or a correction the position is folded again. */
export const positionOf = (trades: Iterable<Trade>): PositionState => {
  let position = FLAT;
  for (const trade of trades) position = applyTrade(position, trade);
  return position;
};

/** Against `mark`, in the instrument's currency. */
export const unrealised = (position: PositionState, mark: Decimal): Decimal =>
  mark.times(position.qty).plus(position.qty.gt(ZERO) ? position.cost.times(decimal('-1')) : position.cost);

export const positionView = (position: PositionState): { readonly qty: string; readonly avg_price: string; readonly realised_pnl: string; readonly fees: string } => ({
  qty: decimalText(position.qty),
  avg_price: decimalText(position.avgPrice),
  realised_pnl: decimalText(position.realised),
  fees: decimalText(position.fees),
});
