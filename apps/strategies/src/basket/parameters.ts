import { z } from 'zod';
import { amount, durationMs, interval, positive, share, symbols } from '../shared/fields.ts';

export const BasketParameters = z
  .strictObject({
    every: interval.default('30m'),
    /** All symbols that are quoted, where absent. */
    symbols: symbols.optional(),
    /** Weight of each symbol; they need not add up to one, the rest is kept in cash. Equal where absent. */
    weights: z.record(z.string(), share).optional(),
    /** What the basket is worth in all, in the account's currency. */
    notional: positive.default('200000'),
    /** Instead: this part of the account's equity. */
    of_equity: share.optional(),
    /** How much of the basket leans to one symbol, the next one at each rebalance: without it a calm market gives nothing to do. */
    tilt: share.default('0.1'),
    order_type: z.enum(['limit', 'market']).default('limit'),
    /** Limits lie so many ticks beyond the touch. */
    limit_ticks: z.int().min(0).max(1000).default(1),
    /** Smaller differences are left alone. */
    min_trade_notional: amount.default('500'),
    lot_size: positive.default('1'),
    tick_size: positive.default('0.01'),
    max_slippage_bps: amount.default('50'),
    max_exposure_pct: amount.default('95'),
    cancel_after_ms: durationMs.default(300_000),
    portfolio: z.string().default('basket'),
  })
  .readonly();
export type BasketParameters = z.infer<typeof BasketParameters>;
