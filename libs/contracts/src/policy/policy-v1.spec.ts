import { describe, expect, it } from '@jest/globals';
import { PolicyV1 } from './policy-v1.ts';

const limits = { max_order_qty: '1', max_order_notional: '1', max_daily_notional: '1', max_exposure: '1', price_collar_bps: '100', max_messages_per_minute: 60 };
const policy = {
  name: 'p', mode: 'paper', base_currency: 'USD', firm: limits, accounts: { a: { mode: 'paper', venue: 'paper', risk_group: 'g' } }, strategies: { s: { accounts: ['a'] } },
  instruments: ['SPY'], risk_groups: { g: { roll_time: '17:00', time_zone: 'America/New_York' } }, quote_max_age_ms: 5000, execute_within_ms: 60000,
};

describe('a policy', () => {
  it('is taken when it says everything', () => {
    expect(PolicyV1.safeParse(policy).success).toBe(true);
  });

  it.each<[string, object]>([
    ['a limit of the firm missing', { firm: { ...limits, max_exposure: undefined } }],
    ['a limit that is negative', { firm: { ...limits, max_exposure: '-1' } }],
    ['a limit that is a number', { firm: { ...limits, max_exposure: 1 } }],
    ['a limit that nobody checks', { firm: { ...limits, max_hope: '1' } }],
    ['a mistyped limit of an account', { accounts: { a: { ...policy.accounts.a, limits: { max_order_qyt: '1' } } } }],
    ['an account of a group that is not defined', { accounts: { a: { ...policy.accounts.a, risk_group: 'h' } } }],
    ['a group by a name that every object answers to', { accounts: { a: { ...policy.accounts.a, risk_group: 'constructor' } } }],
    ['a strategy on an account that is not defined', { strategies: { s: { accounts: ['b'] } } }],
    ['an account by a name that every object answers to', { accounts: { constructor: policy.accounts.a } }],
    ['a time zone that is none', { risk_groups: { g: { roll_time: '17:00', time_zone: 'America/Gotham' } } }],
    ['a time that is none', { risk_groups: { g: { roll_time: '25:00', time_zone: 'UTC' } } }],
    ['an eighth weekday', { trading_window: { time_zone: 'UTC', open: '09:00', close: '17:00', days: [8] } }],
    ['no freshness', { quote_max_age_ms: 0 }],
    ['a member that nobody knows', { allow_everything: true }],
  ])('is refused with %s', (_what, change) => {
    expect(PolicyV1.safeParse({ ...policy, ...change }).success).toBe(false);
  });
});
