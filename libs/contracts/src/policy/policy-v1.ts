import { isDecimalText, minuteOf, type PolicyDocument } from '@tallystick/domain';
import { z } from 'zod';
import { ID_TEXT, isUsableName } from '../streams/streams.ts';

const id = z.string().regex(ID_TEXT).refine(isUsableName, 'a name that JavaScript objects have of themselves');
const amount = z.string().refine((text) => isDecimalText(text) && !text.startsWith('-'), 'a decimal string, zero or more');
const clock = z.string().refine((text) => !Number.isNaN(minuteOf(text)), 'HH:MM');
const zone = z.string().refine((text) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}, 'an IANA time zone');
const days = z.array(z.int().min(1).max(7)).min(1).max(7);
const mode = z.enum(['paper', 'live']);

export const LimitsV1 = z
  .strictObject({
    max_order_qty: amount,
    max_order_notional: amount,
    max_daily_notional: amount,
    max_exposure: amount,
    price_collar_bps: amount,
    max_messages_per_minute: z.int().min(0).max(1_000_000),
  })
  .meta({ id: 'LimitsV1' });

/** The firm states every limit; accounts and strategies may state any of them, and all that are stated hold. */
export const PolicyV1 = z
  .strictObject({
    name: id,
    mode,
    base_currency: z.string().regex(/^[A-Z]{3,5}$/),
    firm: LimitsV1,
    accounts: z.record(id, z.strictObject({ mode, venue: id, risk_group: id, limits: LimitsV1.partial().optional() })),
    strategies: z.record(id, z.strictObject({ accounts: z.array(id).max(1000), limits: LimitsV1.partial().optional() })),
    instruments: z.array(z.string().min(1).max(32)).max(100_000),
    risk_groups: z.record(id, z.strictObject({ roll_time: clock, time_zone: zone })),
    trading_window: z.strictObject({ time_zone: zone, open: clock, close: clock, days }).optional(),
    quote_max_age_ms: z.int().min(1).max(86_400_000),
    execute_within_ms: z.int().min(1).max(86_400_000),
  })
  .superRefine((policy, context) => {
    for (const [account, { risk_group: group }] of Object.entries(policy.accounts)) {
      if (policy.risk_groups[group] === undefined) context.addIssue({ code: 'custom', path: ['accounts', account, 'risk_group'], message: `risk group ${group} is not defined` });
    }
    for (const [strategy, { accounts }] of Object.entries(policy.strategies)) {
      for (const account of accounts) {
        if (policy.accounts[account] === undefined) context.addIssue({ code: 'custom', path: ['strategies', strategy, 'accounts'], message: `account ${account} is not defined` });
      }
    }
  })
  .meta({ id: 'PolicyV1' }) satisfies z.ZodType<PolicyDocument>;
