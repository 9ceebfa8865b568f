import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { commandSubject, decodeRiskGroup, partitionOf, riskGroupStream } from '@tallystick/contracts';
import type { RiskGroupEvent } from '@tallystick/domain';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';
import { POLICY, startMiniSystem, type MiniSystem } from './testing/mini-system.ts';

let nats: TestNats;
let system: MiniSystem;

const FIRST = '2013-10-08';
const SECOND = '2013-10-09';
/** The group's day rolls at 10:10 in New York, ten minutes after the market of these tests begins. */
const ROLLED_S = 650;

beforeAll(async () => {
  nats = await startTestNats();
  system = await startMiniSystem({ natsUrl: nats.url, policy: { ...POLICY, risk_groups: { main: { roll_time: '10:10', time_zone: 'America/New_York' } } } });
  await system.moveTo(5);
});

afterAll(async () => {
  await system.stop();
  await nats.stop();
});

const eventsOf = async (day: string): Promise<readonly RiskGroupEvent[]> => {
  const read = await system.store.read(riskGroupStream('main', day));
  if (!read.ok) throw new Error(read.code);
  return read.events.map((recorded) => {
    const decoded = decodeRiskGroup(recorded);
    if (!decoded.ok) throw new Error(decoded.detail);
    return decoded.event;
  });
};

const propose = (key: string, order: object) => system.propose({
  version: 1, key: { policy: 'explicit', key }, strategy: { id: 'test', version: '1' }, account: 'paper-1', market_sequence: 1,
  orders: [{ symbol: 'SPY', side: 'buy', qty: '100', order_type: 'market', ...order }],
});
const orderId = (receipt: Record<string, unknown>): string => (receipt['orders'] as readonly { readonly order_id: string }[])[0]?.order_id ?? '';

describe('when the trading day rolls between two orders', () => {
  let filled: Record<string, unknown>;
  let resting: Record<string, unknown>;

  it('the old day is closed, and the new one opens on its closing revision with positions, cash and reservations', async () => {
    filled = await propose('filled', {});
    resting = await propose('resting', { order_type: 'limit', limit_price: '99.00' });
    await system.moveTo(6);
    await system.moveTo(ROLLED_S);
    await propose('of-the-second-day', { qty: '10' });
    await system.moveTo(ROLLED_S + 1);

    const before = await eventsOf(FIRST);
    expect(before.at(-1)).toMatchObject({ type: 'RiskGroupDayClosed' });
    const [opened] = await eventsOf(SECOND);
    expect(opened).toMatchObject({ type: 'RiskGroupDayOpened', data: {
      trading_day: SECOND, previous: { trading_day: FIRST, closing_revision: before.length - 1 },
      positions: [{ account: 'paper-1', strategy: 'test', symbol: 'SPY', qty: '100' }],
      reservations: [{ order_id: orderId(resting), leaves_qty: '100', worst_price: '99' }],
    } });
  });

  it('an order of the day before releases its reservation in the new day, once', async () => {
    await system.bus.send(commandSubject('execution', partitionOf('main'), 'cancel'),
      { version: 1, order_id: orderId(resting), account: 'paper-1', reason: 'test', requested_by: 'operator:ana' }, 'cancel-resting');
    await eventually('the reservation is released', async () => (await eventsOf(SECOND)).some((event) => event.type === 'ReservationReleased'));
    expect((await eventsOf(SECOND)).filter((event) => event.type === 'ReservationReleased' && event.data.order_id === orderId(resting))).toHaveLength(1);
  });

  it('an intent that was decided the day before is not decided again, however it is driven', async () => {
    await system.bus.send(commandSubject('risk', partitionOf('main'), 'evaluate'), { version: 1, intent_key: String(filled['intent_key']), risk_group: 'main' }, 'driven-again');
    await propose('after-it', { qty: '1' });
    await system.moveTo(ROLLED_S + 2);
    const decided = (await eventsOf(SECOND)).flatMap((event) => (event.type === 'OrderDecided' ? [event.data.terms.order_id] : []));
    expect(decided).not.toContain(orderId(filled));
    expect((await system.order(orderId(filled))).events.map((event) => event.type)).toEqual(['OrderApproved', 'SubmissionClaimed', 'OrderAcknowledged', 'OrderFilled']);
  });
});
