import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { commandSubject, intentStream, partitionOf } from '@tallystick/contracts';
import { failedChecks } from '@tallystick/domain';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';
import { startMiniSystem, type MiniSystem } from './testing/mini-system.ts';

let nats: TestNats;
let system: MiniSystem;
let at = 10;

beforeAll(async () => {
  nats = await startTestNats();
  system = await startMiniSystem({ natsUrl: nats.url });
  await system.moveTo(at);
});

afterAll(async () => {
  await system.stop();
  await nats.stop();
});

const settle = async (): Promise<void> => {
  at += 1;
  await system.moveTo(at);
};

let drawn = 0;
const intent = (order: object, more: object = {}): Record<string, unknown> & { key: { policy: string; key: string } } => {
  drawn += 1;
  return {
    version: 1, key: { policy: 'explicit', key: `case-${drawn}` }, strategy: { id: 'test', version: '1' }, account: 'paper-1', market_sequence: 1,
    orders: [{ symbol: 'SPY', side: 'buy', qty: '100', order_type: 'market', time_in_force: 'DAY', ...order }], ...more,
  };
};

const orderIds = (receipt: Record<string, unknown>): readonly string[] => (receipt['orders'] as readonly { readonly order_id: string }[]).map((order) => order.order_id);
const orderOf = async (receipt: Record<string, unknown>) => system.order(orderIds(receipt)[0] ?? '');

interface Book {
  readonly accounts: readonly { readonly account: string; readonly cash: string; readonly positions: readonly { readonly symbol: string; readonly qty: string }[] }[];
  readonly requests: readonly { readonly kind?: string; readonly client_order_id: string; readonly count?: number }[];
}

describe('an intent on its way', () => {
  it('becomes a filled order whose whole life is one stream, each event carrying the hash of the one before', async () => {
    const receipt = await system.propose(intent({}));
    expect(receipt).toMatchObject({ status: 'accepted', repeated: false });
    await settle();
    const { events, recorded, state } = await orderOf(receipt);
    expect(events.map((event) => event.type)).toEqual(['OrderApproved', 'SubmissionClaimed', 'OrderAcknowledged', 'OrderFilled']);
    expect(state.status).toBe('FILLED');
    expect(state.cumQty.toFixed()).toBe('100');
    expect(recorded.every((event) => event.metadata['correlationid'] === receipt['intent_key'] || event.metadata['correlationid'] === 'paper-1')).toBe(true);
    expect(new Set(recorded.map((event) => event.metadata['prevhash'])).size).toBe(recorded.length);
    // One trace from the intent to the fill.
    expect(new Set(recorded.map((event) => String(event.metadata['traceparent']).slice(3, 35))).size).toBe(1);
  });

  it('fills in parts when the quote is smaller than the order, and the position is the venue\'s', async () => {
    const receipt = await system.propose(intent({ symbol: 'IBM', qty: '250' }, { account: 'paper-2' }));
    for (let i = 0; i < 4; i += 1) await settle();
    const { events, state } = await orderOf(receipt);
    expect(events.filter((event) => event.type === 'OrderFilled').length).toBeGreaterThanOrEqual(3);
    expect(state.status).toBe('FILLED');
    const book = (await system.control.book()) as Book;
    expect(book.accounts.find(({ account }) => account === 'paper-2')?.positions).toEqual([expect.objectContaining({ symbol: 'IBM', qty: '250' })]);
  });

  it('rests as a limit order, and is cancelled when asked', async () => {
    const receipt = await system.propose(intent({ order_type: 'limit', limit_price: '99.00' }));
    await settle();
    expect((await orderOf(receipt)).state.status).toBe('WORKING');
    const [orderId] = orderIds(receipt);
    await system.bus.send(commandSubject('execution', partitionOf('main'), 'cancel'),
      { version: 1, order_id: orderId ?? '', account: 'paper-1', reason: 'test', requested_by: 'operator:ana' }, `cancel-${drawn}`);
    const done = await eventually('the order is canceled', async () => {
      const order = await orderOf(receipt);
      return order.state.status === 'CANCELED' ? order : undefined;
    });
    expect(done.events.map((event) => event.type).slice(-3)).toEqual(['CancelRequested', 'CancelClaimed', 'OrderCanceled']);
  });

  it('gives up its remainder when its time at the venue has passed', async () => {
    const receipt = await system.propose(intent({ order_type: 'limit', limit_price: '99.00' }, { remainder: { kind: 'cancel_after', after_ms: 5_000 } }));
    await settle();
    expect((await orderOf(receipt)).state.status).toBe('WORKING');
    at += 6;
    await system.moveTo(at);
    expect((await orderOf(receipt)).state).toMatchObject({ status: 'CANCELED' });
  });
});

