import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { auditStream, decodeAudit, decodeKill, KILL_ENGAGE, killStream } from '@tallystick/contracts';
import type { KillEvent, KillMode, OrderStatus } from '@tallystick/domain';
import { KillDesk } from '@tallystick/services';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';
import type { RunningService } from './process/run-service.ts';
import { executionService, fillsService, intentsService, riskService } from './services.ts';
import { startMiniSystem, type MiniSystem } from './testing/mini-system.ts';

let nats: TestNats;
let system: MiniSystem | undefined;

beforeAll(async () => {
  nats = await startTestNats();
});

afterEach(async () => {
  await nats.restart();
  await system?.stop();
  system = undefined;
  await nats.wipe();
});

afterAll(async () => {
  await nats.stop();
});

interface Rig {
  readonly system: MiniSystem;
  readonly executor: RunningService;
  readonly desk: KillDesk;
  engage(scope: string, mode: KillMode): ReturnType<KillDesk['engage']>;
}

const start = async (): Promise<Rig> => {
  const running = await startMiniSystem({ natsUrl: nats.url, services: [] });
  system = running;
  const intents = await running.start(intentsService);
  await running.start(riskService);
  const executor = await running.start(executionService);
  await running.start(fillsService);
  await running.moveTo(5);
  const { service } = intents.world;
  const desk = new KillDesk(service);
  return {
    system: running, executor, desk,
    engage: (scope, mode) => desk.engage({ scope, mode, reason: 'a test', by: 'operator:ana', via: 'api', requestId: service.ports.ids.unique('request'), requestedAtMs: service.ports.clock.nowMs() }),
  };
};

let keys = 0;
/** A limit that rests below the market. */
const propose = async (running: MiniSystem, account = 'paper-1'): Promise<string> => {
  const receipt = await running.propose({
    version: 1, key: { policy: 'explicit', key: `kill-${(keys += 1)}` }, strategy: { id: 'test', version: '1' }, account, market_sequence: 1,
    orders: [{ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'limit', limit_price: '99.00', time_in_force: 'DAY' }],
  });
  return (receipt['orders'] as readonly { readonly order_id: string }[])[0]?.order_id ?? '';
};
const proposeMany = (running: MiniSystem, count: number, account?: string): Promise<readonly string[]> => Promise.all(Array.from({ length: count }, () => propose(running, account)));

const all = (running: MiniSystem, ids: readonly string[], wanted: OrderStatus): Promise<true> =>
  eventually(`${ids.length} orders are ${wanted}`, async () => {
    const states = await Promise.all(ids.map(async (id) => (await running.order(id)).state.status));
    return states.every((status) => status === wanted) ? (true as const) : undefined;
  });

const withheldBecause = async (running: MiniSystem, id: string): Promise<string> => {
  await all(running, [id], 'NOT_SENT');
  const withheld = (await running.order(id)).events.find((event) => event.type === 'SubmissionWithheld');
  return withheld?.type === 'SubmissionWithheld' ? withheld.data.code : '';
};

const killEvents = async ({ store }: MiniSystem): Promise<readonly KillEvent[]> => {
  const read = await store.read(killStream());
  if (!read.ok) throw new Error(read.code);
  return read.events.map((recorded) => {
    const decoded = decodeKill(recorded);
    if (!decoded.ok) throw new Error(decoded.detail);
    return decoded.event;
  });
};

/** Until the executor has said that it applied the kill: how long after the request that was. */
const acknowledged = ({ store }: MiniSystem, { world }: RunningService, killId: string): Promise<number> =>
  eventually(`${world.service.identity.instance} acknowledges`, async () => {
    const read = await store.read(auditStream(world.service.identity.instance));
    for (const recorded of read.ok ? read.events : []) {
      const decoded = decodeAudit(recorded);
      if (decoded.ok && decoded.event.type === 'KillAcknowledged' && decoded.event.data.kill_id === killId) return decoded.event.data.applied_at_ms - decoded.event.data.requested_at_ms;
    }
    return undefined;
  });

const engaged = async (done: ReturnType<KillDesk['engage']>): Promise<string> => {
  const answer = await done;
  if (!answer.ok) throw new Error(answer.code);
  return answer.kill.kill_id;
};

