import { describe, expect, it } from '@jest/globals';
import { readSession } from '@tallystick/calendars';
import type { Decision, OrderTerms, PolicyActivation, TradingWindow } from '@tallystick/domain';
import type { ReferenceData } from '../reference/reference-data.ts';
import type { ServicePorts } from '../shared/service-ports.ts';
import { sendRefusals } from './checks.ts';

const terms = { symbol: 'SPY', account: 'a', mode: 'paper', venue: 'paper', strategy: { id: 's', version: '1' }, constraints: {} } as unknown as OrderTerms;

/** Everything but the time holds. */
const refusedAt = (at: string, { session = 'us-equities', window }: { session?: string; window?: TradingWindow } = {}): readonly string[] => {
  const now = Date.parse(at);
  const quote = { symbol: 'SPY', bid: '99', ask: '101', time_ms: now, sequence: 1, source: 'test' };
  const document = { name: 'p', mode: 'paper', quote_max_age_ms: 1000, firm: { price_collar_bps: '100' }, ...(window ? { trading_window: window } : {}) };
  const reference = {
    policy: () => ({ document, policy_hash: 'h', key_scope: 'paper' }) as unknown as PolicyActivation,
    kill: () => ({ exists: true, engaged: new Map() }), sessionOf: (_symbol: string, timeMs: number | undefined) => readSession(session, timeMs),
  } as unknown as ReferenceData;
  const world = { business: { nowMs: () => now }, market: { quote: () => quote } } as unknown as ServicePorts;
  const decision = { policy_hash: 'h', execute_by_ms: now + 1000, quotes: [quote] } as unknown as Decision;
  return sendRefusals(world, reference, terms, decision).map(({ code, detail }) => `${code}: ${detail}`);
};

describe('what must hold when an order is sent', () => {
  it('is that its session trades, from the opening to the last millisecond before the close', () => {
    expect(['2024-07-03T13:29:59.999Z', '2024-07-03T13:30:00Z', '2024-07-03T16:59:59.999Z', '2024-07-03T17:00:00Z'].map((at) => refusedAt(at).length)).toEqual([1, 0, 0, 1]);
    expect(refusedAt('2024-07-03T17:00:00Z')[0]).toMatch(/^SESSION_CLOSED: session us-equities is after its close: after the close; opens 2024-07-05 09:30 America\/New_York/);
    expect(refusedAt('2024-07-04T15:00:00Z')[0]).toContain('Independence Day');
  });

  it('is that the calendar knows the day, and that there is a session at all', () => {
    expect(refusedAt('2029-01-02T15:00:00Z')).toEqual([expect.stringMatching(/^CALENDAR_HORIZON: .* not for 2029-01-02/)]);
    expect(refusedAt('2024-07-03T15:00:00Z', { session: 'moon' })).toEqual([expect.stringMatching(/^SESSION_CLOSED: .*no session of that name/)]);
  });

  it('is also that the policy’s own hours, where it has any, are not over since the decision', () => {
    const window = { time_zone: 'America/New_York', open: '10:00', close: '11:00', days: [1, 2, 3, 4, 5] };
    expect(['2024-07-03T13:59:59Z', '2024-07-03T14:00:00Z', '2024-07-03T14:59:59Z', '2024-07-03T15:00:00Z'].map((at) => refusedAt(at, { window }).length)).toEqual([1, 0, 0, 1]);
    expect(refusedAt('2024-07-03T15:00:00Z', { window })[0]).toBe('TRADING_WINDOW_CLOSED: the policy trades from 10:00 to 11:00 America/New_York on ISO weekdays 1 2 3 4 5');
  });
});
