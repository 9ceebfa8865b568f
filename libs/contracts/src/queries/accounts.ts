import { z } from 'zod';
import { decimalText, mode, timeMs } from '../events/fields.ts';
import { asOfPosition, count, pageOf, version } from './fields.ts';

export const PositionViewV1 = z
  .object({
    account: z.string(),
    /** Absent on the account's own total over its strategies. */
    strategy: z.string().optional(),
    symbol: z.string(),
    mode,
    currency: z.string(),
    /** Signed: short is negative. */
    qty: decimalText,
    avg_price: decimalText,
    realised_pnl: decimalText,
    fees: decimalText,
    /** Last mark and what the position is worth against it; absent without a mark. */
    mark: decimalText.optional(),
    mark_time_ms: timeMs.optional(),
    unrealised_pnl: decimalText.optional(),
    /** What the venue said at its last snapshot; absent before the first. */
    venue_qty: decimalText.optional(),
    updated_position: z.string(),
  })
  .meta({ id: 'PositionViewV1', description: 'What an account, or one strategy on it, holds of a symbol. Money in `currency`.' });
export type PositionViewV1 = z.infer<typeof PositionViewV1>;
export const PositionPageV1 = pageOf('PositionPageV1', PositionViewV1);

/** One limit as it stands: `headroom` is `limit` less `used`. A missing `used` cannot be computed now and denies. */
export const LimitUseV1 = z
  .object({
    code: z.string(),
    scope: z.string(),
    unit: z.string(),
    limit: decimalText,
    used: decimalText.optional(),
    headroom: decimalText.optional(),
  })
  .meta({ id: 'LimitUseV1' });

export const AccountViewV1 = z
  .object({
    account: z.string(),
    mode,
    venue: z.string(),
    risk_group: z.string(),
    trading_day: z.string().optional(),
    /** Of `cash`, `equity`, exposures and limits that are money. */
    base_currency: z.string(),
    cash: decimalText.optional(),
    equity: decimalText.optional(),
    /** Positions at their marks, and open orders at their worst case. */
    exposure: decimalText.optional(),
    open_notional: decimalText,
    filled_notional_today: decimalText,
    open_orders: count,
    in_doubt_orders: count,
    limits: z.array(LimitUseV1),
    policy_hash: z.string(),
    updated_position: z.string(),
  })
  .meta({ id: 'AccountViewV1', description: 'Exposure of an account against every limit that holds for it.' });
export type AccountViewV1 = z.infer<typeof AccountViewV1>;
export const AccountPageV1 = pageOf('AccountPageV1', AccountViewV1);
export const AccountAnswerV1 = z.object({ version, account: AccountViewV1, ...asOfPosition }).meta({ id: 'AccountAnswerV1' });
