import { describe, expect, it } from '@jest/globals';
import { intentKeyOfV1, IntentV1, orderIdOf } from '@tallystick/contracts';
import type { JsonValue } from '@tallystick/ports';
import { happened, INPUT, pageOf, receipt, relayed, scriptedWire, SETTINGS, viewOf } from '../spec-rig.ts';
import { machine, silentLog } from '../system.ts';
import { createTally, type IntentHandle } from '../tally.ts';

const KEY = intentKeyOfV1(IntentV1.parse({ ...INPUT, version: 1, strategy: SETTINGS.strategy, account: 'acc' }));
const ORDER = orderIdOf(KEY, 0);
const FEED = 'tally.evt.order.*.acc';

const proposed = async (views: (n: number) => JsonValue | undefined = () => pageOf([])) => {
  let queries = 0;
  const wire = scriptedWire(({ subject }) => {
    if (subject.startsWith('tally.intent.')) return receipt(KEY, [ORDER]);
    queries += 1;
    return views(queries);
  });
  const tally = createTally(wire, SETTINGS, machine(silentLog), silentLog);
  const proposal = await tally.propose(INPUT);
  if (proposal.status !== 'accepted') throw new Error(proposal.status);
  return { wire, tally, handle: proposal.handle, hear: (revision: number, position: number, event: Parameters<typeof relayed>[3]) => wire.hear(FEED, relayed(ORDER, revision, position, event) as unknown as JsonValue) };
};

const typesOf = async (handle: IntentHandle): Promise<string[]> => {
  const types: string[] = [];
  for await (const news of handle.events()) types.push(news.kind === 'event' ? (news.event.type.split('.')[3] ?? '') : `state ${news.order.status}`);
  return types;
};

describe('a handle', () => {
  it('folds what the relay says into decision, events and end', async () => {
    const { tally, handle, hear } = await proposed();
    const types = typesOf(handle);
    hear(0, 10, happened.approved(ORDER));
    expect(await handle.decision()).toMatchObject({ ok: true, orders: [{ orderId: ORDER, status: 'APPROVED', codes: [] }] });
    hear(1, 11, happened.claimed());
    hear(2, 12, happened.filled('4', '4', '6'));
    expect(handle.orders()).toMatchObject([{ status: 'PARTIALLY_FILLED', cumQty: '4', leavesQty: '6', position: '12' }]);
    hear(3, 13, happened.filled('6', '10', '0'));
    expect(await handle.settled()).toMatchObject({ ok: true, orders: [{ status: 'FILLED', cumQty: '10', leavesQty: '0', avgPrice: '100' }] });
    expect(await types).toEqual(['OrderApproved', 'SubmissionClaimed', 'OrderFilled', 'OrderFilled']);
    await tally.close();
  });

  it('says why an order was denied', async () => {
    const { tally, handle, hear } = await proposed();
    hear(0, 10, happened.denied(ORDER));
    expect(await handle.settled()).toMatchObject({ ok: true, orders: [{ status: 'DENIED', codes: ['ORDER_NOTIONAL_LIMIT'] }] });
    await tally.close();
  });

  it('counts what the relay repeats once', async () => {
    const { tally, handle, hear } = await proposed();
    hear(0, 10, happened.approved(ORDER));
    hear(1, 11, happened.claimed());
    for (const _again of [1, 2, 3]) hear(2, 12, happened.filled('4', '4', '6'));
    expect(handle.orders()).toMatchObject([{ cumQty: '4' }]);
    await tally.close();
  });

  it('asks for an order when events of it are missing', async () => {
    const { tally, handle, hear } = await proposed(() => pageOf([viewOf(ORDER, 14, { status: 'FILLED', cum_qty: '10', leaves_qty: '0', avg_price: '99.5' })]));
    hear(0, 10, happened.approved(ORDER));
    hear(3, 13, happened.filled('6', '10', '0'));
    expect(await handle.settled()).toMatchObject({ ok: true, orders: [{ status: 'FILLED', avgPrice: '99.5', position: '14' }] });
    expect(await typesOf(handle)).toEqual(['OrderApproved', 'state FILLED']);
    await tally.close();
  });

  it('never goes back to an older view', async () => {
    const { tally, handle, hear } = await proposed(() => pageOf([viewOf(ORDER, 9)]));
    hear(0, 10, happened.denied(ORDER));
    await handle.settled();
    expect(handle.orders()).toMatchObject([{ status: 'DENIED', position: '10' }]);
    await tally.close();
  });

  it('asks by itself when it hears nothing at all', async () => {
    const { wire, tally, handle } = await proposed((n) => pageOf(n < 2 ? [] : [viewOf(ORDER, 14, { status: 'CANCELED', leaves_qty: '0' })]));
    expect(await handle.settled()).toMatchObject({ ok: true, orders: [{ status: 'CANCELED' }] });
    expect(wire.asked.filter(({ subject }) => subject === 'tally.query.orders')).toHaveLength(2);
    await tally.close();
  });

  it('ends its waits when the caller or the connection leaves', async () => {
    const { tally, handle } = await proposed();
    const leaving = new AbortController();
    const waits = [handle.decision({ signal: leaving.signal }), handle.settled()];
    leaving.abort();
    expect(await waits[0]).toMatchObject({ ok: false, code: 'ABORTED' });
    await tally.close();
    expect(await waits[1]).toMatchObject({ ok: false, code: 'CLOSED', orders: [{ status: 'NONE' }] });
  });

  it('misses nothing that happened before the answer came', async () => {
    const wire = scriptedWire(() => {
      wire.hear(FEED, relayed(ORDER, 0, 10, happened.denied(ORDER)) as unknown as JsonValue);
      return receipt(KEY, [ORDER]);
    });
    const tally = createTally(wire, SETTINGS, machine(silentLog), silentLog);
    const proposal = await tally.propose(INPUT);
    expect(proposal.status === 'accepted' && proposal.handle.orders()).toMatchObject([{ status: 'DENIED' }]);
    await tally.close();
  });
});
