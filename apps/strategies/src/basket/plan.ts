import { decimal, decimalText, ONE, ZERO, type Decimal } from '@tallystick/domain';
import type { Quote } from '@tallystick/ports';
import type { IntentInput } from '@tallystick/sdk';
import { onTick, touchOf, wholeLots, type Touch } from '../shared/grid.ts';
import type { BasketParameters } from './parameters.ts';

type BasketOrder = IntentInput['orders'][number];

export interface PlanInputs {
  readonly parameters: BasketParameters;
  /** Which rebalance this is; the tilt goes round with it. */
  readonly slot: number;
  readonly quotes: readonly Quote[];
  /** Held and on order, by symbol; short is negative. */
  readonly holding: ReadonlyMap<string, Decimal>;
  /** What the basket shall be worth in all. */
  readonly worth: Decimal;
}

export interface Plan {
  /** Sells before buys, each by symbol. */
  readonly orders: readonly BasketOrder[];
  readonly skipped: readonly { readonly symbol: string; readonly why: 'NO_QUOTE' | 'CLOSE_ENOUGH' }[];
}

/** Target weights: the parameters' own, scaled to leave room for the tilt, which goes to one symbol at a time. */
export const weightsAt = (parameters: BasketParameters, symbols: readonly string[], slot: number): ReadonlyMap<string, Decimal> => {
  const tilt = decimal(parameters.tilt);
  const equal = ONE.div(decimal(String(Math.max(1, symbols.length))));
  const leaning = symbols[slot % Math.max(1, symbols.length)];
  return new Map(symbols.map((symbol) => {
    const given = parameters.weights === undefined ? equal : decimal(parameters.weights[symbol] ?? '0');
    const scaled = given.times(ONE.minus(tilt));
    return [symbol, symbol === leaning ? scaled.plus(tilt) : scaled];
  }));
};

const orderFor = (parameters: BasketParameters, symbol: string, side: 'buy' | 'sell', qty: Decimal, touch: Touch): BasketOrder => {
  const base = { symbol, side, qty: decimalText(qty), time_in_force: 'DAY' } as const;
  if (parameters.order_type === 'market') return { ...base, order_type: 'market' };
  const tick = decimal(parameters.tick_size);
  const reach = tick.times(decimal(String(parameters.limit_ticks)));
  const price = side === 'buy' ? touch.ask.plus(reach) : touch.bid.minus(reach);
  return { ...base, order_type: 'limit', limit_price: onTick(price.gt(tick) ? price : tick, tick, side) };
};

/** What to trade to come from what is held to what shall be held. The same inputs give the same orders. */
export const planBasket = ({ parameters, slot, quotes, holding, worth }: PlanInputs): Plan => {
  const bySymbol = new Map(quotes.map((quote) => [quote.symbol, quote]));
  const symbols = [...(parameters.symbols ?? bySymbol.keys())].sort();
  const weights = weightsAt(parameters, symbols, slot);
  const lot = decimal(parameters.lot_size);
  const sells: BasketOrder[] = [];
  const buys: BasketOrder[] = [];
  const skipped: Plan['skipped'][number][] = [];
  for (const symbol of symbols) {
    const touch = touchOf(bySymbol.get(symbol));
    if (!touch) {
      skipped.push({ symbol, why: 'NO_QUOTE' });
      continue;
    }
    const target = wholeLots(worth.times(weights.get(symbol) ?? ZERO).div(touch.mid), lot);
    const change = target.minus(holding.get(symbol) ?? ZERO);
    const qty = wholeLots(change.abs(), lot);
    if (qty.lte(ZERO) || qty.times(touch.mid).lt(decimal(parameters.min_trade_notional))) {
      skipped.push({ symbol, why: 'CLOSE_ENOUGH' });
      continue;
    }
    const side = change.lt(ZERO) ? 'sell' : 'buy';
    (side === 'sell' ? sells : buys).push(orderFor(parameters, symbol, side, qty, touch));
  }
  return { orders: [...sells, ...buys], skipped };
};
