import { avgPriceOf, decimal, decimalText, positionOf, unrealised, ZERO, type Decimal, type OrderState, type PositionState, type Trade } from '@tallystick/domain';
import type { Quote } from '@tallystick/ports';
import type { Ledger } from './fold.ts';

export interface Standing {
  readonly orderId: string;
  readonly execId: string;
  readonly account: string;
  readonly symbol: string;
  readonly currency: string;
  readonly trade: Trade;
}

const standingFill = (state: OrderState | undefined, orderId: string, execId: string): Standing | undefined => {
  const fill = state?.fills.get(execId);
  if (!state?.terms || !fill || fill.busted) return undefined;
  const { account, symbol, currency, side } = state.terms;
  return { orderId, execId, account, symbol, currency, trade: { side, qty: fill.qty, price: fill.price, fee: fill.fee } };
};

/** Fills that stand, corrected ones as corrected, in the order of the log. */
export const standingFills = (ledger: Ledger): readonly Standing[] =>
  ledger.fills.map(({ orderId, execId }) => standingFill(ledger.orders.get(orderId), orderId, execId)).filter((fill) => fill !== undefined);

export interface Held {
  readonly account: string;
  readonly symbol: string;
  readonly currency: string;
  readonly position: PositionState;
}

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
};

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** One per account and symbol that was ever traded, by account, then symbol. */
export const heldPositions = (fills: readonly Standing[]): readonly Held[] =>
  [...groupBy(fills, ({ account, symbol }) => JSON.stringify([account, symbol])).values()]
    .flatMap((group) => {
      const [first] = group;
      return first ? [{ account: first.account, symbol: first.symbol, currency: first.currency, position: positionOf(group.map(({ trade }) => trade)) }] : [];
    })
    .sort((a, b) => byText(a.account, b.account) || byText(a.symbol, b.symbol));

/** What each account's cash has changed by, fees included. */
export const cashMoves = (fills: readonly Standing[]): ReadonlyMap<string, Decimal> => {
  const moves = new Map<string, Decimal>();
  for (const { account, trade } of fills) {
    const worth = trade.qty.times(trade.price);
    const moved = trade.side === 'buy' ? ZERO.minus(worth) : worth;
    moves.set(account, (moves.get(account) ?? ZERO).plus(moved).minus(trade.fee));
  }
  return moves;
};

/** Between bid and ask, else the last trade. */
const markOf = (quote: Quote | undefined): Decimal | undefined => {
  if (quote?.bid !== undefined && quote.ask !== undefined) return decimal(quote.bid).plus(decimal(quote.ask)).div(decimal('2'));
  const said = quote?.last ?? quote?.bid ?? quote?.ask;
  return said === undefined ? undefined : decimal(said);
};

export interface PositionLine {
  readonly account: string;
  readonly symbol: string;
  readonly currency: string;
  readonly qty: string;
  readonly avg_price: string;
  readonly realised_pnl: string;
  readonly fees: string;
  /** Absent where the symbol has no quote. */
  readonly mark?: string;
  readonly unrealised_pnl?: string;
}

export const positionLine = (held: Held, quote: Quote | undefined): PositionLine => {
  const { account, symbol, currency, position } = held;
  const mark = markOf(quote);
  return {
    account, symbol, currency, qty: decimalText(position.qty), avg_price: decimalText(avgPriceOf(position)),
    realised_pnl: decimalText(position.realised), fees: decimalText(position.fees),
    ...(mark === undefined ? {} : { mark: decimalText(mark), unrealised_pnl: decimalText(unrealised(position, mark)) }),
  };
};
