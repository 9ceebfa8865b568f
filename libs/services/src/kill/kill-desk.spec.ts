import { describe, expect, it } from '@jest/globals';
import { killStream } from '@tallystick/contracts';
import type { EventStore, JsonValue } from '@tallystick/ports';
import { manualWorld, writer, type ManualWorld } from '../supervisor/spec-world.ts';
import { answerKillMessage } from './kill-door.ts';
import { KillDesk, type EngageAsked } from './kill-desk.ts';

const asked = (more: Partial<EngageAsked> = {}): EngageAsked => ({ scope: 'firm', mode: 'stop_new', reason: 'why', by: 'operator:ana', via: 'api', requestId: 'r', requestedAtMs: 1, ...more });
const typesOf = async ({ store }: ManualWorld): Promise<readonly string[]> => {
  const read = await store.read(killStream());
  return read.ok ? read.events.map(({ type }) => type) : [];
};
const started = async (): Promise<ManualWorld> => {
  const made = manualWorld();
  await writer(made)(killStream(), { type: 'KillSwitchCreated', data: { created_by: 'bootstrap' } });
  return made;
};
/** A store whose appends of the switch end as told, in turn, and then as they are. */
const failing = ({ store }: ManualWorld, ...outcomes: readonly ('lost_ack' | 'unavailable')[]): EventStore => {
  const left = [...outcomes];
  return {
    ...store, read: (...args) => store.read(...args), subscribeAll: (options) => store.subscribeAll(options), head: () => store.head(), close: () => store.close(),
    append: async (...args) => {
      const outcome = left.shift();
      if (outcome === 'unavailable') return { ok: false, code: 'STORE_UNAVAILABLE', detail: 'away' };
      const done = await store.append(...args);
      return outcome === 'lost_ack' ? { ok: false, code: 'APPEND_OUTCOME_UNKNOWN', detail: 'no answer' } : done;
    },
  };
};

describe('the kill desk', () => {
  it('engages once; again it says so and adds nothing', async () => {
    const made = await started();
    const desk = new KillDesk(made.world);
    const first = await desk.engage(asked());
    expect(first).toMatchObject({ ok: true, status: 'engaged', kill: { scope: 'firm', engaged_by: 'operator:ana' } });
    expect(await desk.engage(asked({ by: 'operator:ben' }))).toMatchObject({ ok: true, status: 'already_engaged', kill: { engaged_by: 'operator:ana' } });
    expect(await typesOf(made)).toEqual(['KillSwitchCreated', 'KillEngaged']);
  });

  it('engages where two ask at the same moment, once', async () => {
    const made = await started();
    const both = await Promise.all([new KillDesk(made.world).engage(asked()), new KillDesk(made.world).engage(asked({ by: 'nats:watchdog', via: 'nats' }))]);
    expect(both.map((one) => (one.ok ? one.status : one.code)).sort()).toEqual(['already_engaged', 'engaged']);
    expect(await typesOf(made)).toEqual(['KillSwitchCreated', 'KillEngaged']);
  });

  it('engages on a store that never made the switch', async () => {
    const made = manualWorld();
    expect(await new KillDesk(made.world).engage(asked())).toMatchObject({ ok: true, status: 'engaged' });
  });

  it('finds its own when the answer to the append was lost, and tries again while the store is away', async () => {
    const made = await started();
    const done = new KillDesk({ ...made.world, store: failing(made, 'unavailable', 'lost_ack') }).engage(asked());
    await made.advance(1_000);
    expect(await done).toMatchObject({ ok: true, status: 'engaged' });
    expect(await typesOf(made)).toEqual(['KillSwitchCreated', 'KillEngaged']);
  });

  it('says that it is not recorded when the store stays away', async () => {
    const made = await started();
    const done = new KillDesk({ ...made.world, store: { ...failing(made), append: () => Promise.resolve({ ok: false, code: 'STORE_UNAVAILABLE', detail: 'away' }) } }).engage(asked());
    await made.advance(10_000);
    expect(await done).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
  });

  it('proposes once and releases once where the answer was lost', async () => {
    const made = await started();
    await new KillDesk(made.world).engage(asked());
    const proposed = new KillDesk({ ...made.world, store: failing(made, 'lost_ack') }).release({ scope: 'firm', reason: 'over', by: 'operator:ana', requestId: 'p' });
    await made.advance(1_000);
    expect(await proposed).toMatchObject({ ok: true, event: { type: 'KillReleaseProposed' } });
    expect(await new KillDesk(made.world).release({ scope: 'firm', reason: 'over', by: 'operator:ana', requestId: 'q' })).toMatchObject({ ok: false, refusal: { code: 'SAME_PERSON' } });
    expect(await new KillDesk(made.world).release({ scope: 'firm', reason: 'over', by: 'operator:ben', requestId: 'q' })).toMatchObject({ ok: true, event: { type: 'KillReleased' } });
    expect(await typesOf(made)).toEqual(['KillSwitchCreated', 'KillEngaged', 'KillReleaseProposed', 'KillReleased']);
  });

  it('records a drill once per request, and stops nothing by it', async () => {
    const made = await started();
    const desk = new KillDesk(made.world);
    await desk.drill(asked({ requestId: 'd' }), 3);
    await desk.drill(asked({ requestId: 'd' }), 3);
    expect(await typesOf(made)).toEqual(['KillSwitchCreated', 'KillDrilled']);
    expect(await desk.engage(asked())).toMatchObject({ status: 'engaged' });
  });

  it('answers on the bus: a receipt after the append, or why not', async () => {
    const made = await started();
    const desk = new KillDesk(made.world);
    expect(await answerKillMessage(made.world, desk, { version: 1, scope: 'venue:paper', reason: 'x', requested_by: 'watchdog' })).toMatchObject({ status: 'engaged', mode: 'stop_new', engaged_by: 'nats:watchdog' });
    const wrongs: readonly JsonValue[] = [null, {}, { version: 1, scope: 'desk:x', reason: 'x', requested_by: 'w' }, { version: 1, scope: 'firm', mode: 'flatten', reason: 'x', requested_by: 'w' }, { version: 1, scope: 'firm', reason: '', requested_by: 'w' }];
    for (const wrong of wrongs) {
      expect(await answerKillMessage(made.world, desk, wrong)).toMatchObject({ ok: false, code: 'KILL_INVALID', retryable: false });
    }
  });
});
