import { z } from 'zod';
import { amount, durationMs, interval, positive, share, symbols } from '../shared/fields.ts';

/** Averages longer than this say nothing about a day. */
const AVERAGE_TURNS_MAX = 390;

export const CrossoverParameters = z
  .strictObject({
    every: interval.default('1m'),
    /** All symbols that are quoted, where absent. */
    symbols: symbols.optional(),
    /** Averages over so many turns. */
    fast: z.int().min(1).max(AVERAGE_TURNS_MAX).default(3),
    slow: z.int().min(2).max(AVERAGE_TURNS_MAX).default(12),
    /** Worth of an ordinary order; each is between half and one and a half of it. */
    notional: positive.default('6000'),
    /** Share of orders that ask for more than is quoted, so that they fill in parts. */
    big: share.default('0.3'),
    /** How many times the quoted size those ask for. */
    big_times: positive.default('1.8'),
    /** No big order is worth more. */
    big_notional_max: positive.default('60000'),
    /** Share of orders that rest away from the market. */
    far: share.default('0.25'),
    far_ticks: z.int().min(1).max(1000).default(4),
    /** Share of orders far beyond what a policy allows, so that refusals are seen. */
    ambition: share.default('0.03'),
    ambitious_notional: positive.default('2000000'),
    lot_size: positive.default('1'),
    tick_size: positive.default('0.01'),
    max_slippage_bps: amount.default('75'),
    cancel_after_ms: durationMs.default(300_000),
  })
  .refine(({ fast, slow }) => fast < slow, { path: ['fast'], message: 'must be less than slow' })
  .readonly();
export type CrossoverParameters = z.infer<typeof CrossoverParameters>;
