import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CLOSE_MS, OPEN_MS, order } from '../engine/testing.ts';
import type { Market } from '../engine/testing.ts';
import { arrayFeed, call, CONTROL, OTHER_TOKEN, startTestVenue, temporaryFolder } from './testing.ts';
import type { RunningPaperVenue } from './start.ts';

const quote: Market = { bid: ['10', '300'], ask: ['10.01', '200'] };
const feed = arrayFeed([
  [OPEN_MS - 1000, quote], [OPEN_MS, quote], [OPEN_MS + 1000, quote], [OPEN_MS + 2000, { ...quote, last: '10' }], [OPEN_MS + 3000, quote], [CLOSE_MS], [CLOSE_MS + 1000, quote],
]);

let dataDir: string;
let running: RunningPaperVenue;
const open: RunningPaperVenue[] = [];
const start = async (more: Partial<Parameters<typeof startTestVenue>[0]> = {}): Promise<RunningPaperVenue> => {
  running = await startTestVenue({ feed, dataDir, ...more });
  open.push(running);
  return running;
};
beforeEach(() => {
  dataDir = temporaryFolder();
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  rmSync(dataDir, { recursive: true });
});
const stop = async (): Promise<void> => {
  open.splice(open.indexOf(running), 1);
  await running.close();
};

const step = (body: object) => call(running.port, 'POST', '/control/step', { token: CONTROL, body });
const place = (more: object = {}) => call(running.port, 'POST', '/v1/orders', { body: { ...order(), ...more } });
const book = async () => (await call(running.port, 'GET', '/v1/book', { token: CONTROL })).body;

describe('the market is moved by control alone', () => {
  it('to a time, by steps, or to the first step with reports, and tells all quotes and report numbers', async () => {
    await start();
    expect((await step({ until_ms: OPEN_MS })).body).toMatchObject({
      steps: 2, time_ms: OPEN_MS, sequence: 2, session_open: true, ended: false, next_time_ms: OPEN_MS + 1000, report_sequences: { acc: 0, other: 0 },
      snapshot: { sequence: 2, time_ms: OPEN_MS, quotes: [{ symbol: 'AAA', bid: '10' }] },
    });
    expect((await step({ until_ms: OPEN_MS })).body).toMatchObject({ steps: 0, sequence: 2 });
    await place({ qty: '250' });
    expect((await step({ until_ms: 9e12, stop_on_report: true })).body).toMatchObject({ steps: 1, report_sequences: { acc: 3 } });
    expect((await step({ steps: 1, stop_on_report: true })).body).toMatchObject({ steps: 1, sequence: 4 });
    expect((await step({ until_ms: 9e12 })).body).toMatchObject({ steps: 3, ended: true, session_open: false });
    expect((await step({ steps: 5 })).body).toMatchObject({ steps: 0, ended: true });
  });

  it('expires day orders at the close although nothing was quoted then', async () => {
    await start();
    await step({ until_ms: OPEN_MS });
    await place({ order_type: 'limit', limit_price: '9' });
    expect((await step({ until_ms: 9e12, stop_on_report: true })).body).toMatchObject({ time_ms: CLOSE_MS, open_orders: 0 });
  });

  it('says which market it is', async () => {
    await start();
    expect((await call(running.port, 'GET', '/control/market', { token: CONTROL })).body)
      .toMatchObject({ source: 'test', simulated: true, days: ['1970-01-01'], end_ms: CLOSE_MS + 1000, position: { sequence: 0, time_ms: 0 }, ended: false });
  });

  it('goes as far as its data can be read, and then says why there is no more', async () => {
    const broken = {
      description: feed.description,
      steps: async function* () {
        let left = 3;
        for await (const each of feed.steps()) {
          if (left === 0) throw Object.assign(new Error('day2.zip line 7: half a row'), { code: 'MARKET_DATA_UNREADABLE' });
          left -= 1;
          yield each;
        }
      },
    };
    await start({ feed: broken });
    expect((await step({ until_ms: 9e12 })).body).toMatchObject({ steps: 3, ended: false });
    expect(await step({ until_ms: 9e12 })).toMatchObject({ status: 500, body: { code: 'MARKET_DATA_UNREADABLE', detail: 'day2.zip line 7: half a row' } });
    expect((await place({ order_type: 'limit', limit_price: '9' })).status).toBe(201);
  });

  it('refuses steps without an end and what is no request', async () => {
    await start();
    for (const body of [{}, { steps: 0 }, { until_ms: -1 }, { steps: 1, extra: 1 }, [], { until_ms: '5' }]) {
      expect(await step(body)).toMatchObject({ status: 400, body: { code: 'MALFORMED_STEP' } });
    }
  });
});

