import { describe, expect, it } from '@jest/globals';
import { auditStream, KILL_ACKNOWLEDGED, killStream, orderStream } from '@tallystick/contracts';
import { NO_KILL_SWITCH, type EngagedKill, type KillMode, type KillState } from '@tallystick/domain';
import { OwnedStream } from '@tallystick/event-sourcing';
import type { HandlerOutcome } from '@tallystick/ports';
import { auditFolding } from '../shared/foldings.ts';
import { DONE } from '../shared/outcomes.ts';
import { happened, manualWorld, writer, type ManualWorld } from '../supervisor/spec-world.ts';
import { KillDesk } from './kill-desk.ts';
import { NO_KILL_FILE, withFile, type FileKill } from './kill-file.ts';
import { KillKeeper } from './kill-keeper.ts';
import { OpenOrders, type OpenOrder } from './open-orders.ts';

const idOf = (n: number): string => String.fromCharCode(97 + n).repeat(32);
const killOf = (scope: string, mode: KillMode, killId = `kill of ${scope}`): EngagedKill => ({ kill_id: killId, scope, mode, reason: 'why', engaged_by: 'operator:ana', via: 'api', requested_at_ms: 0 });

interface Rig {
  readonly made: ManualWorld;
  readonly write: ReturnType<typeof writer>;
  readonly done: string[];
  readonly keeper: KillKeeper;
  file: readonly FileKill[];
  outcome: HandlerOutcome;
  engage(...kills: readonly EngagedKill[]): Promise<void>;
  acknowledged(): Promise<number>;
}

const rig = async (options: { readonly withFile?: boolean; readonly serves?: (order: OpenOrder) => boolean } = {}): Promise<Rig> => {
  const made = manualWorld();
  const listeners = new Set<() => void>();
  let state: KillState = { ...NO_KILL_SWITCH, exists: true };
  const opened = await OwnedStream.open(made.store, auditFolding, auditStream('supervisor-1'));
  if (!opened.ok) throw new Error(opened.code);
  const done: string[] = [];
  const kept: { file: readonly FileKill[]; outcome: HandlerOutcome } = { file: [], outcome: DONE };
  const act = (what: string) => (order: OpenOrder): Promise<HandlerOutcome> => {
    done.push(`${what} ${order.orderId.slice(0, 1)}`);
    return Promise.resolve(kept.outcome);
  };
  const killFile = options.withFile === true ? { path: '/data/kill', look: () => kept.file } : NO_KILL_FILE;
  const keeper = new KillKeeper(made.world, {
    kill: () => withFile(state, killFile.look()), loggedKill: () => state, killFile: () => killFile, policyHash: () => '',
    onKill: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  }, {
    desk: new KillDesk(made.world), audit: opened.owned, orders: new OpenOrders(made.store, made.world.ports.timers, (error) => void done.push(`failed: ${String(error)}`)),
    hands: { serves: options.serves ?? (() => true), withhold: act('withhold'), cancel: act('cancel') },
  });
  keeper.start();
  await made.advance(0);
  return Object.assign(kept, {
    made, write: writer(made), done, keeper,
    engage: async (...kills: readonly EngagedKill[]) => {
      state = { ...state, engaged: new Map(kills.map((kill) => [kill.scope, kill])) };
      for (const listener of listeners) listener();
      await made.advance(0);
    },
    acknowledged: async () => {
      const read = await made.store.read(auditStream('supervisor-1'));
      return read.ok ? read.events.filter(({ type }) => type === 'KillAcknowledged').length : 0;
    },
  });
};

const working = async ({ write }: Rig, n: number): Promise<void> => write(orderStream(idOf(n)), happened.approved(idOf(n)), happened.claimed(), happened.acknowledged());

describe('an executor under the kill switch', () => {
  it('acknowledges a kill once, on its record and on the bus', async () => {
    const made = await rig();
    await made.engage(killOf('firm', 'stop_new'));
    await made.made.advance(5_000);
    expect(await made.acknowledged()).toBe(1);
    expect(made.made.announced.filter(({ subject }) => subject === KILL_ACKNOWLEDGED)).toMatchObject([{ body: { kill_id: 'kill of firm', instance: 'supervisor-1' } }]);
  });

  it('cancels what the venue may have before it withholds what was never sent, and nothing that is over or of others', async () => {
    const made = await rig({ serves: ({ orderId }) => orderId !== idOf(4) });
    await made.write(orderStream(idOf(0)), happened.approved(idOf(0)));
    await working(made, 1);
    await made.write(orderStream(idOf(2)), happened.approved(idOf(2)), happened.claimed(), happened.filled('10', '0'));
    await made.write(orderStream(idOf(3)), happened.approved(idOf(3)), happened.claimed(), happened.inDoubt());
    await working(made, 4);
    await made.engage(killOf('account:acc', 'stop_and_cancel'));
    expect(made.done).toEqual(['cancel b', 'cancel d', 'withhold a']);
  });

  it('leaves everything where new orders alone are stopped, and what is out of its scope', async () => {
    const made = await rig();
    await working(made, 0);
    await made.engage(killOf('firm', 'stop_new'), killOf('account:other', 'stop_and_cancel'));
    await made.made.advance(60_000);
    expect(made.done).toEqual([]);
  });

  it('tries again what was not canceled, ever more seldom, until it is over', async () => {
    const made = await rig();
    await working(made, 0);
    made.outcome = { kind: 'retry', code: 'VENUE_AWAY', detail: 'no answer' };
    await made.engage(killOf('firm', 'stop_and_cancel'));
    await made.made.advance(10_000);
    const tries = made.done.length;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(8);
    await made.write(orderStream(idOf(0)), happened.notReceived());
    await made.made.advance(120_000);
    expect(made.done).toHaveLength(tries);
  });

  it('takes orders that come into its scope later, and stops when it is released', async () => {
    const made = await rig();
    await made.engage(killOf('firm', 'stop_and_cancel'));
    await working(made, 0);
    await made.made.advance(1_000);
    expect(made.done.at(-1)).toBe('cancel a');
    await made.engage();
    await working(made, 1);
    await made.made.advance(60_000);
    expect(made.done).not.toContain('cancel b');
  });

  it('records the kill file when it has stood for two looks, once', async () => {
    const made = await rig({ withFile: true });
    made.file = [{ scope: 'account:acc', mode: 'stop_new' }];
    await made.made.advance(10);
    expect((await made.made.store.read(killStream())).ok && made.made.logged.some(({ event }) => event === 'kill.file_found')).toBe(true);
    await made.made.advance(500);
    const read = await made.made.store.read(killStream());
    expect(read.ok && read.events).toMatchObject([{ type: 'KillEngaged', data: { scope: 'account:acc', mode: 'stop_new', via: 'file', engaged_by: 'file:supervisor-1' } }]);
  });
});
