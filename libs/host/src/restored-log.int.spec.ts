import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anchorStream, commandSubject, decodeAnchor, partitionOf, quarantineStream, type StoreAcceptedV1 } from '@tallystick/contracts';
import { acceptLog, evolveAnchor, isTerminal, NO_ANCHOR, type AnchorEvent, type AnchorState } from '@tallystick/domain';
import { handle, type Folding } from '@tallystick/event-sourcing';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';
import type { RunningService } from './process/run-service.ts';
import { executionService, fillsService, intentsService, riskService } from './services.ts';
import { startMiniSystem, type MiniSystem } from './testing/mini-system.ts';

let nats: TestNats;
let dataDir: string;
let system: MiniSystem | undefined;
let execution: RunningService;

beforeAll(async () => {
  nats = await startTestNats();
});
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tally-restored-'));
});
afterEach(async () => {
  await system?.stop();
  system = undefined;
  await nats.wipe();
  rmSync(dataDir, { recursive: true, force: true });
});
afterAll(async () => {
  await nats.stop();
});

interface Book {
  readonly orders: readonly { readonly client_order_id: string; readonly status: string }[];
  readonly executions: readonly { readonly client_order_id: string }[];
}

/** The whole system on what is in the directory. */
const start = async (): Promise<MiniSystem> => {
  const running = await startMiniSystem({ natsUrl: nats.url, dataDir, services: [intentsService, riskService, fillsService] });
  system = running;
  execution = await running.start(executionService);
  return running;
};
const stop = async (): Promise<void> => {
  await system?.stop({ keep: true });
  system = undefined;
  await nats.wipe();
};

const place = async (running: MiniSystem, key: string, order: object = {}): Promise<string> => {
  const intent = {
    version: 1, key: { policy: 'explicit', key }, strategy: { id: 'test', version: '1' }, account: 'paper-1', market_sequence: 1,
    orders: [{ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'market', time_in_force: 'DAY', ...order }],
  };
  const receipt = await eventually(`${key} is accepted`, async () => {
    const answer = await running.propose(intent);
    return answer['status'] === 'accepted' ? answer : undefined;
  });
  const [{ order_id: orderId }] = receipt['orders'] as [{ order_id: string }];
  return orderId;
};
const LIMIT = { order_type: 'limit', limit_price: '98.00' };
const statusOf = async (running: MiniSystem, id: string): Promise<string> => (await running.order(id)).state.status;
const reaches = (running: MiniSystem, id: string, status: string): Promise<unknown> =>
  eventually(`${id} is ${status}`, async () => (await statusOf(running, id)) === status);
const bookOf = async (running: MiniSystem): Promise<Book> => (await running.control.book()) as Book;
const readiness = async (): Promise<{ readonly ok: boolean; readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>> }> =>
  execution.world.health.ready();

const folding: Folding<AnchorState, AnchorEvent> = { initial: () => NO_ANCHOR, evolve: evolveAnchor, decode: decodeAnchor };
/** As the gateway records it. */
const accept = async (running: MiniSystem): Promise<Pick<StoreAcceptedV1, 'code'>> => {
  const stream = anchorStream('execution');
  const context = { source: '/services/gateway', actor: 'operator:ada', build: 'test', policyHash: '', correlationId: 'r', causationId: 'r', time: '2024-01-02T00:00:00.000Z' };
  let code: StoreAcceptedV1['code'] | undefined;
  const handled = await handle(running.store, folding, stream, context, ({ state }) => {
    code = state.doubt?.code;
    return acceptLog(state, { head: '0', reason: 'test', accepted_by: 'operator:ada', accepted_at_ms: Date.now() }).map((event) => ({ id: '00000000-0000-4000-8000-000000000001', event }));
  });
  if (!handled.ok || code === undefined) throw new Error(handled.ok ? 'nothing to accept' : handled.detail);
  return { code };
};
const isHeld = (code: string): Promise<unknown> => eventually(`execution holds: ${code}`, async () => (await readiness()).checks['log']?.detail?.startsWith(`${code}: `) === true);
const isOpen = (): Promise<unknown> => eventually('execution is ready', async () => (await readiness()).ok);