describe('a started again venue', () => {
  it('goes on with the same book, numbers, taken sizes and place in the market', async () => {
    await start();
    await step({ until_ms: OPEN_MS });
    await place({ qty: '150' });
    await place({ client_order_id: 'resting', order_type: 'limit', limit_price: '9.5', time_in_force: 'GTC' });
    await place({ client_order_id: 'stop', order_type: 'stop', stop_price: '12' });
    const before = await book();
    await stop();
    await start();
    expect(await book()).toEqual(before);
    const placed = await place({ client_order_id: 'next', qty: '100' });
    expect(placed.body['reports']).toMatchObject([{ type: 'acknowledged', sequence: 5 }, { type: 'filled', qty: '50', sequence: 6 }]);
    expect((await step({ steps: 1 })).body).toMatchObject({ sequence: 3, report_sequences: { acc: 7 } });
    expect((await place({ qty: '1' })).body['venue_order_id']).toBe('acc.o1.2');
  });

  it('does the same as one that was never stopped', async () => {
    const play = async (restart: boolean): Promise<unknown> => {
      await start();
      for (const [until_ms, id, qty] of [[OPEN_MS, 'a', '500'], [OPEN_MS + 1000, 'b', '90'], [OPEN_MS + 3000, 'c', '700']] as const) {
        await step({ until_ms });
        await place({ client_order_id: id, qty });
        if (restart) {
          await stop();
          await start();
        }
      }
      await step({ until_ms: 9e12 });
      const all = await book();
      await stop();
      rmSync(dataDir, { recursive: true });
      return all;
    };
    const whole = await play(false);
    expect(await play(true)).toEqual(whole);
    dataDir = temporaryFolder();
  });

  it('refuses another market, and a data directory that another venue holds', async () => {
    await start();
    await expect(startTestVenue({ feed, dataDir })).rejects.toMatchObject({ code: 'VENUE_DATA_LOCKED' });
    await stop();
    await expect(startTestVenue({ feed: arrayFeed([[OPEN_MS, quote]], 'another'), dataDir })).rejects.toMatchObject({ code: 'VENUE_MARKET_CHANGED' });
  });
});

describe('the book that others are held against', () => {
  it('counts every request per client order id, the refused ones too, and shows each account its own part', async () => {
    await start();
    await step({ until_ms: OPEN_MS });
    await place();
    await place();
    await place({ client_order_id: 'bad', symbol: 'ZZZ' });
    await call(running.port, 'POST', '/v1/cancels', { body: { client_order_id: 'o1-c1', target_client_order_id: 'o1', account: 'acc' } });
    await call(running.port, 'POST', '/v1/orders', { token: OTHER_TOKEN, body: { ...order(), account: 'other' } });
    const all = await book();
    expect(all['requests']).toEqual([
      { account: 'acc', client_order_id: 'o1', kind: 'place', count: 2 }, { account: 'acc', client_order_id: 'bad', kind: 'place', count: 1 },
      { account: 'acc', client_order_id: 'o1-c1', kind: 'cancel', count: 1 }, { account: 'other', client_order_id: 'o1', kind: 'place', count: 1 },
    ]);
    expect(all['executions']).toMatchObject([{ account: 'acc', qty: '100' }, { account: 'acc', qty: '100' }]);
    expect(all['accounts']).toMatchObject([{ account: 'acc', positions: [{ symbol: 'AAA', qty: '200' }] }, { account: 'other' }]);
    const own = (await call(running.port, 'GET', '/v1/book', { token: OTHER_TOKEN })).body;
    expect((own['orders'] as unknown[]).length).toBe(1);
    expect(own['accounts']).toMatchObject([{ account: 'other' }]);
  });
});

