import { describe, expect, it } from '@jest/globals';
import { cancelOrder, placeOrder } from './index.ts';
import { CLOSE_MS, OPEN_MS, openOrders, order, said, step, trading } from './testing.ts';
import type { TradingWindow } from './types.ts';

const tenDollars = { bid: ['10', '300'], ask: ['10.01', '200'] } as const;

describe('a market order', () => {
  it('takes the ask when it buys and the bid when it sells, up to the quoted size', () => {
    const book = trading([tenDollars]);
    expect(said(placeOrder(book, order({ qty: '150' })).reports)).toEqual(['acknowledged', 'filled 150@10.01']);
    expect(said(placeOrder(book, order({ qty: '150', side: 'sell' })).reports)).toEqual(['acknowledged', 'filled 150@10']);
  });

  it('fills in parts as sizes are quoted anew, and moves cash, fees and position with each', () => {
    const placed = placeOrder(trading([tenDollars]), order({ qty: '500' }));
    expect(said(placed.reports)).toEqual(['acknowledged', 'filled 200@10.01']);
    const second = step(placed.book, OPEN_MS + 1000, { bid: ['10', '100'], ask: ['10.02', '250'] });
    expect(said(second.reports)).toEqual(['filled 250@10.02']);
    const third = step(second.book, OPEN_MS + 2000, { bid: ['10', '100'], ask: ['10.03', '900'] });
    expect(said(third.reports)).toEqual(['filled 50@10.03']);
    expect(third.reports[0]).toMatchObject({ order_status: 'filled', cum_qty: '500', leaves_qty: '0', exec_id: 'acc.o1.1.3', fee: '0.5' });
    expect(third.book.accounts.get('acc')).toMatchObject({ cash: '94986.5', positions: new Map([['AAA', '500']]) });
    expect(openOrders(third.book)).toEqual([]);
  });

  it('finds nothing left of a size that another order has taken, until the quote is stated anew', () => {
    const first = placeOrder(trading([tenDollars]), order({ qty: '200' }));
    const second = placeOrder(first.book, order({ client_order_id: 'o2', qty: '50' }));
    expect(said(second.reports)).toEqual(['acknowledged']);
    const printOnly = step(second.book, OPEN_MS + 1000, { ...tenDollars, last: '10.01', restated: false });
    expect(said(printOnly.reports)).toEqual([]);
    expect(said(step(printOnly.book, OPEN_MS + 2000, tenDollars).reports)).toEqual(['filled 50@10.01']);
  });

  it('is refused without a quote on the other side, and outside the session', () => {
    expect(said(placeOrder(trading([{ bid: ['10', '100'] }]), order()).reports)).toEqual(['rejected NO_QUOTE']);
    expect(said(placeOrder(trading([tenDollars]), order({ symbol: 'BBB' })).reports)).toEqual(['rejected NO_QUOTE']);
    const closed = step(trading([tenDollars]), CLOSE_MS, tenDollars).book;
    expect(said(placeOrder(closed, order()).reports)).toEqual(['rejected SESSION_CLOSED']);
    expect(said(placeOrder(closed, order({ time_in_force: 'GTC' })).reports)).toEqual(['rejected SESSION_CLOSED']);
  });

  it('gets the worse of both prices where the quotes are crossed', () => {
    const crossed = trading([{ bid: ['10.05', '100'], ask: ['10.01', '100'] }]);
    expect(said(placeOrder(crossed, order()).reports)).toEqual(['acknowledged', 'filled 100@10.05']);
    expect(said(placeOrder(crossed, order({ side: 'sell' })).reports)).toEqual(['acknowledged', 'filled 100@10.01']);
    const buy = order({ order_type: 'limit', limit_price: '10.04' });
    expect(said(placeOrder(crossed, buy).reports)).toEqual(['acknowledged']);
  });
});

