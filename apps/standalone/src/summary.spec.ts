import { describe, expect, it } from '@jest/globals';
import { replayDigest } from './digest.ts';
import { applyToLedger, emptyLedger } from './fold.ts';
import { summarise, type Summary } from './summary.ts';
import { summaryText } from './summary-text.ts';
import { bookOf, bought, ledgerOf, ofOrder, recorded, said, termsOf, type Told } from './testing/log-fixtures.ts';

const quote = { symbol: 'SPY', bid: '160', ask: '161', time_ms: 1, sequence: 1, source: 'test' };
const summaryOf = (...told: readonly (readonly Told[])[]): Summary => summarise({
  ledger: ledgerOf(...told), book: bookOf(), initialCash: '1000000', snapshot: { sequence: 1, time_ms: 1, source: 'test', quotes: [quote] }, speed: 'max', turns: 3, tookMs: 1234.5,
  market: { source: 'csv:test', simulated: false, days: ['2013-10-08'], symbols: ['SPY'] }, restarts: { risk: 2 }, moreChecks: [],
});
const O1 = bought('o1', { execId: 'x1', qty: '100', price: '150' });

describe('the summary of a replay', () => {
  it('counts orders by state, fills, and what they were worth', () => {
    const { orders, fills } = summaryOf(O1, ofOrder('o2', said.denied(termsOf('o2'), 'EXPOSURE_LIMIT')), ofOrder('o3', said.approved(termsOf('o3')), said.withheld('EXECUTE_BY_PASSED')));
    expect(orders).toEqual({ total: 3, by_state: { DENIED: 1, FILLED: 1, NOT_SENT: 1 } });
    expect(fills).toEqual({ count: 1, partially_filled_orders: 0, notional: '15000' });
  });

  it('says why, by code, and once per order however many scopes failed', () => {
    const { reasons } = summaryOf(
      ofOrder('o2', said.denied(termsOf('o2'), 'EXPOSURE_LIMIT', 'EXPOSURE_LIMIT', 'ORDER_QTY_LIMIT')), ofOrder('o3', said.denied(termsOf('o3'), 'ORDER_QTY_LIMIT')),
      ofOrder('o4', said.approved(termsOf('o4')), said.withheld('EXECUTE_BY_PASSED')), ofOrder('o5', said.approved(termsOf('o5')), said.claimed('o5-p'), said.rejected('NO_CASH')));
    expect(reasons).toEqual({ refused: {}, denied: { ORDER_QTY_LIMIT: 2, EXPOSURE_LIMIT: 1 }, withheld: { EXECUTE_BY_PASSED: 1 }, rejected: { NO_CASH: 1 } });
  });

  it('has positions with realised and marked results, and sums them less fees', () => {
    const { positions, pnl } = summaryOf(O1, bought('o2', { execId: 'x2', qty: '40', price: '155' }, { side: 'sell' }));
    expect(positions).toEqual([{ account: 'paper-1', symbol: 'SPY', currency: 'USD', qty: '60', avg_price: '150', realised_pnl: '200', fees: '1', mark: '160.5', unrealised_pnl: '630' }]);
    expect(pnl).toEqual([{ account: 'paper-1', currency: 'USD', realised: '200', unrealised: '630', fees: '1', net: '829' }]);
  });

  it('is right only if every check holds', () => {
    expect(summaryOf(O1).ok).toBe(true);
    expect(summaryOf(O1, ofOrder('o2', said.approved(termsOf('o2')))).ok).toBe(false);
  });

  it('reads as text without colours where nobody sees them', () => {
    const text = summaryText(summaryOf(O1), { tty: false, colours: false, width: () => 80, write: () => undefined });
    expect(text).toContain('orders     1: FILLED 1');
    expect(text).toContain('✔ positions equal the venue\'s book: 1 positions');
    expect(text).toContain('restarted  risk 2');
    expect(text).not.toContain('\u001b');
  });

  it('refuses a log that it cannot read', () => {
    const [event] = recorded([{ stream: 'order-o1', event: { type: 'OrderEaten', data: {} } }]);
    expect(() => applyToLedger(emptyLedger(), event!)).toThrow(/^EVENT_UNREADABLE: order-o1@0: OrderEaten is no event/);
  });
});

describe('the digest of a replay', () => {
  const digestOf = (...told: readonly (readonly Told[])[]): string => replayDigest(ledgerOf(...told));
  const O2 = bought('o2', { execId: 'x2', qty: '5', price: '10' });

  it('is the same whatever came first, and whatever is of this run alone: ids of decisions, numbers of the venue', () => {
    const otherRun = ofOrder('o1', said.approved(termsOf('o1'), 'another decision id'), said.claimed('o1-p'), said.acknowledged(), said.filled('another-exec-id', '100', '150'));
    expect(digestOf(O2, otherRun)).toBe(digestOf(O1, O2));
  });

  it.each([
    ['an order', [O1, O2]],
    ['a price', [bought('o1', { execId: 'x1', qty: '100', price: '150.01' })]],
    ['a fee', [bought('o1', { execId: 'x1', qty: '100', price: '150', fee: '0.51' })]],
    ['a term', [bought('o1', { execId: 'x1', qty: '100', price: '150' }, { time_in_force: 'GTC' })]],
    ['a decision', [ofOrder('o1', said.denied(termsOf('o1'), 'EXPOSURE_LIMIT'))]],
    ['a bust', [O1, ofOrder('o1', said.busted('x1'))]],
  ])('differs with %s', (_what, told) => {
    expect(digestOf(...told)).not.toBe(digestOf(O1));
  });
});