describe('a log that was restored from a backup', () => {
  it('is noticed before anything is sent; what it forgot is not sent again once it is accepted', async () => {
    const first = await start();
    const kept = await place(first, 'kept');
    const working = await place(first, 'working', LIMIT);
    await reaches(first, kept, 'FILLED');
    await reaches(first, working, 'WORKING');
    await stop();
    cpSync(join(dataDir, 'store'), join(dataDir, 'backup'), { recursive: true });

    const second = await start();
    await isOpen();
    const forgotten = await place(second, 'forgotten');
    const forgottenWorking = await place(second, 'forgotten too', LIMIT);
    await reaches(second, forgotten, 'FILLED');
    await reaches(second, forgottenWorking, 'WORKING');
    const before = await bookOf(second);
    expect(before.orders).toHaveLength(4);
    await stop();
    rmSync(join(dataDir, 'store'), { recursive: true });
    cpSync(join(dataDir, 'backup'), join(dataDir, 'store'), { recursive: true });

    const third = await start();
    await isHeld('STORE_BEHIND_ANCHOR');
    expect((await readiness()).checks['log']?.detail).toMatch(/tally store accept --reason/);
    expect((await readiness()).checks['accounts']).toMatchObject({ ok: false, detail: expect.stringContaining('paper-1 NOT_READY') });
    expect(await execution.world.metrics.text()).toMatch(/^tally_store_behind_anchor\{.*\} 1$/m);
    // The same intent again, as strategies repeat them, and a new one: decided, and not sent.
    expect(await place(third, 'forgotten')).toBe(forgotten);
    const fresh = await place(third, 'fresh');
    for (const id of [forgotten, fresh]) await reaches(third, id, 'APPROVED');
    // A cancel of what this log knows goes through.
    await third.bus.send(commandSubject('execution', partitionOf('main'), 'cancel'), { version: 1, order_id: working, account: 'paper-1', reason: 'test', requested_by: 'operator:ada' }, 'cancel-1');
    await eventually('the order is canceled at the venue', async () => (await bookOf(third)).orders.some(({ client_order_id: id, status }) => id === working && status === 'canceled'));
    expect((await bookOf(third)).orders).toHaveLength(4);
    for (const id of [forgotten, fresh]) expect(await statusOf(third, id)).toBe('APPROVED');

    expect(await accept(third)).toEqual({ code: 'STORE_BEHIND_ANCHOR' });
    await isOpen();
    await reaches(third, working, 'CANCELED');
    await reaches(third, fresh, 'FILLED');
    await reaches(third, forgotten, 'FILLED');
    // What the venue said of the other one belonged to nobody. Its intent comes again only now.
    await eventually('the reports of a forgotten order are in quarantine', async () => {
      const read = await third.store.read(quarantineStream('paper-1'));
      return read.ok && read.events.some(({ data }) => JSON.stringify(data).includes(forgottenWorking));
    });
    expect(await place(third, 'forgotten too', LIMIT)).toBe(forgottenWorking);
    await reaches(third, forgottenWorking, 'WORKING');
    const after = await bookOf(third);
    expect(after.orders.map(({ client_order_id: id }) => id).sort()).toEqual([...before.orders.map(({ client_order_id: id }) => id), fresh].sort());
    expect(after.executions).toHaveLength(before.executions.length + 1);
    // An order that this log never claimed can be canceled like any other.
    await third.bus.send(commandSubject('execution', partitionOf('main'), 'cancel'), { version: 1, order_id: forgottenWorking, account: 'paper-1', reason: 'test', requested_by: 'operator:ada' }, 'cancel-2');
    await reaches(third, forgottenWorking, 'CANCELED');
    await stop();

    await start();
    await isOpen();
  });

  it('is noticed when it is exchanged under a running system: execution ends, and holds when it is started again', async () => {
    const running = await start();
    await reaches(running, await place(running, 'kept'), 'FILLED');
    await running.storeServer.stop();
    cpSync(join(dataDir, 'store'), join(dataDir, 'backup'), { recursive: true });
    await running.storeServer.start();
    await isOpen();
    await reaches(running, await place(running, 'forgotten'), 'FILLED');
    const newest = readFileSync(join(dataDir, 'anchors', 'execution.json'), 'utf8');
    await eventually('what is known has followed', () => readFileSync(join(dataDir, 'anchors', 'execution.json'), 'utf8') !== newest);
    await running.storeServer.stop();
    rmSync(join(dataDir, 'store'), { recursive: true });
    cpSync(join(dataDir, 'backup'), join(dataDir, 'store'), { recursive: true });
    await running.storeServer.start();
    await isHeld('LOG_CHANGED');
    await execution.stop();
    execution = await running.start(executionService);
    await isHeld('STORE_BEHIND_ANCHOR');
  });
});

describe('an anchor that cannot be read', () => {
  it('holds everything until the log is accepted; then trading goes on, and nothing is sent twice', async () => {
    const first = await start();
    const filled = await place(first, 'filled');
    await reaches(first, filled, 'FILLED');
    await stop();
    const anchor = join(dataDir, 'anchors', 'execution.json');
    writeFileSync(anchor, readFileSync(anchor, 'utf8').slice(0, 40));

    const second = await start();
    await isHeld('ANCHOR_UNREADABLE');
    expect(await place(second, 'filled')).toBe(filled);
    const fresh = await place(second, 'fresh');
    await reaches(second, fresh, 'APPROVED');
    expect((await bookOf(second)).orders).toHaveLength(1);
    expect(await accept(second)).toEqual({ code: 'ANCHOR_UNREADABLE' });
    await reaches(second, fresh, 'FILLED');
    const { orders, executions } = await bookOf(second);
    expect([orders.map(({ client_order_id: id }) => id).sort(), executions.length]).toEqual([[filled, fresh].sort(), 2]);
    expect(isTerminal((await second.order(filled)).state.status)).toBe(true);
  });
});
