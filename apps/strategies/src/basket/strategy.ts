import { decimal, ZERO, type Decimal } from '@tallystick/domain';
import type { Log } from '@tallystick/ports';
import { intervalMs, slotText, type Turn, type TurnTally } from '@tallystick/sdk';
import type { Strategy } from '../shared/strategy.ts';
import type { BasketParameters } from './parameters.ts';
import { planBasket } from './plan.ts';

/** As long as the contract lets a rebalance id be. */
const REBALANCE_ID_CHARS_MAX = 64;

const add = (map: Map<string, Decimal>, symbol: string, qty: Decimal): void => {
  map.set(symbol, (map.get(symbol) ?? ZERO).plus(qty));
};

/** What this strategy holds and has on order. Throws when that cannot be known: without it there is no basket. */
const holdingOf = async (tally: TurnTally): Promise<ReadonlyMap<string, Decimal>> => {
  const [positions, orders] = await Promise.all([tally.positions(), tally.orders({ open: true })]);
  if (!positions.ok) throw new Error(`POSITIONS_UNKNOWN: ${positions.code}: ${positions.detail}`);
  if (!orders.ok) throw new Error(`ORDERS_UNKNOWN: ${orders.code}: ${orders.detail}`);
  const holding = new Map<string, Decimal>();
  for (const { symbol, qty } of positions.items) add(holding, symbol, decimal(qty));
  for (const { symbol, side, leaves_qty: leaves } of orders.items) add(holding, symbol, side === 'buy' ? decimal(leaves) : ZERO.minus(decimal(leaves)));
  return holding;
};

const worthOf = async (parameters: BasketParameters, tally: TurnTally): Promise<Decimal> => {
  if (parameters.of_equity === undefined) return decimal(parameters.notional);
  const account = await tally.accountState();
  if (!account.ok) throw new Error(`EQUITY_UNKNOWN: ${account.code}: ${account.detail}`);
  const equity = account.items[0]?.equity;
  if (equity === undefined) throw new Error('EQUITY_UNKNOWN: the account has no equity yet');
  return decimal(equity).times(decimal(parameters.of_equity));
};

/**
 * Holds a basket at its target weights: one intent per rebalance, whose id is the interval of business time. Keeps nothing in
 * memory: what it holds and has on order it asks for, as of the log position of the turn, so a restart loses nothing and a turn
 * taken twice gives the same key.
 */
export const basketStrategy = (parameters: BasketParameters, log: Log): Strategy => ({
  every: parameters.every,
  onTurn: async (turn: Turn, tally: TurnTally) => {
    const holding = await holdingOf(tally);
    const worth = await worthOf(parameters, tally);
    const slot = turn.slotMs / intervalMs(parameters.every);
    const { orders, skipped } = planBasket({ parameters, slot, quotes: turn.snapshot.quotes, holding, worth });
    const id = slotText(turn.slotMs);
    if (orders.length === 0) {
      log.write('info', 'basket.nothing_to_do', { rebalance: id, skipped });
      return;
    }
    const proposal = await tally.propose({
      // One strategy may run on several accounts: the formula of this key policy does not tell them apart.
      key: { policy: 'rebalance', rebalance_id: `${id}-${tally.account}`.slice(0, REBALANCE_ID_CHARS_MAX) },
      portfolio: parameters.portfolio,
      orders: [...orders],
      constraints: { max_slippage_bps: parameters.max_slippage_bps, max_exposure_pct: parameters.max_exposure_pct },
      remainder: { kind: 'cancel_after', after_ms: parameters.cancel_after_ms },
      reason: `rebalance ${id}: ${orders.length} orders towards target weights${skipped.length > 0 ? `, ${skipped.length} symbols left alone` : ''}`,
    });
    log.write(proposal.status === 'accepted' ? 'info' : 'warn', 'basket.proposed', { rebalance: id, status: proposal.status, code: proposal.code, orders: orders.length });
  },
});