describe('the kill switch', () => {
  it('cancels what works in its scope on the venue\'s evidence, keeps new orders of it from being sent, and leaves the rest alone', async () => {
    const { system: running, executor, engage } = await start();
    const killed = await proposeMany(running, 20);
    const others = await proposeMany(running, 5, 'paper-2');
    await all(running, [...killed, ...others], 'WORKING');
    const killId = await engaged(engage('account:paper-1', 'stop_and_cancel'));
    await all(running, killed, 'CANCELED');
    console.log(`applied ${await acknowledged(running, executor, killId)} ms after the request`);
    for (const id of killed) expect((await running.order(id)).events.map((event) => event.type)).toEqual(expect.arrayContaining(['SubmissionClaimed', 'CancelRequested', 'CancelClaimed', 'OrderCanceled']));
    expect(await withheldBecause(running, await propose(running))).toBe('KILL_SWITCH');
    await all(running, [...others, await propose(running, 'paper-2')], 'WORKING');
    expect(await engage('account:paper-1', 'stop_new')).toMatchObject({ ok: true, status: 'already_engaged', kill: { kill_id: killId } });
  });

  it('leaves what works alone where only new orders are stopped, until it is engaged more strongly', async () => {
    const { system: running, engage, executor } = await start();
    const ids = await proposeMany(running, 3);
    await all(running, ids, 'WORKING');
    await acknowledged(running, executor, await engaged(engage('venue:paper', 'stop_new')));
    expect(await withheldBecause(running, await propose(running))).toBe('KILL_SWITCH');
    await all(running, ids, 'WORKING');
    await engage('venue:paper', 'stop_and_cancel');
    await all(running, ids, 'CANCELED');
  });

  it('is engaged over NATS, and releases when two people say so', async () => {
    const { system: running, executor, desk } = await start();
    const receipt = await running.bus.request(KILL_ENGAGE, { version: 1, scope: 'strategy:test', mode: 'stop_and_cancel', reason: 'over the bus', requested_by: 'watchdog' }, 10_000);
    expect(receipt).toMatchObject({ status: 'engaged', scope: 'strategy:test', engaged_by: 'nats:watchdog' });
    await acknowledged(running, executor, (receipt as { readonly kill_id: string }).kill_id);
    expect(await running.bus.request(KILL_ENGAGE, { version: 1, scope: 'strategies', reason: 'x', requested_by: 'watchdog' }, 10_000)).toMatchObject({ ok: false, code: 'KILL_INVALID' });
    expect(await withheldBecause(running, await propose(running))).toBe('KILL_SWITCH');
    const release = (by: string) => desk.release({ scope: 'strategy:test', reason: 'repaired', by, requestId: 'r' });
    expect(await release('agent:claude')).toMatchObject({ ok: false, refusal: { code: 'NOT_AN_OPERATOR' } });
    expect(await release('operator:ana')).toMatchObject({ ok: true, event: { type: 'KillReleaseProposed' } });
    expect(await release('operator:ana')).toMatchObject({ ok: false, refusal: { code: 'SAME_PERSON' } });
    expect(await release('operator:ben')).toMatchObject({ ok: true, event: { type: 'KillReleased', data: { released_by: ['operator:ana', 'operator:ben'] } } });
    await eventually('the executor has heard of the release', () => (executor.world.reference.kill().engaged.size === 0 ? true : undefined));
    await all(running, [await propose(running)], 'WORKING');
  });

  it('cancels with NATS dead: the store carries it', async () => {
    const { system: running, engage } = await start();
    const ids = await proposeMany(running, 10);
    await all(running, ids, 'WORKING');
    await nats.kill();
    await engage('firm', 'stop_and_cancel');
    await all(running, ids, 'CANCELED');
  });

  it('engaged while no executor runs is applied by the one that starts', async () => {
    const { system: running, executor, engage } = await start();
    const ids = await proposeMany(running, 10);
    await all(running, ids, 'WORKING');
    await executor.stop();
    const late = await propose(running);
    const killId = await engaged(engage('firm', 'stop_and_cancel'));
    const next = await running.start(executionService);
    await acknowledged(running, next, killId);
    await all(running, ids, 'CANCELED');
    await all(running, [late], 'NOT_SENT');
  });

  it('is acknowledged by every executor, and each order is canceled once', async () => {
    const { system: running, executor, engage } = await start();
    const ids = await proposeMany(running, 10);
    await all(running, ids, 'WORKING');
    const second = await running.start(executionService);
    const killId = await engaged(engage('firm', 'stop_and_cancel'));
    await Promise.all([executor, second].map((one) => acknowledged(running, one, killId)));
    await all(running, ids, 'CANCELED');
    for (const id of ids) expect((await running.order(id)).events.filter((event) => event.type === 'CancelClaimed')).toHaveLength(1);
  });
});

const FIGURES = 100;

