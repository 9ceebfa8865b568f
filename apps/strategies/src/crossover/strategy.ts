import type { Log } from '@tallystick/ports';
import { slotText, type Turn, type TurnTally } from '@tallystick/sdk';
import { touchOf } from '../shared/grid.ts';
import type { Strategy } from '../shared/strategy.ts';
import { crossing, observed, type History } from './averages.ts';
import { orderOn, symbolName } from './order.ts';
import type { CrossoverParameters } from './parameters.ts';

/**
 * Buys when a fast average of mids crosses a slow one upwards, sells when downwards: one intent per symbol and interval. Its only
 * memory are the last `slow` + 1 mids of each symbol. A restart loses them and with them the crossings of the next `slow` + 1 turns;
 * after that it decides as if it had never stopped. It cannot send twice: keys are made of symbol and interval.
 */
export const crossoverStrategy = (parameters: CrossoverParameters, log: Log): Strategy => {
  const histories = new Map<string, History>();
  const keep = parameters.slow + 1;
  let warm = false;

  const takeSymbol = async (symbol: string, turn: Turn, tally: TurnTally): Promise<void> => {
    const touch = touchOf(turn.snapshot.quotes.find((quote) => quote.symbol === symbol));
    if (!touch) return;
    const history = observed(histories.get(symbol) ?? [], turn.slotMs, touch.mid, keep);
    histories.set(symbol, history);
    const side = crossing(history, parameters.fast, parameters.slow);
    if (!side) return;
    const window = slotText(turn.slotMs);
    const order = orderOn(parameters, symbol, turn.slotMs, side, touch);
    const proposal = await tally.propose({
      key: { policy: 'signal', signal_id: `cross-${symbolName(symbol)}`, window },
      orders: [order],
      constraints: { max_slippage_bps: parameters.max_slippage_bps },
      remainder: { kind: 'cancel_after', after_ms: parameters.cancel_after_ms },
      reason: `${symbol}: ${parameters.fast} over ${parameters.slow} turns crossed, ${side}`,
    });
    log.write(proposal.status === 'accepted' ? 'info' : 'warn', 'crossover.proposed', { symbol, window, side, qty: order.qty, order_type: order.order_type, status: proposal.status, code: proposal.code });
  };

  return {
    every: parameters.every,
    onTurn: async (turn, tally) => {
      const symbols = [...(parameters.symbols ?? turn.snapshot.quotes.map(({ symbol }) => symbol))].sort();
      // One after the other: decisions follow the order in which intents come in.
      for (const symbol of symbols) await takeSymbol(symbol, turn, tally);
      if (!warm && [...histories.values()].some((history) => history.length >= keep)) {
        warm = true;
        log.write('info', 'crossover.warm', { turn: turn.number, symbols: symbols.length });
      }
    },
  };
};
