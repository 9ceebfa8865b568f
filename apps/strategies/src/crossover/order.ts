import { hashOf } from '@tallystick/contracts';
import { decimal, decimalText, maxOf, minOf, ONE, type Decimal } from '@tallystick/domain';
import type { IntentInput } from '@tallystick/sdk';
import { onTick, wholeLots, type Touch } from '../shared/grid.ts';
import type { CrossoverParameters } from './parameters.ts';

/** 32 bits are plenty for a share. */
const DRAW_DIGITS = 8;
const DRAW_RANGE = 2 ** 32;

/** A number in [0, 1) that follows from the turn alone: variety without chance. */
export const draw = (purpose: string, symbol: string, slotMs: number): number =>
  Number.parseInt(hashOf('tallystick/examples/draw', purpose, symbol, String(slotMs)).slice(0, DRAW_DIGITS), 16) / DRAW_RANGE;

const quantity = (parameters: CrossoverParameters, symbol: string, slotMs: number, side: 'buy' | 'sell', touch: Touch): Decimal => {
  const lot = decimal(parameters.lot_size);
  const worth = (notional: Decimal): Decimal => wholeLots(notional.div(touch.mid), lot);
  if (draw('ambition', symbol, slotMs) < Number(parameters.ambition)) return worth(decimal(parameters.ambitious_notional));
  const factor = decimal((0.5 + draw('size', symbol, slotMs)).toFixed(3));
  const ordinary = maxOf(worth(decimal(parameters.notional).times(factor)), lot);
  if (draw('big', symbol, slotMs) >= Number(parameters.big)) return ordinary;
  const quoted = side === 'buy' ? touch.askSize : touch.bidSize;
  return maxOf(ordinary, minOf(wholeLots(quoted.times(decimal(parameters.big_times)), lot).plus(lot), worth(decimal(parameters.big_notional_max))));
};

/** One order on a crossing: mostly at the market, at times a limit that waits away from it. */
export const orderOn = (parameters: CrossoverParameters, symbol: string, slotMs: number, side: 'buy' | 'sell', touch: Touch): IntentInput['orders'][number] => {
  const qty = maxOf(quantity(parameters, symbol, slotMs, side, touch), ONE.times(decimal(parameters.lot_size)));
  const base = { symbol, side, qty: decimalText(qty), time_in_force: 'DAY' } as const;
  if (draw('far', symbol, slotMs) >= Number(parameters.far)) return { ...base, order_type: 'market' };
  const tick = decimal(parameters.tick_size);
  const away = tick.times(decimal(String(parameters.far_ticks)));
  const price = side === 'buy' ? touch.bid.minus(away) : touch.ask.plus(away);
  return { ...base, order_type: 'limit', limit_price: onTick(maxOf(price, tick), tick, side) };
};

/** A symbol as part of a name: whatever names do not hold is spelt `_` and its code, so that two symbols never share one. */
export const symbolName = (symbol: string): string => symbol.replaceAll(/[^A-Za-z0-9]/g, (char) => `_${char.charCodeAt(0).toString(16)}`);
