import { decimal, decimalText, roundedText, ZERO, type Decimal } from '../decimal.ts';

/** One trade as it stands. Prices and fees in the instrument's currency. */
export interface Trade {
  readonly side: 'buy' | 'sell';
  readonly qty: Decimal;
  readonly price: Decimal;
  readonly fee: Decimal;
}

/**
 * Average-cost position: signed quantity, what the open quantity cost (never negative), what has been realised, fees paid. Cost rather
 * than its average is the state: an average is a quotient and would be rounded, and money with it.
 */
export interface PositionState {
  readonly qty: Decimal;
  readonly cost: Decimal;
  readonly realised: Decimal;
  readonly fees: Decimal;
}

export const FLAT: PositionState = { qty: ZERO, cost: ZERO, realised: ZERO, fees: ZERO };

/** The part of the cost that `closed` of the open quantity carries; 12 places, half to even. The rest stays, so nothing is lost. */
const costOf = (position: PositionState, closed: Decimal): Decimal =>
  closed.eq(position.qty.abs()) ? position.cost : decimal(roundedText(position.cost.times(closed).div(position.qty.abs())));

/** Adding adds to the cost, reducing realises against its share of it, crossing zero does both. */
export const applyTrade = (position: PositionState, trade: Trade): PositionState => {
  const signed = trade.side === 'buy' ? trade.qty : trade.qty.times(decimal('-1'));
  const qty = position.qty.plus(signed);
  const fees = position.fees.plus(trade.fee);
  const sameSide = position.qty.eq(ZERO) || position.qty.gt(ZERO) === signed.gt(ZERO);
  if (sameSide) return { qty, cost: position.cost.plus(trade.price.times(trade.qty)), realised: position.realised, fees };
  const closed = position.qty.abs().lt(trade.qty) ? position.qty.abs() : trade.qty;
  const released = costOf(position, closed);
  const proceeds = trade.price.times(closed);
  const realised = position.realised.plus(position.qty.gt(ZERO) ? proceeds.minus(released) : released.minus(proceeds));
  // What goes beyond the close opens the other side at its own price.
  const opened = trade.qty.minus(closed);
  return { qty, cost: opened.gt(ZERO) ? trade.price.times(opened) : position.cost.minus(released), realised, fees };
};

/** Average price of what is open, rounded to 12 places for showing; zero when flat. */
export const avgPriceOf = (position: Pick<PositionState, 'qty' | 'cost'>): Decimal =>
  position.qty.eq(ZERO) ? ZERO : decimal(roundedText(position.cost.div(position.qty.abs())));

/** From the trades that stand, in their order: after a bust or a correction the position is folded again. */
export const positionOf = (trades: Iterable<Trade>): PositionState => {
  let position = FLAT;
  for (const trade of trades) position = applyTrade(position, trade);
  return position;
};

/** Against `mark`, in the instrument's currency. */
export const unrealised = (position: Pick<PositionState, 'qty' | 'cost'>, mark: Decimal): Decimal => {
  const worth = mark.times(position.qty.abs());
  return position.qty.gte(ZERO) ? worth.minus(position.cost) : position.cost.minus(worth);
};

export const positionView = (position: PositionState): { readonly qty: string; readonly cost: string; readonly avg_price: string; readonly realised_pnl: string; readonly fees: string } => ({
  qty: decimalText(position.qty),
  cost: decimalText(position.cost),
  avg_price: decimalText(avgPriceOf(position)),
  realised_pnl: decimalText(position.realised),
  fees: decimalText(position.fees),
});
