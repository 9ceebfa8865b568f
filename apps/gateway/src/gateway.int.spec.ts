import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { anchorStream, decodeAnchor, ProblemV1, ROUTES, type Route } from '@tallystick/contracts';
import { evolveAnchor, NO_ANCHOR, type AnchorEvent, type AnchorState } from '@tallystick/domain';
import { handle, type Folding } from '@tallystick/event-sourcing';
import { executionService, fillsService, intentsService, riskService } from '@tallystick/host';
import { startMiniSystem, type MiniSystem } from '@tallystick/host/testing';
import { systemPorts } from '@tallystick/platform';
import { verifyReadModel } from '@tallystick/read-models';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';
import { startGateway, type RunningGateway } from './start-gateway.ts';

const OPERATOR = 'operator-token-of-the-tests-0001';
const VIEWER = 'viewer-token-of-the-tests-000001';
const SECOND = 'second-operator-of-the-tests-0001';
const PROPOSER = 'proposer-token-of-the-tests-0001';
const NOBODY = 'nobody-token-of-the-tests-000001';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

let keys = 0;
const intent = (order: object, more: object = {}): { key: string; body: object } => {
  const key = `key-${(keys += 1)}`;
  return { key, body: { version: 1, key: { policy: 'explicit', key }, strategy: { id: 'test', version: '1' }, account: 'paper-1', orders: [{ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'market', ...order }], ...more } };
};