describe('many working orders', () => {
  it('are canceled past a backlog of submits; the figures are printed', async () => {
    const { system: running, executor, engage } = await start();
    const ids = await proposeMany(running, 100);
    await all(running, ids, 'WORKING');
    const scopes = Array.from({ length: FIGURES }, (_, n) => `strategy:none-${n}`);
    for (const scope of scopes.slice(0, FIGURES / 2)) await engage(scope, 'stop_new');
    for (const scope of scopes.slice(FIGURES / 2)) await running.bus.request(KILL_ENGAGE, { version: 1, scope, reason: 'figures', requested_by: 'test' }, 60_000);
    let canceled = 0;
    const failures: unknown[] = [];
    const following = running.store.subscribeAll({
      name: 'figures', after: 'end', streamPrefixes: ['order-'], onEvent: ({ type }) => void (canceled += type === 'OrderCanceled' ? 1 : 0), onFailed: (error) => void failures.push(error),
    });
    await eventually('the log is followed', () => following.isLive());
    const startedMs = performance.now();
    const behind = proposeMany(running, 100);
    const killId = await engaged(engage('firm', 'stop_and_cancel'));
    const heldMs = await acknowledged(running, executor, killId);
    await eventually('every order that worked is canceled', () => canceled >= ids.length);
    const canceledMs = Math.round(performance.now() - startedMs);
    await behind;
    await following.stop();
    await all(running, ids, 'CANCELED');
    const read = await running.store.read(auditStream(executor.world.service.identity.instance));
    const held = (read.ok ? read.events : []).flatMap((recorded) => {
      const decoded = decodeAudit(recorded);
      return decoded.ok && decoded.event.type === 'KillAcknowledged' ? [decoded.event.data.applied_at_ms - decoded.event.data.requested_at_ms] : [];
    });
    const at = (of: readonly number[], part: number): number => [...of].sort((a, b) => a - b)[Math.ceil(of.length * part) - 1] ?? -1;
    const [store, bus] = [held.slice(0, FIGURES / 2), held.slice(FIGURES / 2, FIGURES)];
    console.log(`held after: store p50 ${at(store, 0.5)} ms, p99 ${at(store, 0.99)} ms; nats p50 ${at(bus, 0.5)} ms, p99 ${at(bus, 0.99)} ms (${FIGURES / 2} each); beside a backlog ${heldMs} ms; ${ids.length} working orders canceled on evidence after ${canceledMs} ms`);
    expect(failures).toEqual([]);
    expect(held.length).toBeGreaterThan(FIGURES);
  });
});

describe('the kill file', () => {
  it('stops with the store dead, is recorded when it is back, and lets go by a release once it is gone', async () => {
    const { system: running, desk, executor } = await start();
    const ids = await proposeMany(running, 3);
    await all(running, ids, 'WORKING');
    const path = join(running.dataDir, 'kill');
    await running.storeServer.stop();
    writeFileSync(path, 'account:paper-1 stop_and_cancel # runs away\n');
    expect([...executor.world.reference.kill().engaged.keys()]).toContain('account:paper-1');
    await running.storeServer.start();
    await all(running, ids, 'CANCELED');
    expect((await killEvents(running)).at(-1)).toMatchObject({ type: 'KillEngaged', data: { scope: 'account:paper-1', mode: 'stop_and_cancel', via: 'file' } });
    expect(await withheldBecause(running, await propose(running))).toBe('KILL_SWITCH');
    rmSync(path);
    for (const by of ['operator:ana', 'operator:ben']) expect(await desk.release({ scope: 'account:paper-1', reason: 'over', by, requestId: by })).toMatchObject({ ok: true });
    await eventually('nothing is engaged', () => (executor.world.reference.kill().engaged.size === 0 ? true : undefined));
    await all(running, [await propose(running)], 'WORKING');
  });

  it('that comes when the claim is durable already keeps the order from the venue', async () => {
    const { system: running, executor } = await start();
    const { service } = executor.world;
    const { store } = service;
    const append: typeof store.append = async (stream, expected, events) => {
      const done = await store.append(stream, expected, events);
      if (events.some(({ type }) => type === 'SubmissionClaimed')) writeFileSync(join(running.dataDir, 'kill'), '');
      return done;
    };
    Object.assign(service, { store: new Proxy(store, { get: (target, name) => (name === 'append' ? append : (Reflect.get(target, name) as () => unknown).bind(target)) }) });
    const id = await propose(running);
    expect(await withheldBecause(running, id)).toBe('KILL_SWITCH');
    expect((await running.order(id)).events.map(({ type }) => type)).toEqual(['OrderApproved', 'SubmissionClaimed', 'SubmissionWithheld']);
    const book = (await running.control.book()) as { readonly orders: readonly unknown[] };
    expect(book.orders).toEqual([]);
  });

  it('engages again what is released while it is still there', async () => {
    const { system: running, desk } = await start();
    writeFileSync(join(running.dataDir, 'kill'), '');
    const engagements = async (): Promise<number> => (await killEvents(running)).filter(({ type }) => type === 'KillEngaged').length;
    await eventually('the file is recorded', async () => ((await engagements()) === 1 ? true : undefined));
    for (const by of ['operator:ana', 'operator:ben']) await desk.release({ scope: 'firm', reason: 'too early', by, requestId: by });
    await eventually('it is engaged again', async () => ((await engagements()) === 2 ? true : undefined));
    expect(await withheldBecause(running, await propose(running))).toBe('KILL_SWITCH');
  });
});
