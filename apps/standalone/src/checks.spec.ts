import { describe, expect, it } from '@jest/globals';
import { runChecks, type Check } from './checks.ts';
import type { VenueBook } from './book.ts';
import type { Ledger } from './fold.ts';
import { bookOf, bought, ledgerOf, ofIntent, ofOrder, said, termsOf } from './testing/log-fixtures.ts';

const O1 = bought('o1', { execId: 'x1', qty: '100', price: '150' });
const failing = (ledger: Ledger, book: VenueBook): readonly Check[] => runChecks(ledger, book, '1000000').filter(({ ok }) => !ok);
const names = (ledger: Ledger, book: VenueBook): readonly string[] => failing(ledger, book).map(({ name }) => name);

describe('our log beside the venue\'s book', () => {
  it('holds when both say the same, also with trailing zeros and positions that came back to nothing', () => {
    const { accounts: [account], ...rest } = bookOf();
    const book = { ...rest, accounts: [{ ...account!, cash: '984999.50', positions: [{ symbol: 'SPY', qty: '100' }, { symbol: 'IBM', qty: '0' }] }] };
    expect(failing(ledgerOf(O1), book)).toEqual([]);
  });

  it('fails for an order that is not in a final state, and for a leg nobody decided', () => {
    const open = ofOrder('o2', said.approved(termsOf('o2')), said.claimed('o2-p'), said.acknowledged());
    const intent = ofIntent('b'.repeat(64), { type: 'IntentAccepted', data: {
      intent: { intent_key: 'b'.repeat(64), key_policy: 'explicit', strategy: { id: 's', version: '1' }, account: 'paper-1', mode: 'paper', constraints: {}, remainder: { kind: 'wait' }, reason: '', market_sequence: 0,
        orders: [{ symbol: 'SPY', side: 'buy', qty: '1', order_type: 'market', time_in_force: 'DAY' }] },
      digest: 'c'.repeat(64), request_id: 'r', risk_group: 'main', legs: [{ leg: 0, order_id: 'o3' }] } });
    const book = bookOf({ requests: [...bookOf().requests, { account: 'paper-1', client_order_id: 'o2-p', kind: 'place', count: 1 }] });
    const [check, ...others] = failing(ledgerOf(O1, open, intent), book);
    expect(check).toMatchObject({ name: 'every order is in a final state', detail: 'o3 is not decided; o2 is WORKING' });
    expect(others).toEqual([]);
  });

  it('fails for a fill that one side does not have, in positions, executions and cash', () => {
    expect(names(ledgerOf(), bookOf())).toEqual(['positions equal the venue\'s book', 'fills equal the venue\'s executions', 'cash equals the venue\'s book', 'no order was lost']);
    const twice = ledgerOf(O1, bought('o2', { execId: 'x2', qty: '5', price: '10' }));
    const lost = failing(twice, bookOf({ requests: [...bookOf().requests, { account: 'paper-1', client_order_id: 'o2-p', kind: 'place', count: 1 }] }));
    expect(lost.map(({ name }) => name)).toEqual(['positions equal the venue\'s book', 'fills equal the venue\'s executions', 'cash equals the venue\'s book']);
    expect(lost[0]?.detail).toBe('paper-1 SPY: quantity 105 in the log, 100 at the venue');
  });

  it('fails for fills that differ only in price, and so in cash', () => {
    const ledger = ledgerOf(bought('o1', { execId: 'x1', qty: '100', price: '151' }));
    expect(names(ledger, bookOf())).toEqual(['fills equal the venue\'s executions', 'cash equals the venue\'s book']);
  });

  it('counts a busted fill for nothing', () => {
    const ledger = ledgerOf(O1, ofOrder('o1', said.busted('x1')));
    const book = bookOf({ accounts: [{ account: 'paper-1', currency: 'USD', cash: '1000000', positions: [] }], executions: [] });
    expect(names(ledger, book)).toEqual([]);
  });

  it('passes when only a cancel was sent again', () => {
    const again = bookOf({ requests: [...bookOf().requests, { account: 'paper-1', client_order_id: 'o1-c1', kind: 'cancel', count: 2 }] });
    expect(failing(ledgerOf(O1), again)).toEqual([]);
  });

  it('fails when the venue was sent an order twice, however it answered', () => {
    const twice = bookOf({ requests: [{ account: 'paper-1', client_order_id: 'o1-p', kind: 'place', count: 2 }] });
    expect(failing(ledgerOf(O1), twice)).toMatchObject([{ name: 'no order was sent twice', detail: 'order o1-p of paper-1 came 2 times' }]);
  });

  it('fails for an order that never came there and for one that is not ours, but not for one known as not received', () => {
    expect(failing(ledgerOf(O1), bookOf({ requests: [] }))).toMatchObject([{ name: 'no order was lost', detail: 'never came to the venue: o1-p' }]);
    const foreign = bookOf({ requests: [...bookOf().requests, { account: 'paper-1', client_order_id: 'stranger', kind: 'place', count: 1 }] });
    expect(failing(ledgerOf(O1), foreign)).toMatchObject([{ name: 'no order was lost', detail: 'not one of ours: stranger' }]);
    const notReceived = ofOrder('o2', said.approved(termsOf('o2')), said.claimed('o2-p'), { type: 'OrderNotReceived', data: {
      report: { stream: 'venueReport-paper-1-2013-10-08', revision: 1, report_id: 'r2' }, venue_time_ms: 1, claim_id: 'c1', waited_ms: 5_000 } });
    expect(names(ledgerOf(O1, notReceived), bookOf())).toEqual([]);
  });
});