describe('the gateway', () => {
  let nats: TestNats;
  let system: MiniSystem;
  let gateway: RunningGateway;
  let readModelFile: string;

  beforeAll(async () => {
    nats = await startTestNats();
    system = await startMiniSystem({ natsUrl: nats.url, services: [] });
    const intents = await system.start(intentsService);
    for (const definition of [riskService, executionService, fillsService]) await system.start(definition);
    const { dataDir, storeUrl, natsUrl } = intents.world.config;
    readModelFile = join(dataDir, 'read-model', 'gateway.sqlite');
    writeFileSync(join(dataDir, 'tokens.json'), JSON.stringify({ version: 1, tokens: [
      { name: 'operator', sha256: sha256(OPERATOR), scopes: ['read', 'propose', 'reduce', 'operate'] },
      { name: 'second', sha256: sha256(SECOND), scopes: ['operate'] },
      { name: 'viewer', sha256: sha256(VIEWER), scopes: ['read'] },
      { name: 'proposer', sha256: sha256(PROPOSER), scopes: ['read', 'propose', 'reduce'] },
      { name: 'nobody', sha256: sha256(NOBODY), scopes: ['approve'] },
      { name: 'gone', sha256: sha256('gone-token-of-the-tests-00000001'), scopes: ['read'], expires_at_ms: 1 },
    ] }));
    gateway = await startGateway({
      TALLY_DATA_DIR: dataDir, TALLY_STORE_URL: storeUrl, TALLY_NATS_URL: natsUrl, TALLY_GATEWAY_PORT: '0', TALLY_LOG_LEVEL: 'error',
      TALLY_SERVICES: JSON.stringify([{ name: 'intents', url: intents.opsUrl }, { name: 'risk', url: 'http://127.0.0.1:9' }]),
    }, () => undefined);
  });

  afterAll(async () => {
    await gateway?.stop();
    await system?.stop();
    await nats?.stop();
  });

  const call = async (method: string, path: string, options: { readonly token?: string | null; readonly body?: unknown; readonly raw?: string; readonly headers?: Record<string, string> } = {}): Promise<Reply> => {
    const { token = OPERATOR, body, raw, headers } = options;
    const response = await fetch(`${gateway.url}${path}`, {
      method,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined && raw === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(raw === undefined ? (body === undefined ? {} : { body: JSON.stringify(body) }) : { body: raw }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
  };
  const get = (path: string, token?: string | null) => call('GET', path, token === undefined ? {} : { token });
  const submit = (what: { readonly key: string; readonly body: object }) => call('POST', '/v1/intents', { body: what.body, headers: { 'idempotency-key': what.key } });
  const orderIdOf = (reply: Reply): string => (reply.body['orders'] as { readonly order_id: string }[])[0]?.order_id ?? '';
  const orderWith = (id: string, status: string) => eventually(`order ${id} ${status}`, async () => {
    const reply = await get(`/v1/orders/${id}`);
    const order = reply.body['order'] as Record<string, unknown> | undefined;
    return order?.['status'] === status ? order : undefined;
  });
  const expectProblem = (reply: Reply, status: number, code: string): void => {
    expect({ status: reply.status, code: reply.body['code'] }).toEqual({ status, code });
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
    expect(ProblemV1.safeParse(reply.body)).toMatchObject({ success: true });
    expect(reply.body['request_id']).toBe(reply.headers.get('x-request-id'));
  };
  const pathOf = ({ path }: Route): string => path.replace('{order_id}', 'a'.repeat(32)).replace('{intent_key}', '0'.repeat(64)).replace('{account}', 'paper-1');

  it.each(ROUTES.filter(({ scope }) => scope !== 'public').map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const))('%s wants a token with its scope', async (_name, route) => {
    const method = route.method.toUpperCase();
    const body = method === 'POST' ? { body: {} } : {};
    const none = await call(method, pathOf(route), { token: null, ...body });
    expectProblem(none, 401, 'TOKEN_MISSING');
    expect(none.headers.get('www-authenticate')).toContain('Bearer');
    expectProblem(await call(method, pathOf(route), { token: 'somebody-elses-token-000000000001', ...body }), 401, 'TOKEN_INVALID');
    expectProblem(await call(method, pathOf(route), { token: 'gone-token-of-the-tests-00000001', ...body }), 401, 'TOKEN_INVALID');
    expectProblem(await call(method, pathOf(route), { token: NOBODY, ...body }), 403, 'SCOPE_MISSING');
  });

  it('answers the public routes to everybody, with headers that keep answers from being framed, sniffed or cached', async () => {
    const health = await get('/healthz', null);
    expect(health).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(Object.fromEntries(health.headers)).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'content-security-policy': expect.stringContaining("default-src 'none'") });
    expect(health.headers.get('x-powered-by')).toBeNull();
    expect((await get('/readyz', null)).status).toBe(200);
    expect((await call('GET', '/healthz', { token: null, headers: { 'x-request-id': 'asked-by-me-1' } })).headers.get('x-request-id')).toBe('asked-by-me-1');
  });

  it('says what is wrong with a request, always as RFC 9457', async () => {
    expectProblem(await get('/v1/nothing'), 404, 'ROUTE_UNKNOWN');
    const wrong = await call('DELETE', '/v1/orders');
    expectProblem(wrong, 405, 'METHOD_NOT_ALLOWED');
    expect(wrong.headers.get('allow')).toBe('GET');
    expectProblem(await get('/v1/orders?colour=red'), 400, 'QUERY_INVALID');
    expectProblem(await get('/v1/orders?limit=0'), 400, 'QUERY_INVALID');
    expectProblem(await get('/v1/orders?cursor=nonsense'), 400, 'CURSOR_INVALID');
    expectProblem(await get('/v1/orders?as_of=yesterday'), 400, 'AS_OF_INVALID');
    expectProblem(await get('/v1/status?verbose=1'), 400, 'QUERY_INVALID');
    expectProblem(await get(`/v1/orders?access_token=${OPERATOR}`, null), 400, 'TOKEN_IN_URL');
    expectProblem(await get(`/v1/orders/${'b'.repeat(32)}`), 404, 'ORDER_UNKNOWN');
    expectProblem(await get('/v1/accounts/nobody'), 404, 'ACCOUNT_UNKNOWN');
    expect(await call('GET', '/%E0%A4%A')).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
    expectProblem(await call('POST', '/v1/intents', { raw: '{}', headers: { 'content-type': 'text/plain' } }), 415, 'CONTENT_TYPE_UNSUPPORTED');
    expectProblem(await get('/v1/orders?min_position=9999999999999'), 504, 'PROJECTION_BEHIND');
  });

  it('records an intent before it answers, once per key, and shows it from the position it names', async () => {
    const first = intent({});
    const accepted = await submit(first);
    expect(accepted).toMatchObject({ status: 202, body: { status: 'accepted', repeated: false } });
    const location = accepted.headers.get('location') ?? '';
    const shown = await get(`${location}?min_position=${String(accepted.body['position'])}`);
    expect(shown).toMatchObject({ status: 200, body: { intent: { status: 'accepted', request_id: accepted.body['request_id'] } } });
    expect(BigInt(shown.headers.get('tally-position') ?? '-1')).toBeGreaterThanOrEqual(BigInt(String(accepted.body['position'])));

    expect(await submit(first)).toMatchObject({ status: 200, body: { status: 'accepted', repeated: true, request_id: accepted.body['request_id'] } });
    const other = { key: first.key, body: { ...intent({ qty: '11' }).body, key: { policy: 'explicit', key: first.key } } };
    const conflict = await submit(other);
    expectProblem(conflict, 422, 'INTENT_KEY_CONFLICT');
    expect(conflict.body['receipt']).toMatchObject({ status: 'conflict' });
    const offLot = await submit(intent({ qty: '10.5' }));
    expectProblem(offLot, 422, 'INTENT_REFUSED');
    expect(offLot.body['checks']).toEqual([expect.objectContaining({ code: 'OFF_LOT', field: 'orders.0.qty', observed: '10.5' })]);
    expectProblem(await call('POST', '/v1/intents', { body: intent({}).body }), 400, 'IDEMPOTENCY_KEY_REQUIRED');
    expectProblem(await call('POST', '/v1/intents', { body: intent({}).body, headers: { 'idempotency-key': 'another' } }), 400, 'IDEMPOTENCY_KEY_MISMATCH');
  });

  it('refuses and records bodies that are no intents', async () => {
    const send = (raw: string) => call('POST', '/v1/intents', { raw, headers: { 'idempotency-key': 'bad' } });
    const badField = await send(JSON.stringify({ ...intent({}).body, key: { policy: 'signal', signal_id: 's', window: 'w' }, colour: 'red' }));
    expectProblem(badField, 400, 'INTENT_INVALID');
    expect(badField.body['checks']).not.toHaveLength(0);
    expectProblem(await send('{"qty": NaN}'), 400, 'INTENT_NOT_JSON');
    expectProblem(await send('['.repeat(40) + ']'.repeat(40)), 400, 'INTENT_TOO_DEEP');
    expectProblem(await send(JSON.stringify({ reason: 'x'.repeat(70_000) })), 413, 'INTENT_TOO_LARGE');
    await eventually('four refusals on record', async () => {
      const byCode = (await get('/v1/refusals')).body['by_code'] as Record<string, number>;
      return ['INTENT_INVALID', 'INTENT_NOT_JSON', 'INTENT_TOO_DEEP', 'INTENT_TOO_LARGE'].every((code) => (byCode[code] ?? 0) >= 1);
    });
  });

  it('previews the whole decision and the venue payload without recording anything', async () => {
    const before = (await get('/v1/intents')).body['items'] as unknown[];
    const preview = await call('POST', '/v1/intents/preview', { body: intent({ qty: '5000' }).body });
    expect(preview.body).toMatchObject({ status: 'previewed' });
    const [decided] = preview.body['decisions'] as { decision: { outcome: string; checks: unknown[] } }[];
    expect(decided?.decision.outcome).toBe('denied');
    expect(decided?.decision.checks.length).toBeGreaterThan(8);
    expect((await get('/v1/intents')).body['items']).toHaveLength(before.length);
  });

  it('shows an order from intent to fill: order, timeline with causation, position, account, and each of them as of an earlier position', async () => {
    const earlier = (await get('/v1/status')).body['position'] as string;
    const orderId = orderIdOf(await submit(intent({ symbol: 'IBM', qty: '40' })));
    const order = await orderWith(orderId, 'FILLED');
    expect(order).toMatchObject({ cum_qty: '40', leaves_qty: '0', symbol: 'IBM', account: 'paper-1', fills: 1, fees: '0.4' });
    const timeline = await get(`/v1/orders/${orderId}/timeline`);
    const entries = timeline.body['entries'] as { type: string; revision: number; metadata: Record<string, unknown> }[];
    expect(entries.map(({ type }) => type).slice(0, 2)).toEqual(['OrderApproved', 'SubmissionClaimed']);
    expect(entries.every(({ metadata }) => typeof metadata['causationid'] === 'string' && typeof metadata['prevhash'] === 'string')).toBe(true);

    const positions = await get('/v1/positions?symbol=IBM&account=paper-1');
    expect(positions.body['items']).toEqual([
      expect.objectContaining({ qty: '40', symbol: 'IBM', fees: '0.4', mark: expect.any(String), unrealised_pnl: expect.any(String) }),
      expect.objectContaining({ qty: '40', symbol: 'IBM', strategy: 'test' }),
    ]);
    const account = await eventually('the trade in the risk group', async () => {
      const found = (await get('/v1/accounts/paper-1')).body['account'] as Record<string, unknown>;
      return found['open_notional'] === '0' && found['filled_notional_today'] !== '0' ? found : undefined;
    });
    expect(account).toMatchObject({ open_orders: 0, exposure: expect.any(String) });
    expect(account['limits']).toEqual(expect.arrayContaining([expect.objectContaining({ code: 'EXPOSURE_LIMIT', scope: 'firm', limit: '500000', headroom: expect.any(String) })]));

    expect((await get(`/v1/positions?symbol=IBM&as_of=${earlier}`)).body).toEqual({ version: 1, items: [], position: earlier });
    expectProblem(await get(`/v1/orders/${orderId}?as_of=${earlier}`), 404, 'ORDER_UNKNOWN');
    expect((await get(`/v1/orders?as_of=${new Date(Date.now() + 3_600_000).toISOString()}`)).body['items']).not.toHaveLength(0);
    expect((await get('/v1/orders?as_of=2001-01-01T00:00:00Z')).body['items']).toHaveLength(0);
  });

  it('pages through orders with a link to the next', async () => {
    const wanted = await Promise.all([1, 2, 3].map(async (qty) => orderIdOf(await submit(intent({ qty: String(qty) })))));
    for (const id of wanted) await orderWith(id, 'FILLED');
    const all = ((await get('/v1/orders?symbol=SPY')).body['items'] as { order_id: string }[]).map(({ order_id }) => order_id);
    const paged: string[] = [];
    let path: string | undefined = '/v1/orders?symbol=SPY&limit=2';
    while (path !== undefined) {
      const page: Reply = await get(path);
      const items = page.body['items'] as { order_id: string }[];
      expect(items.length).toBeLessThanOrEqual(2);
      paged.push(...items.map(({ order_id }) => order_id));
      path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(paged).toEqual(all);
  });

  it('passes a cancel on, and says when there is nothing left to cancel', async () => {
    const orderId = orderIdOf(await submit(intent({ order_type: 'limit', limit_price: '98', qty: '5' })));
    await orderWith(orderId, 'WORKING');
    const cancel = (token = OPERATOR) => call('POST', `/v1/orders/${orderId}/cancel`, { token, body: { version: 1, reason: 'test' }, headers: { 'idempotency-key': 'c1' } });
    expectProblem(await cancel(VIEWER), 403, 'SCOPE_MISSING');
    expect(await cancel()).toMatchObject({ status: 202, body: { status: 'requested', order_status: 'WORKING' } });
    const order = await orderWith(orderId, 'CANCELED');
    expect(order['cancel']).toMatchObject({ reason: 'test' });
    expect(await cancel()).toMatchObject({ status: 200, body: { status: 'already_closed', order_status: 'CANCELED' } });
    expectProblem(await call('POST', `/v1/orders/${'c'.repeat(32)}/cancel`, { body: { version: 1, reason: 'x' }, headers: { 'idempotency-key': 'c2' } }), 404, 'ORDER_UNKNOWN');
    expectProblem(await call('POST', `/v1/orders/${orderId}/cancel`, { body: { reason: '' }, headers: { 'idempotency-key': 'c3' } }), 400, 'BODY_INVALID');
  });

  it('feeds events live, resumes after the last one seen, and filters', async () => {
    const follow = async (query: string, headers: Record<string, string>, until: (seen: { id: string; event: string; data: Record<string, unknown> }[]) => boolean) => {
      const stop = new AbortController();
      const response = await fetch(`${gateway.url}/v1/events${query}`, { headers: { authorization: `Bearer ${OPERATOR}`, ...headers }, signal: stop.signal });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const seen: { id: string; event: string; data: Record<string, unknown> }[] = [];
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
          const data = field('data');
          if (data !== undefined) seen.push({ id: field('id') ?? '', event: field('event') ?? '', data: JSON.parse(data) as Record<string, unknown> });
        }
        if (until(seen)) break;
      }
      stop.abort();
      return seen;
    };
    const orderId = orderIdOf(await submit(intent({ qty: '7' })));
    await orderWith(orderId, 'FILLED');
    const all = await follow('?after=0&category=order', {}, (seen) => seen.some(({ data, event }) => data['subject'] === `order-${orderId}` && event === 'OrderFilled'));
    expect(all.map(({ id }) => BigInt(id))).toEqual(all.map(({ id }) => BigInt(id)).sort((a, b) => (a < b ? -1 : 1)));
    const middle = all[Math.floor(all.length / 2)];
    const resumed = await follow('?category=order', { 'last-event-id': middle?.id ?? '' }, (seen) => seen.length >= all.length - Math.floor(all.length / 2) - 1);
    expect(resumed.map(({ id }) => id)).toEqual(all.slice(Math.floor(all.length / 2) + 1).map(({ id }) => id));
    const one = await follow(`?after=0&order_id=${orderId}`, {}, (seen) => seen.some(({ event }) => event === 'OrderFilled'));
    expect(new Set(one.map(({ data }) => data['subject']))).toEqual(new Set([`order-${orderId}`]));

    const live = follow('?account=paper-1&category=intent', {}, (seen) => seen.length >= 1);
    const submitted = await eventually('a live event', async () => {
      const sent = await submit(intent({ qty: '1' }));
      return await Promise.race([live.then((seen) => ({ seen, sent })), new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 200))]);
    });
    expect(submitted.seen[0]).toMatchObject({ event: 'IntentAccepted', data: { specversion: '1.0', type: 'io.tallystick.intent.IntentAccepted.v1' } });
    expectProblem(await get('/v1/events?category=secrets'), 400, 'CATEGORY_UNKNOWN');
  });

  it('sees services that answer and services that do not', async () => {
    const { body } = await get('/v1/services');
    expect(body['items']).toEqual(expect.arrayContaining([
      expect.objectContaining({ service: 'gateway', actual: 'running', lag_events: 0 }), expect.objectContaining({ service: 'intents', actual: 'running' }),
      expect.objectContaining({ service: 'risk', actual: 'silent' }),
    ]));
    expect((await get('/v1/status')).body).toMatchObject({ status: 'degraded', store: { ok: true }, bus: { ok: true }, kill: { readable: true, engaged: [] }, policy: { name: 'paper' }, orders: { FILLED: expect.any(Number) } });
    expect(await get('/v1/dlq')).toMatchObject({ status: 200, body: { version: 1, items: [] } });
    expect(await call('POST', '/v1/dlq/redrive', { body: { version: 1, sequence: 1 }, headers: { 'idempotency-key': 'r' } })).toMatchObject({ status: 200, body: { results: [{ sequence: 1, outcome: 'not_found' }] } });
  });

  it('answers strategies on the bus with the same pages', async () => {
    const position = String((await get('/v1/status')).body['position']);
    expect(await system.bus.request('tally.query.positions', { account: 'paper-1', min_position: position }, 6000)).toMatchObject({ version: 1, items: expect.arrayContaining([expect.objectContaining({ symbol: 'IBM', qty: '40' })]) });
    expect(await system.bus.request('tally.query.orders', { status: 'FILLED', limit: 2 }, 6000)).toMatchObject({ version: 1, items: [{ status: 'FILLED' }, { status: 'FILLED' }] });
    expect(await system.bus.request('tally.query.orders', { colour: 'red' }, 6000)).toMatchObject({ ok: false, code: 'QUERY_INVALID', retryable: false });
  });

  it('accepts a log when it is doubted, from operators alone, and once', async () => {
    const accept = (token = OPERATOR, body: object = { version: 1, reason: 'restored' }) => call('POST', '/v1/store/accept', { token, body, headers: { 'idempotency-key': `accept-${(keys += 1)}` } });
    expectProblem(await accept(VIEWER), 403, 'SCOPE_MISSING');
    expectProblem(await accept(PROPOSER), 403, 'SCOPE_MISSING');
    expectProblem(await call('POST', '/v1/store/accept', { body: { version: 1, reason: 'x' } }), 400, 'IDEMPOTENCY_KEY_REQUIRED');
    expectProblem(await accept(OPERATOR, { version: 1, reason: ' ' }), 400, 'BODY_INVALID');
    expectProblem(await accept(), 409, 'NOTHING_TO_ACCEPT');
    const folding: Folding<AnchorState, AnchorEvent> = { initial: () => NO_ANCHOR, evolve: evolveAnchor, decode: decodeAnchor };
    const context = { source: '/services/execution', actor: 'service:execution', build: 'b', policyHash: '', correlationId: 'c', causationId: 'c', time: '2024-01-02T00:00:00.000Z' };
    const doubt: AnchorEvent = { type: 'LogDoubted', data: { role: 'execution', code: 'ANCHOR_UNREADABLE', detail: 'it is empty', anchor_digest: sha256(''), found_by: 'execution-1' } };
    expect((await handle(system.store, folding, anchorStream('execution'), context, () => [{ id: '00000000-0000-4000-8000-000000000001', event: doubt }])).ok).toBe(true);
    const accepted = await accept();
    expect(accepted).toMatchObject({ status: 200, body: { role: 'execution', code: 'ANCHOR_UNREADABLE', detail: 'it is empty', head: expect.stringMatching(/^\d+$/) } });
    expect(BigInt(String(accepted.body['position']))).toBeGreaterThan(BigInt(String(accepted.body['head'])));
    const again = await accept();
    expectProblem(again, 409, 'NOTHING_TO_ACCEPT');
    expect(again.body['detail']).toContain('operator:operator: restored');
  });

  it('engages the kill switch in one step, shows what is left until the venue has said so, and releases by two', async () => {
    const post = (path: string, body: object, token = OPERATOR) => call('POST', path, { token, body: { version: 1, ...body }, headers: { 'idempotency-key': `kill-${(keys += 1)}` } });
    const kills = async (): Promise<readonly Record<string, unknown>[]> => (await get('/v1/kill')).body['kills'] as readonly Record<string, unknown>[];
    const id = orderIdOf(await submit(intent({ order_type: 'limit', limit_price: '99.00' })));
    await orderWith(id, 'WORKING');
    expectProblem(await post('/v1/kill', { scope: 'accounts', mode: 'stop_new', reason: 'x' }), 400, 'BODY_INVALID');
    expectProblem(await post('/v1/kill', { scope: 'firm', mode: 'flatten', reason: 'x' }), 422, 'FLATTEN_NOT_AVAILABLE');
    expectProblem(await post('/v1/kill/release', { scope: 'firm', reason: 'x' }), 422, 'KILL_NOT_ENGAGED');
    const drilled = await post('/v1/kill', { scope: 'account:paper-1', mode: 'stop_and_cancel', reason: 'monthly', drill: true });
    expect(drilled).toMatchObject({ status: 200, body: { status: 'drilled', orders: 1, would_act_on: [{ order_id: id, status: 'WORKING' }] } });
    expect(await kills()).toEqual([]);
    await orderWith(id, 'WORKING');
    const receipt = await post('/v1/kill', { scope: 'account:paper-1', mode: 'stop_and_cancel', reason: 'runs away' });
    expect(receipt).toMatchObject({ status: 201, body: { status: 'engaged', engaged_by: 'operator:operator' } });
    expect(receipt.body['warning']).toBeUndefined();
    const complete = await eventually('the kill is complete', async () => {
      const [kill] = await kills();
      return kill?.['complete'] === true ? kill : undefined;
    });
    expect(complete).toMatchObject({ scope: 'account:paper-1', canceled: 1, working: 0, left_count: 0, acknowledged: [{ instance: expect.stringMatching(/^execution-/) }] });
    await orderWith(id, 'CANCELED');
    expect(await post('/v1/kill', { scope: 'account:paper-1', mode: 'stop_new', reason: 'again' })).toMatchObject({ status: 200, body: { status: 'already_engaged', kill_id: receipt.body['kill_id'] } });
    expect((await get('/v1/status')).body).toMatchObject({ status: 'degraded', kill: { engaged: [{ scope: 'account:paper-1', reason: 'runs away' }] } });
    expect((await post('/v1/kill', { scope: 'strategy:tset', mode: 'stop_new', reason: 'mistyped' })).body).toMatchObject({ status: 'engaged', warning: expect.stringContaining('there are test') });
    const release = (scope: string, token?: string) => post('/v1/kill/release', { scope, reason: 'repaired' }, token);
    for (const scope of ['account:paper-1', 'strategy:tset']) {
      expect(await release(scope)).toMatchObject({ status: 202, body: { status: 'proposed', operators: ['operator:operator'] } });
      expectProblem(await release(scope), 422, 'SAME_PERSON');
      expect(await release(scope, SECOND)).toMatchObject({ status: 200, body: { status: 'released', operators: ['operator:operator', 'operator:second'] } });
    }
    await eventually('nothing is engaged', async () => ((await kills()).length === 0 ? true : undefined));
    await orderWith(orderIdOf(await submit(intent({ order_type: 'limit', limit_price: '99.00' }))), 'WORKING');
  });

  it('is, when it is folded again from nothing, byte for byte the same', async () => {
    const { world } = await system.start(intentsService, { TALLY_INSTANCE: 'verify' });
    const result = await verifyReadModel({ path: readModelFile, scratchPath: `${readModelFile}.verify`, store: world.service.store, timers: systemPorts().timers });
    expect(result).toMatchObject({ outcome: 'same' });
  });
});