describe('a repeated intent', () => {
  it('gets the first answer, and there is one order however often and at once it is sent', async () => {
    const body = intent({ qty: '10' });
    const receipts = await Promise.all(Array.from({ length: 16 }, () => system.propose(body)));
    expect(new Set(receipts.map((receipt) => receipt['request_id'])).size).toBe(1);
    expect(receipts.filter((receipt) => receipt['repeated'] === false)).toHaveLength(1);
    await settle();
    const { events } = await orderOf(receipts[0] ?? {});
    expect(events.filter((event) => event.type === 'SubmissionClaimed')).toHaveLength(1);
    expect(events.filter((event) => event.type === 'OrderFilled')).toHaveLength(1);
  });

  it('with another body is a recorded conflict and never a second order', async () => {
    const body = intent({ qty: '10' });
    const first = await system.propose(body);
    const other = { ...body, orders: [{ symbol: 'SPY', side: 'buy', qty: '20', order_type: 'market' }] };
    expect(await system.propose(other)).toMatchObject({ status: 'conflict', code: 'INTENT_KEY_CONFLICT' });
    expect(await system.propose(other)).toMatchObject({ status: 'conflict' });
    const read = await system.store.read(intentStream(String(first['intent_key'])));
    expect(read.ok && read.events.map((event) => event.type)).toEqual(['IntentAccepted', 'IntentConflicted']);
  });
});

describe('what is refused', () => {
  it('names the nearest valid price and is the recorded answer of its key', async () => {
    const body = intent({ order_type: 'limit', limit_price: '100.005' });
    const receipt = await system.propose(body);
    expect(receipt).toMatchObject({ status: 'refused', refusals: [{ code: 'OFF_TICK', detail: expect.stringContaining('100 or 100.01') }] });
    expect(await system.propose(body)).toMatchObject({ status: 'refused', repeated: true, request_id: receipt['request_id'] });
  });

  it.each([
    ['an unknown member', { surprise: 1 }, 'INTENT_INVALID'],
    ['another strategy\'s name', { strategy: { id: 'someone-else', version: '1' } }, 'INTENT_INVALID'],
    ['a quantity that is no number', { orders: [{ symbol: 'SPY', side: 'buy', qty: 'NaN', order_type: 'market' }] }, 'INTENT_INVALID'],
    ['a reason of 70 KiB', { reason: 'x'.repeat(70 * 1024) }, 'INTENT_TOO_LARGE'],
  ])('is answered with a stable code and recorded: %s', async (_name, more, code) => {
    const receipt = await system.propose(intent({}, more));
    expect(receipt).toMatchObject({ status: 'malformed', code });
  });

  it('by a limit keeps every check with limit, observed and headroom', async () => {
    const receipt = await system.propose(intent({ qty: '900' }));
    await settle();
    const { state } = await orderOf(receipt);
    expect(state.status).toBe('DENIED');
    const failed = state.decision ? failedChecks(state.decision) : [];
    expect(failed).toEqual([expect.objectContaining({ code: 'ORDER_NOTIONAL_LIMIT', scope: 'firm', limit: '50000' })]);
    expect(state.decision?.checks.length).toBeGreaterThan(10);
  });
});

describe('the one door', () => {
  it('sends nothing for a command without a decision, and records the attempt', async () => {
    const before = ((await system.control.book()) as Book).requests.length;
    await system.bus.send(commandSubject('execution', partitionOf('main'), 'submit'),
      { version: 1, order_id: 'a'.repeat(32), account: 'paper-1', execute_by_ms: 9e12 }, 'forged');
    await eventually('the attempt is recorded', async () => {
      const head = await system.store.head();
      if (!head.ok || head.position === undefined) return undefined;
      return await new Promise<boolean>((resolve) => {
        const found = system.store.subscribeAll({ name: 'audit', after: 'start', streamPrefixes: ['audit-'], onFailed: () => resolve(false),
          onEvent: (event) => { if (event.type === 'BypassAttempted') resolve(true); }, onCaughtUp: () => { resolve(false); void found.stop(); } });
      });
    });
    expect(((await system.control.book()) as Book).requests).toHaveLength(before);
  });

  it('shows a preview with the decision and the exact payload, and records nothing', async () => {
    const body = intent({ qty: '50' });
    const answer = (await system.bus.request('tally.preview.test', body as never, 5_000)) as Record<string, unknown>;
    expect(answer).toMatchObject({ status: 'previewed', decisions: [{ decision: { outcome: 'approved' }, venue_request: { method: 'POST', path: '/v1/orders' } }] });
    const read = await system.store.read(intentStream(String(answer['intent_key'])));
    expect(read).toMatchObject({ ok: true, exists: false });
    expect(await system.propose(body)).toMatchObject({ status: 'accepted', repeated: false });
  });
});