describe('a limit order', () => {
  it('rests until the quote comes to it, and never trades beyond its limit', () => {
    const placed = placeOrder(trading([tenDollars]), order({ order_type: 'limit', limit_price: '9.99' }));
    expect(said(placed.reports)).toEqual(['acknowledged']);
    const above = step(placed.book, OPEN_MS + 1000, { bid: ['9.98', '100'], ask: ['10', '500'] });
    expect(said(above.reports)).toEqual([]);
    expect(said(step(above.book, OPEN_MS + 2000, { bid: ['9.9', '100'], ask: ['9.95', '500'] }).reports)).toEqual(['filled 100@9.95']);
  });

  it('is served by price, then by who came first, while the size lasts', () => {
    let { book } = placeOrder(trading([tenDollars]), order({ client_order_id: 'low', order_type: 'limit', limit_price: '9.5' }));
    ({ book } = placeOrder(book, order({ client_order_id: 'first', order_type: 'limit', limit_price: '9.6' })));
    ({ book } = placeOrder(book, order({ client_order_id: 'second', order_type: 'limit', limit_price: '9.6', account: 'other' })));
    const { reports } = step(book, OPEN_MS + 1000, { bid: ['9.4', '1'], ask: ['9.5', '150'] });
    expect(reports.map(({ client_order_id, qty }) => [client_order_id, qty])).toEqual([['first', '100'], ['second', '50']]);
  });

  it('entered before the opening waits for it and then meets the quotes that are there', () => {
    const early = step(trading([]), 86_400_000 + OPEN_MS - 5000, tenDollars);
    const placed = placeOrder(early.book, order({ order_type: 'limit', limit_price: '10.01' }));
    expect(said(placed.reports)).toEqual(['acknowledged']);
    const stillEarly = step(placed.book, 86_400_000 + OPEN_MS - 1000, tenDollars);
    expect(said(stillEarly.reports)).toEqual([]);
    expect(said(step(stillEarly.book, 86_400_000 + OPEN_MS).reports)).toEqual(['filled 100@10.01']);
  });
});

describe('a stop', () => {
  const stop = order({ side: 'sell', order_type: 'stop', stop_price: '9.9' });

  it('waits, and becomes a market order when the price it would trade at reaches it', () => {
    const placed = placeOrder(trading([tenDollars]), stop);
    expect(said(placed.reports)).toEqual(['acknowledged']);
    const near = step(placed.book, OPEN_MS + 1000, { bid: ['9.91', '300'], ask: ['9.92', '300'] });
    expect(said(near.reports)).toEqual([]);
    expect(said(step(near.book, OPEN_MS + 2000, { bid: ['9.88', '60'], ask: ['9.92', '300'] }).reports)).toEqual(['filled 60@9.88']);
  });

  it('is triggered by a trade of the step, not by a last price from before it came', () => {
    const before = step(trading([tenDollars]), OPEN_MS + 1000, { ...tenDollars, last: '9.8' }).book;
    const placed = placeOrder(before, stop);
    const quoteOnly = step(placed.book, OPEN_MS + 2000, tenDollars);
    expect(said(quoteOnly.reports)).toEqual([]);
    expect(said(step(quoteOnly.book, OPEN_MS + 3000, { ...tenDollars, last: '9.9' }).reports)).toEqual(['filled 100@10']);
  });

  it('already reached when it comes trades at once', () => {
    expect(said(placeOrder(trading([tenDollars]), { ...stop, stop_price: '10' }).reports)).toEqual(['acknowledged', 'filled 100@10']);
    expect(said(placeOrder(trading([tenDollars]), order({ order_type: 'stop', stop_price: '10.01' })).reports)).toEqual(['acknowledged', 'filled 100@10.01']);
  });

  it('with a limit keeps to it after the trigger', () => {
    const placed = placeOrder(trading([tenDollars]), { ...stop, order_type: 'stop_limit', limit_price: '9.89' });
    const through = step(placed.book, OPEN_MS + 1000, { bid: ['9.8', '500'], ask: ['9.82', '500'] });
    expect(said(through.reports)).toEqual([]);
    expect(openOrders(through.book)[0]).toMatchObject({ active: true, leaves_qty: '100' });
    expect(through.orders).toHaveLength(1);
    expect(said(step(through.book, OPEN_MS + 2000, { bid: ['9.95', '500'], ask: ['9.96', '500'] }).reports)).toEqual(['filled 100@9.95']);
  });
});

