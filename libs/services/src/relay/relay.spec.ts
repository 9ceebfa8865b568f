import { describe, expect, it } from '@jest/globals';
import { CloudEventV1, intentStream, orderStream } from '@tallystick/contracts';
import { happened, intentAccepted, manualWorld, writer } from '../supervisor/spec-world.ts';
import { Relay } from './relay.ts';

const KEY = 'b'.repeat(64);
const ORDER = 'a'.repeat(32);

const relaying = async () => {
  const made = manualWorld();
  const write = writer(made);
  return { made, write, relay: new Relay(made.world, (error) => made.logged.push({ event: 'failed', fields: error })) };
};

describe('the relay', () => {
  it('announces orders and intents as CloudEvents under their category, type and account', async () => {
    const { made, write, relay } = await relaying();
    relay.start();
    await made.advance(0);
    await write(intentStream(KEY), intentAccepted(KEY, [ORDER]));
    await write(orderStream(ORDER), happened.approved(ORDER, KEY), happened.claimed());
    expect(made.announced.map(({ subject }) => subject)).toEqual(['tally.evt.intent.IntentAccepted.acc', 'tally.evt.order.OrderApproved.acc', 'tally.evt.order.SubmissionClaimed.acc']);
    const events = made.announced.map(({ body }) => CloudEventV1.parse(body));
    expect(events[2]).toMatchObject({ specversion: '1.0', type: 'io.tallystick.order.SubmissionClaimed.v1', subject: orderStream(ORDER), revision: 1, data: { client_order_id: 'o' } });
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
    await relay.stop();
  });

  it('says nothing of what was there before it, but knows whose it is', async () => {
    const { made, write, relay } = await relaying();
    await write(orderStream(ORDER), happened.approved(ORDER), happened.claimed());
    relay.start();
    await made.advance(0);
    await write(orderStream(ORDER), happened.acknowledged());
    await write(orderStream(ORDER), happened.filled('10', '0'));
    expect(made.announced.map(({ subject }) => subject)).toEqual(['tally.evt.order.OrderAcknowledged.acc', 'tally.evt.order.OrderFilled.acc']);
    await relay.stop();
  });

  it('leaves an event out rather than stand still when it cannot tell whose it is', async () => {
    const { made, write, relay } = await relaying();
    await write(orderStream(ORDER), happened.approved(ORDER), happened.claimed());
    relay.start();
    await made.advance(0);
    made.store.failNext('read', 'unavailable');
    await write(orderStream(ORDER), happened.acknowledged());
    await write(orderStream(ORDER), happened.filled('10', '0'));
    expect(made.announced.map(({ subject }) => subject)).toEqual(['tally.evt.order.OrderFilled.acc']);
    expect(made.logged.map(({ event }) => event)).toEqual(['relay.skipped']);
    await relay.stop();
  });
});
