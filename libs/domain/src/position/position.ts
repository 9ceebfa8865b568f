import { decimal, decimalText, roundedText, ZERO, type Decimal } from '../decimal.ts';

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
  readonly avgPrice: Decimal;
  readonly realised: Decimal;
  readonly fees: Decimal;
}

export const FLAT: PositionState = { qty: ZERO, avgPrice: ZERO, realised: ZERO, fees: ZERO };

/** Adding keeps the average, reducing realises against it, crossing zero does both. Averages keep 12 places, half to even. */
export const applyTrade = (position: PositionState, trade: Trade): PositionState => {
  const signed = trade.side === 'buy' ? trade.qty : trade.qty.times(decimal('-1'));
  const qty = position.qty.plus(signed);
  const fees = position.fees.plus(trade.fee);
  const sameSide = position.qty.eq(ZERO) || position.qty.gt(ZERO) === signed.gt(ZERO);
  if (sameSide) {
    const cost = position.avgPrice.times(position.qty.abs()).plus(trade.price.times(trade.qty));
    return { qty, avgPrice: qty.eq(ZERO) ? ZERO : decimal(roundedText(cost.div(qty.abs()))), realised: position.realised, fees };
  }
  const closed = position.qty.abs().lt(trade.qty) ? position.qty.abs() : trade.qty;
  const gain = trade.price.minus(position.avgPrice).times(closed);
  const realised = position.realised.plus(position.qty.gt(ZERO) ? gain : gain.times(decimal('-1')));
  if (qty.eq(ZERO)) return { qty, avgPrice: ZERO, realised, fees };
  const crossed = qty.gt(ZERO) !== position.qty.gt(ZERO);
  return { qty, avgPrice: crossed ? trade.price : position.avgPrice, realised, fees };
};

/** From the trades that stand, in their order: after a bust or a correction the position is folded again. */
export const positionOf = (trades: Iterable<Trade>): PositionState => {
  let position = FLAT;
  for (const trade of trades) position = applyTrade(position, trade);
  return position;
};

/** Against `mark`, in the instrument's currency. */
export const unrealised = (position: PositionState, mark: Decimal): Decimal => mark.minus(position.avgPrice).times(position.qty);

export const positionView = (position: PositionState): { readonly qty: string; readonly avg_price: string; readonly realised_pnl: string; readonly fees: string } => ({
  qty: decimalText(position.qty),
  avg_price: decimalText(position.avgPrice),
  realised_pnl: decimalText(position.realised),
  fees: decimalText(position.fees),
});
