import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeRiskGroup, riskGroupStream } from '@tallystick/contracts';
import { decimal, isTerminal, ZERO } from '@tallystick/domain';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';
import { executionService, fillsService, intentsService, riskService } from './services.ts';
import { POLICY, startMiniSystem, type MiniSystem, type MiniSystemOptions } from './testing/mini-system.ts';

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

const start = async (options: Omit<MiniSystemOptions, 'natsUrl'>): Promise<MiniSystem> => {
  system = await startMiniSystem({ natsUrl: nats.url, ...options });
  await system.moveTo(5);
  return system;
};

/** Sixteen at a time, as publishers do; gives the ids of all orders. */
const proposeMany = async (running: MiniSystem, count: number): Promise<readonly string[]> => {
  const ids: string[] = [];
  let next = 0;
  const publisher = async (): Promise<void> => {
    while (next < count) {
      const key = `many-${(next += 1)}`;
      const receipt = await running.propose({
        version: 1, key: { policy: 'explicit', key }, strategy: { id: 'test', version: '1' }, account: next % 2 === 0 ? 'paper-1' : 'paper-2', market_sequence: 1,
        orders: [{ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'limit', limit_price: '99.00' }],
      });
      ids.push(...(receipt['orders'] as readonly { readonly order_id: string }[]).map((order) => order.order_id));
    }
  };
  await Promise.all(Array.from({ length: 16 }, publisher));
  return ids;
};

const settled = async (running: MiniSystem, ids: readonly string[]): Promise<ReadonlyMap<string, string>> =>
  eventually('every order rests or is over', async () => {
    const states = await Promise.all(ids.map(async (id): Promise<[string, string]> => [id, (await running.order(id)).state.status]));
    return states.every(([, status]) => status === 'WORKING' || isTerminal(status as never)) ? new Map(states) : undefined;
  });

describe('two risk services on one risk group', () => {
  it('never approve beyond a limit together, at any decision in the log', async () => {
    // 990 an order: ten fit, the eleventh does not.
    const running = await start({ policy: { ...POLICY, firm: { ...POLICY.firm, max_daily_notional: '10000' } }, services: [intentsService, riskService, riskService, executionService, fillsService] });
    const states = await settled(running, await proposeMany(running, 60));
    const read = await running.store.read(riskGroupStream('main', '2013-10-08'));
    if (!read.ok) throw new Error(read.code);
    let reserved = ZERO;
    const decided = new Set<string>();
    for (const recorded of read.events) {
      const decoded = decodeRiskGroup(recorded);
      if (!decoded.ok) throw new Error(decoded.detail);
      if (decoded.event.type === 'ReservationReleased') throw new Error('nothing ends in this test');
      if (decoded.event.type !== 'OrderDecided') continue;
      const { terms, decision } = decoded.event.data;
      expect(decided.has(terms.order_id)).toBe(false);
      decided.add(terms.order_id);
      if (decision.outcome === 'approved') reserved = reserved.plus(decimal(decision.reserved_notional ?? '0'));
      expect(reserved.lte(decimal('10000'))).toBe(true);
    }
    expect(decided.size).toBe(60);
    expect([...states.values()].filter((status) => status === 'WORKING')).toHaveLength(10);
    expect([...states.values()].filter((status) => status === 'DENIED')).toHaveLength(50);
  });
});

describe('two executors of one risk group', () => {
  it('send every order at most once, and the older one steps down', async () => {
    const running = await start({ services: [intentsService, riskService, executionService, fillsService] });
    await running.start(executionService);
    const ids = await proposeMany(running, 40);
    const states = await settled(running, ids);
    const book = (await running.control.book()) as { readonly orders: readonly { readonly client_order_id: string }[] };
    const placed = book.orders.map((order) => order.client_order_id);
    expect(new Set(placed).size).toBe(placed.length);
    for (const id of ids) expect([id, states.get(id)]).toEqual([id, placed.includes(id) ? 'WORKING' : 'NOT_SENT']);
    expect(placed.length).toBeGreaterThan(0);
  });
});
