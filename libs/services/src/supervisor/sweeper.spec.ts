import { describe, expect, it } from '@jest/globals';
import { intentStream, orderStream, partitionOf } from '@tallystick/contracts';
import { happened, intentAccepted, manualWorld, writer } from './spec-world.ts';
import { SWEEP_LIMITS, Sweeper, type Backlog } from './sweeper.ts';

const PARTITION = partitionOf('all');
const KEY = 'b'.repeat(64);
const orderOf = (n: number): string => `${'a'.repeat(31)}${'abcdefghijklmnopqrstuvwxyz234567'[n] ?? ''}`;
const ORDER = orderOf(0);

const sweeping = async (backlog: Backlog = () => 0, limits = SWEEP_LIMITS) => {
  const made = manualWorld();
  const write = writer(made);
  const sweeper = new Sweeper(made.world, { backlog, limits, onFailed: (error) => made.logged.push({ event: 'failed', fields: error }) });
  sweeper.start();
  await made.advance(0);
  return { made, sweeper, intent: (...orders: string[]) => write(intentStream(KEY), intentAccepted(KEY, orders)), order: (id: string, ...events: Parameters<typeof write>[1][]) => write(orderStream(id), ...events) };
};

const lanes = (made: ReturnType<typeof manualWorld>): string[] => made.sent.map(({ subject }) => subject.replace('tally.cmd.', ''));

describe('the sweeper', () => {
  it('leaves alone what is in time', async () => {
    const { made, intent, order } = await sweeping();
    await intent(ORDER);
    await made.advance(4_900);
    await order(ORDER, happened.approved(ORDER, KEY));
    await made.advance(4_900);
    await order(ORDER, happened.claimed());
    await made.advance(9_000);
    await order(ORDER, happened.acknowledged());
    await made.advance(3_600_000);
    expect(made.sent).toEqual([]);
  });

  it('has an intent evaluated again while any of its orders is not decided, with a fresh message id each time', async () => {
    const { made, intent, order } = await sweeping();
    await intent(ORDER, orderOf(1));
    await order(ORDER, happened.denied(ORDER, KEY));
    await made.advance(20_000);
    expect(made.sent.length).toBeGreaterThan(1);
    expect(new Set(made.sent.map(({ id }) => id)).size).toBe(made.sent.length);
    expect(made.sent[0]).toMatchObject({ subject: `tally.cmd.risk.${PARTITION}.evaluate`, body: { version: 1, intent_key: KEY, risk_group: 'all' } });
    made.sent.length = 0;
    await order(orderOf(1), happened.denied(orderOf(1), KEY));
    await made.advance(3_600_000);
    expect(made.sent).toEqual([]);
  });

  it.each([
    ['approved and not claimed', [happened.approved(ORDER)], 'submit'],
    ['claimed without an outcome', [happened.approved(ORDER), happened.claimed()], 'submit'],
    ['in doubt', [happened.approved(ORDER), happened.claimed(), happened.inDoubt()], 'submit'],
    ['not yet canceled before it was sent', [happened.approved(ORDER), happened.cancelRequested()], 'submit'],
    ['with a cancel that nobody claimed', [happened.approved(ORDER), happened.claimed(), happened.acknowledged(), happened.cancelRequested()], 'cancel'],
    ['with a claimed cancel and no outcome', [happened.approved(ORDER), happened.claimed(), happened.acknowledged(), happened.cancelRequested(), happened.cancelClaimed()], 'cancel'],
  ] as const)('drives an order that is %s', async (_what, events, lane) => {
    const { made, order } = await sweeping();
    await order(ORDER, ...events);
    await made.advance(16_000);
    expect(lanes(made)).toContain(`execution.${PARTITION}.${lane}`);
    expect(made.sent[0]?.body).toMatchObject(lane === 'submit'
      ? { version: 1, order_id: ORDER, account: 'acc', execute_by_ms: 1_381_239_005_000 }
      : { version: 1, order_id: ORDER, account: 'acc', reason: 'enough', requested_by: 'operator:ana' });
  });

  it('waits longer with every attempt, and begins anew when the order moves on', async () => {
    const { made, order } = await sweeping();
    await order(ORDER, happened.approved(ORDER));
    await made.advance(60_000);
    // At 5, 10, 20 and 40 s.
    expect(made.sent).toHaveLength(4);
    await order(ORDER, happened.claimed());
    await made.advance(11_000);
    expect(made.sent).toHaveLength(5);
    made.sent.length = 0;
    await made.advance(3_600_000);
    expect(made.sent.length).toBeLessThan(20);
  });

  it('leaves a partition alone that has enough to do, and one of which nobody knows', async () => {
    let backlog: number | undefined = 201;
    const { made, order } = await sweeping(() => backlog);
    await order(ORDER, happened.approved(ORDER));
    await made.advance(60_000);
    backlog = undefined;
    await made.advance(60_000);
    expect(made.sent).toEqual([]);
    backlog = 200;
    await made.advance(1_000);
    expect(made.sent).toHaveLength(1);
  });

  it('tries again soon when a command could not be sent', async () => {
    const { made, order } = await sweeping();
    made.busUp = false;
    await order(ORDER, happened.approved(ORDER));
    await made.advance(120_000);
    made.busUp = true;
    await made.advance(6_000);
    expect(made.sent).toHaveLength(1);
  });

  it('keeps to its rate over all orders', async () => {
    const { made, order } = await sweeping(() => 0, { ...SWEEP_LIMITS, perSecondMax: 4 });
    for (let n = 0; n < 20; n += 1) await order(orderOf(n), happened.approved(orderOf(n)));
    await made.advance(5_000);
    expect(made.sent).toHaveLength(4);
    await made.advance(1_000);
    expect(made.sent).toHaveLength(8);
    await made.advance(3_000);
    expect(new Set(made.sent.map(({ body }) => body['order_id'])).size).toBe(20);
  });

  it('forgets what is over', async () => {
    const { sweeper, intent, order } = await sweeping();
    await intent(...Array.from({ length: 20 }, (_, n) => orderOf(n)));
    for (let n = 0; n < 20; n += 1) {
      await order(orderOf(n), happened.approved(orderOf(n), KEY), happened.claimed(), happened.acknowledged());
      expect(sweeper.size().orders).toBe(1);
      await order(orderOf(n), happened.filled('10', '0'));
    }
    expect(sweeper.size()).toEqual({ intents: 0, orders: 0, waiting: 0 });
  });

  it('takes up an order again that came back to life after it was over', async () => {
    const { made, sweeper, order } = await sweeping();
    await order(ORDER, happened.approved(ORDER), happened.claimed(), happened.inDoubt(), happened.notReceived());
    expect(sweeper.size().orders).toBe(0);
    made.store.failNext('read', 'unavailable');
    await order(ORDER, happened.filled('4', '6'));
    await made.advance(1_000);
    await order(ORDER, happened.cancelRequested());
    await made.advance(6_000);
    expect(lanes(made)).toEqual([`execution.${PARTITION}.cancel`]);
  });

  it('knows after a restart what was overdue before it', async () => {
    const { made, sweeper, order } = await sweeping();
    await order(ORDER, happened.approved(ORDER));
    await sweeper.stop();
    await made.advance(60_000);
    const next = new Sweeper(made.world, { backlog: () => 0, onFailed: () => undefined });
    next.start();
    await made.advance(1_000);
    expect(made.sent).toHaveLength(1);
    await next.stop();
  });
});
