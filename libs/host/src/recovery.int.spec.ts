import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { commandSubject, partitionOf } from '@tallystick/contracts';
import { isTerminal } from '@tallystick/domain';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';
import { startMiniSystem, type MiniSystem } from './testing/mini-system.ts';

let nats: TestNats;
let system: MiniSystem | undefined;

beforeAll(async () => {
  nats = await startTestNats();
});

afterEach(async () => {
  await system?.stop();
  system = undefined;
  await nats.wipe();
});

afterAll(async () => {
  await nats.stop();
});

const INTENT = {
  version: 1, key: { policy: 'explicit', key: 'one' }, strategy: { id: 'test', version: '1' }, account: 'paper-1', market_sequence: 1,
  orders: [{ symbol: 'SPY', side: 'buy', qty: '100', order_type: 'market', time_in_force: 'DAY' }],
};

interface Book {
  readonly executions: readonly unknown[];
  readonly orders: readonly { readonly client_order_id: string }[];
}

/** Runs one order with the process failing at `point`, and gives how it ended and how often the venue was asked for it. */
const runWith = async (point: string): Promise<{ readonly status: string; readonly types: readonly string[]; readonly placed: number; readonly executions: number }> => {
  const running = await startMiniSystem({ natsUrl: nats.url, env: { TALLY_FAILPOINTS: `${point}=throw@1` } });
  system = running;
  await running.moveTo(5);
  let receipt = await running.propose(INTENT);
  // A submitter that got no answer repeats the same key.
  if (receipt['status'] !== 'accepted') receipt = await running.propose(INTENT);
  const [{ order_id: orderId }] = receipt['orders'] as [{ order_id: string }];
  const ended = await eventually(`the order ends after a failure at ${point}`, async () => {
    const order = await running.order(orderId);
    return isTerminal(order.state.status) ? order : undefined;
  });
  const book = (await running.control.book()) as Book;
  return {
    status: ended.state.status, types: ended.events.map((event) => event.type),
    placed: book.orders.filter(({ client_order_id: id }) => id === orderId).length, executions: book.executions.length,
  };
};

describe('a failure between two steps', () => {
  it.each(['intents.appended', 'risk.decided', 'risk.copied', 'execution.answered', 'execution.reported'])('%s: the order is filled, once', async (point) => {
    expect(await runWith(point)).toMatchObject({ status: 'FILLED', placed: 1, executions: 1 });
  });

  it('execution.claiming: nothing was claimed, so the repeat may send', async () => {
    expect(await runWith('execution.claiming')).toMatchObject({ status: 'FILLED', placed: 1, executions: 1 });
  });

  it('execution.claimed: a claim without an outcome is asked about, never sent; the venue\'s word ends it', async () => {
    const ended = await runWith('execution.claimed');
    expect(ended).toMatchObject({ status: 'NOT_RECEIVED', placed: 0, executions: 0 });
    expect(ended.types).toEqual(['OrderApproved', 'SubmissionClaimed', 'OrderPutInDoubt', 'OrderNotReceived']);
  });

  it('execution.cancel-claimed: the same cancel is sent again, and the venue has taken one order and one way to end it', async () => {
    const running = await startMiniSystem({ natsUrl: nats.url, env: { TALLY_FAILPOINTS: 'execution.cancel-claimed=throw@1' } });
    system = running;
    await running.moveTo(5);
    const receipt = await running.propose({ ...INTENT, orders: [{ symbol: 'SPY', side: 'buy', qty: '100', order_type: 'limit', limit_price: '99.00' }] });
    const [{ order_id: orderId }] = receipt['orders'] as [{ order_id: string }];
    await running.moveTo(6);
    await running.bus.send(commandSubject('execution', partitionOf('main'), 'cancel'),
      { version: 1, order_id: orderId, account: 'paper-1', reason: 'test', requested_by: 'operator:ana' }, 'cancel-once');
    const ended = await eventually('the order is canceled', async () => {
      const order = await running.order(orderId);
      return order.state.status === 'CANCELED' ? order : undefined;
    });
    expect(ended.events.filter((event) => event.type === 'CancelClaimed')).toHaveLength(1);
  });
});
