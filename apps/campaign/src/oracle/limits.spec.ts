import { describe, expect, it } from '@jest/globals';
import { limitsRespected } from './limits.ts';
import { DECISION, filledOrder, HandLog, POLICY, QUOTE, TERMS } from './testing.ts';

const GROUP = 'riskGroup-main-2024-01-02';

const opened = (firm: object = {}): HandLog => new HandLog().append('policy-paper', 'PolicyActivated', { policy_hash: 'p', document: { ...POLICY, firm: { ...POLICY.firm, ...firm } } });
const decide = (log: HandLog, orderId: string, terms: object = {}, decision: object = {}): HandLog =>
  log.append(GROUP, 'OrderDecided', { terms: { ...TERMS, order_id: orderId, ...terms }, decision: { ...DECISION, ...decision } });
const failed = (log: HandLog): string => limitsRespected(log.read()).findings.filter(({ held }) => !held).map(({ claim, seen }) => `${claim}: ${seen}`).join(' / ');

describe('deciding again by other code', () => {
  it('finds nothing wrong with a decision that is right', () => {
    expect(failed(filledOrder())).toBe('');
    expect(limitsRespected(filledOrder().read())).toMatchObject({ decisions: 1, approved: 1 });
  });

  it.each([
    ['ORDER_QTY_LIMIT', { max_order_qty: '99' }], ['ORDER_NOTIONAL_LIMIT', { max_order_notional: '10499.99' }], ['DAILY_NOTIONAL_LIMIT', { max_daily_notional: '10499' }], ['EXPOSURE_LIMIT', { max_exposure: '10499' }],
    ['MESSAGE_RATE_LIMIT', { max_messages_per_minute: 0 }],
  ])('finds an approval beyond %s', (code, firm) => {
    expect(failed(decide(opened(firm), 'o1'))).toContain(`o1: ${code} firm`);
    expect(failed(decide(opened(), 'o1'))).toBe('');
  });

  it('counts what is open at its worst case, until it is released', () => {
    const two = decide(decide(opened({ max_exposure: '20000' }), 'o1'), 'o2');
    expect(failed(two)).toContain('o2: EXPOSURE_LIMIT firm');
    const released = decide(decide(opened({ max_exposure: '20000' }), 'o1').append(GROUP, 'ReservationReleased', { order_id: 'o1' }), 'o2');
    expect(failed(released)).toBe('');
  });

  it('counts what was traded today, even when its position is gone', () => {
    const trade = (log: HandLog, orderId: string, side: string): HandLog =>
      log.append(GROUP, 'TradeApplied', { order_id: orderId, exec_id: orderId, account: 'a', strategy: 's', symbol: 'SPY', side, qty: '100', price: '100', rate: '1' });
    const roundTrip = trade(decide(trade(decide(opened({ max_daily_notional: '25000' }), 'o1'), 'o1', 'buy'), 'o2', { side: 'sell' }), 'o2', 'sell');
    expect(failed(roundTrip)).toBe('');
    expect(failed(decide(roundTrip, 'o3'))).toContain('o3: DAILY_NOTIONAL_LIMIT firm');
  });

  it('takes the worse side, not the sum of both', () => {
    expect(failed(decide(decide(opened({ max_exposure: '10500' }), 'o1'), 'o2', { side: 'sell' }))).toBe('');
  });

  it('counts messages of the last minute alone', () => {
    const three = (): HandLog => ['o1', 'o2', 'o3'].reduce((log, id) => decide(log, id, { qty: '1' }, { reserved_notional: '105' }), opened());
    expect(failed(decide(three(), 'o4', { qty: '1' }, { reserved_notional: '105' }))).toContain('o4: MESSAGE_RATE_LIMIT firm');
    const late = { reserved_notional: '105', business_time_ms: 61_500, quotes: [{ ...QUOTE, time_ms: 61_000 }] };
    expect(failed(decide(three(), 'o4', { qty: '1' }, late))).toBe('');
  });

  it('finds a denial without a reason, and takes one that has another', () => {
    const denied = { outcome: 'denied', reserved_notional: undefined, checks: [{ code: 'EXPOSURE_LIMIT', scope: 'firm', passed: false }] };
    expect(failed(decide(opened(), 'o1', {}, denied))).toContain('o1 was denied for EXPOSURE_LIMIT');
    expect(failed(decide(opened({ max_exposure: '10' }), 'o1', {}, denied))).toBe('');
    expect(failed(decide(opened(), 'o1', {}, { ...denied, checks: [{ code: 'PRICE_COLLAR', scope: 'firm', passed: false }] }))).toBe('');
  });

  it('finds a reservation that is not the worst case', () => {
    expect(failed(decide(opened(), 'o1', {}, { reserved_notional: '10000' }))).toContain('o1 reserves 10000, not 10500');
    expect(failed(decide(opened(), 'o1', { limit_price: '100.5', order_type: 'limit' }, { reserved_notional: '10050' }))).toBe('');
  });

  it('takes no approval on a quote that is stale, crossed or one-sided', () => {
    for (const quote of [{ ...QUOTE, time_ms: -60_000 }, { ...QUOTE, ask: '99.98' }, { symbol: 'SPY', bid: '99', time_ms: 1_000 }]) {
      expect(failed(decide(opened(), 'o1', {}, { quotes: [quote] }))).toContain('o1');
    }
  });
});