describe('time in force', () => {
  it('IOC trades what is there and gives the rest back', () => {
    expect(said(placeOrder(trading([tenDollars]), order({ qty: '500', time_in_force: 'IOC' })).reports))
      .toEqual(['acknowledged', 'filled 200@10.01', 'canceled IOC_REMAINDER']);
    expect(said(placeOrder(trading([tenDollars]), order({ order_type: 'limit', limit_price: '9', time_in_force: 'IOC' })).reports))
      .toEqual(['acknowledged', 'canceled IOC_REMAINDER']);
  });

  it('FOK trades whole or not at all', () => {
    expect(said(placeOrder(trading([tenDollars]), order({ qty: '200', time_in_force: 'FOK' })).reports)).toEqual(['acknowledged', 'filled 200@10.01']);
    expect(said(placeOrder(trading([tenDollars]), order({ qty: '201', time_in_force: 'FOK' })).reports)).toEqual(['acknowledged', 'canceled FOK_NOT_FILLABLE']);
  });

  it('DAY expires at the close with what it has traded; GTC stays', () => {
    let { book } = placeOrder(trading([tenDollars]), order({ qty: '300' }));
    ({ book } = placeOrder(book, order({ client_order_id: 'gtc', order_type: 'limit', limit_price: '9', time_in_force: 'GTC' })));
    ({ book } = placeOrder(book, order({ client_order_id: 'stop', order_type: 'stop', stop_price: '20' })));
    const closed = step(book, CLOSE_MS, { bid: ['10', '900'], ask: ['10.01', '900'] });
    expect(closed.reports.map(({ client_order_id, type, cum_qty }) => [client_order_id, type, cum_qty])).toEqual([['o1', 'expired', '200'], ['stop', 'expired', '0']]);
    expect(openOrders(closed.book).map((each) => each.client_order_id)).toEqual(['gtc']);
    const nextDay = step(closed.book, 86_400_000 + OPEN_MS, { bid: ['8', '900'], ask: ['8.5', '900'] });
    expect(said(nextDay.reports)).toEqual(['filled 100@8.5']);
  });

  it('over a lunch break rests, is refused where it cannot, and trades when it is over', () => {
    const windowAt = (): TradingWindow => ({ open_ms: OPEN_MS, close_ms: CLOSE_MS, breaks: [{ from_ms: OPEN_MS + 100, until_ms: OPEN_MS + 200 }] });
    const atLunch = step(trading([tenDollars], { windowAt }), OPEN_MS + 100, tenDollars).book;
    expect(said(placeOrder(atLunch, order()).reports)).toEqual(['rejected SESSION_CLOSED']);
    const rested = placeOrder(atLunch, order({ order_type: 'limit', limit_price: '10.5' }));
    expect(said(rested.reports)).toEqual(['acknowledged']);
    expect(openOrders(rested.book)).toMatchObject([{ expires_ms: CLOSE_MS }]);
    const later = step(rested.book, OPEN_MS + 199, tenDollars);
    expect(said(later.reports)).toEqual([]);
    expect(said(step(later.book, OPEN_MS + 200, tenDollars).reports)).toEqual(['filled 100@10.01']);
  });

  it('DAY after the close has no session left', () => {
    const closed = step(trading([tenDollars]), CLOSE_MS + 1, tenDollars).book;
    expect(said(placeOrder(closed, order({ order_type: 'limit', limit_price: '9' })).reports)).toEqual(['rejected SESSION_CLOSED']);
    expect(said(placeOrder(closed, order({ order_type: 'limit', limit_price: '9', time_in_force: 'GTC' })).reports)).toEqual(['acknowledged']);
  });
});

