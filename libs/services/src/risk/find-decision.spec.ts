import { describe, expect, it } from '@jest/globals';
import { MemoryStore } from '@tallystick/event-sourcing/testing';
import type { JsonObject, NewEvent } from '@tallystick/ports';
import { happened } from '../supervisor/spec-world.ts';
import { findDecision } from './find-decision.ts';

const STREAM = 'riskGroup-main-2024-01-02';
const KEY = 'b'.repeat(64);
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const orderOf = (n: number): string => `${'a'.repeat(29)}${BASE32[Math.floor(n / 1024)] ?? ''}${BASE32[Math.floor(n / 32) % 32] ?? ''}${BASE32[n % 32] ?? ''}`;
const event = (n: number, type: string, data: object): NewEvent => ({ id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`, type, data: data as JsonObject, metadata: { schemaversion: 1 } });
const decided = (n: number): NewEvent => event(n, 'OrderDecided', happened.approved(orderOf(n), KEY).data);
const opened = (previous: object): NewEvent =>
  event(0, 'RiskGroupDayOpened', { risk_group: 'main', trading_day: '2024-01-02', roll_time: '17:00', time_zone: 'UTC', ...previous, positions: [], cash: [], reservations: [], source_position: '-1', business_time_ms: 1 });

/** A day that opens and decides on orders 1 to `orders`. */
const dayOf = async (orders: number, previous: object = {}): Promise<MemoryStore> => {
  const store = new MemoryStore();
  await store.append(STREAM, 'no_stream', [opened(previous), ...Array.from({ length: orders }, (_, i) => decided(i + 1))]);
  return store;
};

describe('looking for a decision in a day', () => {
  it('finds it wherever it is', async () => {
    const store = await dayOf(300);
    for (const n of [1, 44, 45, 46, 299, 300]) expect(await findDecision(store, STREAM, orderOf(n))).toMatchObject({ ok: true, decided: { terms: { order_id: orderOf(n) } } });
  });

  it('names the day before when it is not there', async () => {
    expect(await findDecision(await dayOf(300, { previous: { trading_day: '2024-01-01', closing_revision: 7 } }), STREAM, orderOf(999))).toEqual({ ok: true, previousDay: '2024-01-01' });
    expect(await findDecision(await dayOf(3), STREAM, orderOf(999))).toEqual({ ok: true });
    expect(await findDecision(new MemoryStore(), STREAM, orderOf(1))).toEqual({ ok: true });
  });

  it('says that it cannot look when the store does not answer, and that it cannot read what it found', async () => {
    const store = await dayOf(3);
    store.failNext('read', 'unavailable');
    expect(await findDecision(store, STREAM, orderOf(1))).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
    await store.append(STREAM, 3, [event(4, 'OrderDecided', { terms: { order_id: orderOf(4) } })]);
    expect(await findDecision(store, STREAM, orderOf(4))).toMatchObject({ ok: false, code: 'EVENT_UNREADABLE' });
  });
});
