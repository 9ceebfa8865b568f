import { describe, expect, it } from '@jest/globals';
import { intentKeyOfV1, IntentV1, orderIdOf } from '@tallystick/contracts';
import type { JsonObject, JsonValue } from '@tallystick/ports';
import { INPUT, receipt, scriptedWire, SETTINGS, type Asked } from './spec-rig.ts';
import { machine, silentLog } from './system.ts';
import { createTally } from './tally.ts';

const KEY = intentKeyOfV1(IntentV1.parse({ ...INPUT, version: 1, strategy: SETTINGS.strategy, account: 'acc' }));
const ORDER = orderIdOf(KEY, 0);

const connected = (script: (asked: Asked, n: number) => JsonValue | undefined | Promise<JsonValue | undefined>) => {
  const wire = scriptedWire(script);
  return { wire, tally: createTally(wire, SETTINGS, machine(silentLog), silentLog) };
};

describe('propose', () => {
  it('sends the same bytes under the same key until somebody answers', async () => {
    const answers: (JsonValue | undefined)[] = [
      undefined,
      { ok: false, code: 'BUSY', detail: 'later', retryable: true },
      { version: 1, status: 'unavailable', code: 'STORE_UNAVAILABLE', detail: 'no store', request_id: 'r' },
      { what: 'is this' },
      receipt(KEY, [ORDER]),
    ];
    const { wire, tally } = connected((_, n) => answers[n - 1]);
    const proposal = await tally.propose(INPUT);
    await tally.close();
    expect(proposal).toMatchObject({ status: 'accepted', code: 'ACCEPTED', intentKey: KEY, repeated: false, position: '7', orders: [{ leg: 0, orderId: ORDER }] });
    expect(wire.asked).toHaveLength(5);
    expect(new Set(wire.asked.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(wire.asked[0]).toEqual({ subject: 'tally.intent.strat', body: { ...INPUT, version: 1, strategy: SETTINGS.strategy, account: 'acc', mode: 'paper' } });
  });

  it('tells a recorded refusal with its reasons', async () => {
    const refusals = [{ code: 'INSTRUMENT_UNKNOWN', detail: 'no SPY' }];
    const { tally } = connected(() => receipt(KEY, [], { status: 'refused', refusals }));
    expect(await tally.propose(INPUT)).toMatchObject({ status: 'refused', code: 'INTENT_REFUSED', refusals });
    await tally.close();
  });

  it('tells a conflict, and does not try another key', async () => {
    const { wire, tally } = connected(() => ({
      version: 1, status: 'conflict', code: 'INTENT_KEY_CONFLICT', detail: 'taken', request_id: 'r', intent_key: KEY, digest: 'b', recorded_digest: 'a',
    }));
    expect(await tally.propose(INPUT)).toMatchObject({ status: 'conflict', code: 'INTENT_KEY_CONFLICT', recordedDigest: 'a' });
    expect(wire.asked).toHaveLength(1);
    await tally.close();
  });

  it('finds a malformed intent before anybody is asked', async () => {
    const { wire, tally } = connected(() => receipt(KEY, [ORDER]));
    const proposal = await tally.propose({ ...INPUT, orders: [{ symbol: 'SPY', side: 'buy', qty: '1e3', order_type: 'limit' }] });
    expect(proposal).toMatchObject({ status: 'malformed', code: 'INTENT_INVALID', sent: false });
    expect(proposal.status === 'malformed' && proposal.issues.map(({ field }) => field)).toEqual(expect.arrayContaining(['orders.0.qty']));
    expect(wire.asked).toHaveLength(0);
    await tally.close();
  });

  it('gives up when the time is over, and promises nothing', async () => {
    const { wire, tally } = connected(() => undefined);
    const proposal = await tally.propose(INPUT, { withinMs: 200 });
    expect(proposal).toMatchObject({ status: 'unanswered', code: 'UNANSWERED', intentKey: KEY, lastCode: 'NO_ANSWER' });
    expect(wire.asked.length).toBeGreaterThan(1);
    await tally.close();
  });

  it('gives up at once when its signal aborts, even while a question is out', async () => {
    const { tally } = connected(() => new Promise<undefined>(() => undefined));
    const leaving = new AbortController();
    const proposed = tally.propose(INPUT, { signal: leaving.signal });
    leaving.abort();
    expect(await proposed).toMatchObject({ status: 'unanswered', lastCode: 'ABORTED' });
    await tally.close();
  });
});

describe('preview', () => {
  it('asks on its own subject and hands on what would be decided', async () => {
    const { wire, tally } = connected(() => ({ version: 1, request_id: 'r', status: 'previewed', intent_key: KEY, decisions: [] }));
    expect(await tally.preview(INPUT)).toMatchObject({ status: 'previewed', intent_key: KEY });
    expect(wire.asked[0]?.subject).toBe('tally.preview.strat');
    await tally.close();
  });
});

describe('queries', () => {
  const position = (symbol: string): JsonObject => ({
    account: 'acc', strategy: 'strat', symbol, mode: 'paper', currency: 'USD', qty: '5', avg_price: '1', realised_pnl: '0', fees: '0', updated_position: '3',
  });

  it('follow all pages as of the position of the first', async () => {
    const pages: JsonObject[] = [{ version: 1, items: [position('A')], next: 'more', position: '41' }, { version: 1, items: [position('B')], position: '41' }];
    const { wire, tally } = connected((_, n) => pages[n - 1]);
    expect(await tally.positions({ minPosition: '40' })).toMatchObject({ ok: true, position: '41', items: [{ symbol: 'A' }, { symbol: 'B' }] });
    expect(wire.asked.map(({ subject, body }) => [subject, body])).toEqual([
      ['tally.query.positions', { account: 'acc', mode: 'paper', strategy: 'strat', limit: 50, min_position: '40' }],
      ['tally.query.positions', { account: 'acc', mode: 'paper', strategy: 'strat', limit: 50, min_position: '40', as_of: '41', cursor: 'more' }],
    ]);
    await tally.close();
  });

  it('give what cannot be answered as a value', async () => {
    const { tally } = connected(() => ({ ok: false, code: 'POSITION_INVALID', detail: 'no such position', retryable: false }));
    expect(await tally.positions()).toEqual({ ok: false, code: 'POSITION_INVALID', detail: 'no such position' });
    await tally.close();
  });

  it('count an order that moves on meanwhile once: all open states are asked for as of one position', async () => {
    const { wire, tally } = connected(() => ({ version: 1, items: [], position: '12' }));
    await tally.orders({ open: true });
    expect(wire.asked.map(({ body }) => [(body as { status: string }).status, (body as { as_of?: string }).as_of])).toEqual([
      ['APPROVED', undefined], ['CLAIMED', '12'], ['IN_DOUBT', '12'], ['WORKING', '12'], ['PARTIALLY_FILLED', '12'],
    ]);
    await tally.close();
  });
});