describe('the door', () => {
  it.each([
    ['no token', { token: '' }, 401, 'UNAUTHENTICATED'],
    ['a wrong token', { token: 'x' }, 401, 'UNAUTHENTICATED'],
    ['the control token', { token: CONTROL }, 401, 'UNAUTHENTICATED'],
    ['another account\'s order', { body: { ...order(), account: 'other' } }, 403, 'WRONG_ACCOUNT'],
    ['half a JSON', { body: '{"a":' }, 400, 'MALFORMED_JSON'],
    ['an unknown field', { body: { ...order(), leverage: '5' } }, 400, 'MALFORMED_ORDER'],
    ['a number for a quantity', { body: { ...order(), qty: 5 } }, 400, 'MALFORMED_ORDER'],
    ['an id with a space', { body: { ...order(), client_order_id: 'a b' } }, 400, 'MALFORMED_ORDER'],
    ['a body of more than 64 KiB', { body: JSON.stringify({ ...order(), symbol: 'x'.repeat(70_000) }) }, 413, 'BODY_TOO_LARGE'],
    ['an unknown symbol', { body: { ...order(), symbol: 'ZZZ' } }, 422, 'UNKNOWN_SYMBOL'],
  ] as const)('refuses %s', async (_what, options, status, code) => {
    await start();
    expect(await call(running.port, 'POST', '/v1/orders', { body: order(), ...options })).toMatchObject({ status, body: { code } });
  });

  it('keeps control, accounts and paths apart', async () => {
    await start();
    expect(await call(running.port, 'POST', '/control/step', { body: { steps: 1 } })).toMatchObject({ status: 401 });
    expect(await call(running.port, 'GET', '/v1/accounts/other')).toMatchObject({ status: 403, body: { code: 'WRONG_ACCOUNT' } });
    expect(await call(running.port, 'GET', '/v1/nothing')).toMatchObject({ status: 404, body: { code: 'NO_SUCH_PATH' } });
    expect(await call(running.port, 'GET', '/v1/orders')).toMatchObject({ status: 400, body: { code: 'CLIENT_ORDER_ID_REQUIRED' } });
    expect(await call(running.port, 'GET', '/v1/accounts/acc/reports?after=7')).toMatchObject({ status: 409, body: { code: 'AHEAD_OF_VENUE' } });
    expect(await call(running.port, 'GET', '/v1/accounts/acc/reports?after=x')).toMatchObject({ status: 400, body: { code: 'MALFORMED_AFTER' } });
    expect(await call(running.port, 'GET', '/readyz', { token: '' })).toMatchObject({ status: 200 });
  });

  it('limits the rate where told to, per account, and what it turned away was not done', async () => {
    await start({ requestsPerSecond: 2 });
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await place({ client_order_id: `o${n}`, order_type: 'limit', limit_price: '9', time_in_force: 'GTC' })).status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
    const taken = statuses.filter((status) => status === 201).length;
    expect(((await book())['orders'] as unknown[]).length).toBe(taken);
    expect((await call(running.port, 'GET', '/v1/instruments', { token: OTHER_TOKEN })).status).toBe(200);
  });

  it('counts in metrics without naming an id', async () => {
    await start();
    await place({ symbol: 'ZZZ' });
    const text = await (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text();
    expect(text).toContain('tally_paper_venue_requests_total{route="POST /v1/orders",status="422"} 1');
    expect(text).toContain('tally_paper_venue_reports_total{type="rejected"} 1');
    expect(text).not.toContain('o1');
  });
});
