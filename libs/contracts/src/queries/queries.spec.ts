import { describe, expect, it } from '@jest/globals';
import { TRANSITIONS } from '@tallystick/domain';
import { IntentReceiptV1, MarketSnapshotV1, ORDER_STATUSES, RedriveRequestV1, ROUTES, CancelRequestV1 } from './index.ts';
import { OrdersQueryV1 } from './routes.ts';

describe('answers', () => {
  const judged = { version: 1, status: 'accepted', intent_key: 'k', digest: 'd', request_id: 'r', orders: [{ leg: 0, order_id: 'o' }], refusals: [], repeated: false };

  it('may gain members in a later release: readers ignore what they do not know', () => {
    expect(IntentReceiptV1.parse({ ...judged, latency_ms: 3 })).toEqual(judged);
  });

  it.each([
    { version: 1, status: 'conflict', intent_key: 'k', code: 'INTENT_KEY_CONFLICT', detail: 'x', request_id: 'r', recorded_digest: 'a', digest: 'b' },
    { version: 1, status: 'malformed', code: 'INTENT_INVALID', detail: 'x', issues: [{ field: 'a', detail: 'b' }], request_id: 'r' },
    { version: 1, status: 'unavailable', code: 'STORE_UNAVAILABLE', detail: 'x', request_id: 'r' },
    { ...judged, status: 'refused', refusals: [{ code: 'OFF_LOT', detail: 'x' }], position: '7' },
  ])('of a submitted intent may be $status', (receipt) => {
    expect(IntentReceiptV1.safeParse(receipt).success).toBe(true);
  });

  it('of a submitted intent are one of the five and nothing between', () => {
    expect(IntentReceiptV1.safeParse({ ...judged, status: 'pending' }).success).toBe(false);
    expect(IntentReceiptV1.safeParse({ ...judged, orders: undefined }).success).toBe(false);
  });

  it('know every status of the order life', () => {
    expect([...ORDER_STATUSES].sort()).toEqual(Object.keys(TRANSITIONS).sort());
  });

  it('of the market have sides only where there are quotes', () => {
    const snapshot = { sequence: 1, time_ms: 0, source: 'sim', quotes: [{ symbol: 'SPY', bid: '1.5', time_ms: 0, sequence: 1, source: 'sim' }] };
    expect(MarketSnapshotV1.parse(snapshot)).toEqual(snapshot);
    expect(MarketSnapshotV1.safeParse({ ...snapshot, quotes: [{ ...snapshot.quotes[0], bid: 1.5 }] }).success).toBe(false);
  });
});

describe('requests', () => {
  it.each([
    [{ version: 1, sequence: 4 }, true],
    [{ version: 1, all: true }, true],
    [{ version: 1, all: true, service: 'risk' }, true],
    [{ version: 1 }, false],
    [{ version: 1, service: 'risk' }, false],
    [{ version: 1, sequence: 4, all: true }, false],
    [{ version: 1, sequence: 4, service: 'risk' }, false],
    [{ version: 1, all: false }, false],
    [{ version: 1, all: true, dry: true }, false],
  ])('to send dead letters back name one, or say all: %j', (body, taken) => {
    expect(RedriveRequestV1.safeParse(body).success).toBe(taken);
  });

  it('to cancel say why', () => {
    expect(CancelRequestV1.safeParse({ version: 1, reason: '' }).success).toBe(false);
    expect(CancelRequestV1.safeParse({ version: 1, reason: 'end of test' }).success).toBe(true);
  });

  it('for orders have a page size, and refuse a filter that they do not know', () => {
    expect(OrdersQueryV1.parse({})).toEqual({ limit: 100 });
    expect(OrdersQueryV1.parse({ limit: '5', status: 'WORKING', min_position: '12' })).toEqual({ limit: 5, status: 'WORKING', min_position: '12' });
    expect(OrdersQueryV1.safeParse({ acount: 'a' }).success).toBe(false);
    for (const limit of ['0', '1001', 'all', '1.5', '-1']) expect(OrdersQueryV1.safeParse({ limit }).success).toBe(false);
  });

  it('that change something are POST', () => {
    expect(ROUTES.filter(({ method, body }) => (method === 'get') !== (body === undefined))).toEqual([]);
  });
});
