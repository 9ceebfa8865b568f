import { describe, expect, it } from '@jest/globals';
import { agreement } from './agreement.ts';
import type { Log } from './log.ts';
import { bookOfFilled, filledOrder, TERMS } from './testing.ts';

const judge = (log: Log, book: unknown, mayRest = false) => agreement({ log, book }, { initialCash: '1000000', mayRest }).filter(({ held }) => !held).map(({ claim, seen }) => `${claim}: ${seen}`);
const claims = (failed: readonly string[]): readonly string[] => failed.map((text) => text.split(':')[0] ?? '');

describe('log and book beside each other', () => {
  it('agree when every service has recorded its part', () => {
    expect(judge(filledOrder().read(), bookOfFilled())).toEqual([]);
  });

  it.each([
    ['a fill that the log lost', (event: { type: string; data: unknown }) => JSON.stringify(event.data).includes('"exec_id":"e2"') && event.type === 'OrderFilled',
      ['every order has ended', 'positions are the venue\'s', 'cash is the venue\'s', 'no execution is missing or applied twice', 'no state contradicts the venue']],
    ['a trade that never reached the group', (event: { type: string; data: unknown }) => event.type === 'TradeApplied' && JSON.stringify(event.data).includes('"e1"'), ['reservations are released exactly once']],
    ['a decision that the group does not know', (event: { type: string }) => event.type === 'OrderDecided', ['each order was decided once']],
    ['an intent that is not recorded', (event: { type: string }) => event.type === 'IntentAccepted', ['each order was decided once']],
    ['an order that lost its claim', (event: { type: string }) => event.type === 'SubmissionClaimed', ['no state contradicts the venue']],
  ])('differ by %s', (_what, drop, expected) => {
    expect(claims(judge(filledOrder().read(drop), bookOfFilled()))).toEqual(expected);
  });

  it('differ by a fill that is applied twice', () => {
    const log = filledOrder().append('order-o1', 'OrderFilled', { exec_id: 'e1', qty: '60', price: '100.01', fee: '0.3' }).read();
    expect(claims(judge(log, bookOfFilled()))).toContain('no execution is missing or applied twice');
  });

  it('differ by an order that was placed twice, but not by a repeated cancel', () => {
    const book = bookOfFilled();
    const again = (kind: string, id: string) => ({ ...book, requests: [...book.requests.filter((request) => request.kind !== kind), { account: 'a', client_order_id: id, kind, count: 2 }] });
    expect(claims(judge(filledOrder().read(), again('place', 'o1')))).toEqual(['no client order id was placed twice']);
    expect(judge(filledOrder().read(), again('cancel', 'o1-c1'))).toEqual([]);
  });

  it('differ by an order that says it was never received, and was', () => {
    const log = filledOrder().append('order-o2', 'OrderApproved', { terms: { ...TERMS, order_id: 'o2' } }).append('order-o2', 'SubmissionClaimed', { client_order_id: 'o2' }).append('order-o2', 'OrderNotReceived', {}).read();
    const book = bookOfFilled();
    const withIt = { ...book, requests: [...book.requests, { account: 'a', client_order_id: 'o2', kind: 'place', count: 1 }] };
    expect(judge(log, withIt).join()).toContain('o2 is NOT_RECEIVED, and the venue got it');
    expect(judge(log, book).join()).not.toContain('the venue got it');
  });

  it('differ by a stranger at the venue', () => {
    const book = bookOfFilled();
    expect(judge(filledOrder().read(), { ...book, requests: [...book.requests, { account: 'a', client_order_id: 'x', kind: 'place', count: 1 }] }).join()).toContain('the venue has x, which nobody claimed');
  });

  it('differ by an order that still rests, unless it may', () => {
    const working = (event: { type: string }) => event.type === 'OrderFilled' || event.type === 'TradeApplied';
    const book = { ...bookOfFilled(), accounts: [{ account: 'a', cash: '1000000', positions: [] }], executions: [], orders: [{ account: 'a', client_order_id: 'o1', status: 'working' }] };
    expect(claims(judge(filledOrder().read(working), book))).toEqual(['every order has ended']);
    expect(judge(filledOrder().read(working), book, true)).toEqual([]);
  });

  it('differ by an order that ended and is still reserved', () => {
    const working = (event: { type: string }) => event.type === 'OrderFilled' || event.type === 'TradeApplied';
    const book = { ...bookOfFilled(), accounts: [{ account: 'a', cash: '1000000', positions: [] }], executions: [], orders: [{ account: 'a', client_order_id: 'o1', status: 'canceled' }] };
    const canceled = filledOrder().append('order-o1', 'OrderCanceled', {});
    expect(claims(judge(canceled.read(working), book))).toEqual(['reservations are released exactly once']);
    expect(judge(canceled.append('riskGroup-main-2024-01-02', 'ReservationReleased', { order_id: 'o1' }).read(working), book)).toEqual([]);
  });

  it('differ by a report in quarantine', () => {
    expect(claims(judge(filledOrder().append('quarantine-a', 'ReportQuarantined', { reason: 'ORDER_UNKNOWN', detail: 'x' }).read(), bookOfFilled()))).toEqual(['no report is in quarantine, no order has an anomaly']);
  });
});