describe('cancel', () => {
  const resting = order({ order_type: 'limit', limit_price: '9', qty: '100' });
  const cancel = { client_order_id: 'o1-c1', target_client_order_id: 'o1', account: 'acc' };

  it('ends an open order, and names both the order and the request', () => {
    const { reports, book } = cancelOrder(placeOrder(trading([tenDollars]), resting).book, cancel);
    expect(reports[0]).toMatchObject({ type: 'canceled', client_order_id: 'o1', cancel_client_order_id: 'o1-c1', reason: 'REQUESTED' });
    expect(openOrders(book)).toEqual([]);
  });

  it('comes too late for an order that has ended, and is refused for one that never was', () => {
    const filled = placeOrder(trading([tenDollars]), order()).book;
    expect(cancelOrder(filled, cancel).reports[0]).toMatchObject({ type: 'cancel_rejected', client_order_id: 'o1-c1', code: 'TOO_LATE_TO_CANCEL' });
    expect(said(cancelOrder(filled, { ...cancel, target_client_order_id: 'nobody' }).reports)).toEqual(['cancel_rejected UNKNOWN_ORDER']);
    expect(said(cancelOrder(filled, { ...cancel, account: 'other' }).reports)).toEqual(['cancel_rejected UNKNOWN_ORDER']);
  });

  it('reaches an order that lies in a stop queue, and the one named where two share a client order id', () => {
    let { book } = placeOrder(trading([tenDollars]), order({ order_type: 'stop', stop_price: '20' }));
    ({ book } = placeOrder(book, resting));
    const named = cancelOrder(book, { ...cancel, venue_order_id: 'acc.o1.1' });
    expect(named.reports[0]).toMatchObject({ type: 'canceled', venue_order_id: 'acc.o1.1' });
    expect(cancelOrder(book, cancel).reports[0]).toMatchObject({ venue_order_id: 'acc.o1.2' });
  });
});

describe('what the venue refuses', () => {
  const refused = (more: Parameters<typeof order>[0]): string | undefined => placeOrder(trading([tenDollars]), order(more)).reports[0]?.code;

  it.each([
    ['UNKNOWN_SYMBOL', { symbol: 'ZZZ' }],
    ['BAD_QUANTITY', { qty: '0' }],
    ['BAD_QUANTITY', { qty: '-5' }],
    ['BAD_QUANTITY', { qty: '1e3' }],
    ['OFF_LOT', { qty: '1.5' }],
    ['BAD_PRICE', { order_type: 'limit', limit_price: 'NaN' }],
    ['OFF_TICK', { order_type: 'limit', limit_price: '10.005' }],
    ['LIMIT_PRICE_REQUIRED', { order_type: 'limit' }],
    ['LIMIT_PRICE_NOT_ALLOWED', { limit_price: '10' }],
    ['STOP_PRICE_REQUIRED', { order_type: 'stop' }],
    ['STOP_PRICE_NOT_ALLOWED', { stop_price: '10' }],
    ['TIME_IN_FORCE_NOT_SUPPORTED', { order_type: 'stop', stop_price: '9', time_in_force: 'IOC' }],
  ] as const)('%s: %j', (code, more) => {
    expect(refused(more)).toBe(code);
  });

  it('names the nearest valid value', () => {
    expect(placeOrder(trading([tenDollars]), order({ order_type: 'limit', limit_price: '10.005' })).reports[0]?.detail).toContain('10 or 10.01');
  });

  it('takes a client order id twice unless told to deduplicate, and then turns the second away without a word in the stream', () => {
    const twice = placeOrder(placeOrder(trading([tenDollars]), order()).book, order());
    expect(twice.reports[0]).toMatchObject({ type: 'acknowledged', venue_order_id: 'acc.o1.2' });
    const once = placeOrder(trading([tenDollars], { dedupe: 'permanent' }), order()).book;
    const second = placeOrder(once, order());
    expect(second.turned_away?.code).toBe('DUPLICATE_CLIENT_ORDER_ID');
    expect(second.reports).toEqual([]);
    expect(second.book).toEqual(once);
    expect(placeOrder(once, order({ account: 'other' })).turned_away).toBeUndefined();
  });
});
