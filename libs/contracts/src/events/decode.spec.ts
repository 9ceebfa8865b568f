import { describe, expect, it } from '@jest/globals';
import type { JsonObject, RecordedEvent } from '@tallystick/ports';
import { z } from 'zod';
import { decodeCheckpoint, decodeOrder, decoderOf, decodeVenueReport, upcast } from './decode.ts';
import { upcastTo, type Upcasters } from './upcast.ts';

const recorded = (type: string, data: JsonObject, metadata: JsonObject = { schemaversion: 1 }): RecordedEvent => ({
  stream: 'order-1', revision: 7, position: 99n, recordedAtMs: 0, id: 'x', type, data, metadata,
});
const ack: JsonObject = { report: { stream: 's', revision: 0, report_id: 'r' }, venue_time_ms: 1, venue_order_id: 'v' };

describe('decoding', () => {
  it('gives the event as the domain knows it', () => {
    expect(decodeOrder(recorded('OrderAcknowledged', ack))).toEqual({ ok: true, event: { type: 'OrderAcknowledged', data: ack } });
  });

  it.each<[string, RecordedEvent, string]>([
    ['a type that nobody knows', recorded('OrderVanished', {}), 'OrderVanished is no event of category order'],
    ['a type of another category', recorded('KillEngaged', {}), 'KillEngaged is no event of category order'],
    ['a name that every object answers to', recorded('constructor', {}), 'constructor is no event of category order'],
    ['no version', recorded('OrderAcknowledged', ack, {}), 'carries no schema version'],
    ['a version that is no number', recorded('OrderAcknowledged', ack, { schemaversion: '1' }), 'carries no schema version'],
    ['a version of the future', recorded('OrderAcknowledged', ack, { schemaversion: 2 }), 'newer than 1'],
    ['a member missing', recorded('OrderAcknowledged', { ...ack, venue_order_id: null }), 'venue_order_id'],
    ['a member too many', recorded('OrderAcknowledged', { ...ack, surprise: 1 }), 'surprise'],
    ['a decimal that is a number', recorded('FillBusted', { report: ack['report'] ?? null, venue_time_ms: 1, exec_id: 'e', cum_qty: 1 }), 'cum_qty'],
    ['a decimal that is none', recorded('FillBusted', { report: ack['report'] ?? null, venue_time_ms: 1, exec_id: 'e', cum_qty: '1e5' }), 'cum_qty'],
  ])('refuses %s, and says where and what', (_what, one, detail) => {
    const decoded = decodeOrder(one);
    expect(decoded).toMatchObject({ ok: false, code: 'EVENT_UNREADABLE' });
    expect(decoded.ok ? '' : decoded.detail).toMatch(/^order-1@7: /);
    expect(decoded.ok ? '' : decoded.detail).toContain(detail);
  });

  it('hands on a raw body as it is, whatever its members', () => {
    const body = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "n": 1.5, "deep": [[[{}]]]}') as JsonObject;
    const decoded = decodeVenueReport(recorded('VenueReportReceived', { report_id: 'r', venue: 'v', account: 'a', channel: 'query', body }));
    expect(decoded.ok && decoded.event.data.body).toBe(body);
    expect(decoded.ok && JSON.stringify(decoded.event.data.body)).toBe(JSON.stringify(body));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each(['text', 1, null, []])('refuses a raw body that is no object: %j', (body) => {
    expect(decodeVenueReport(recorded('VenueReportReceived', { report_id: 'r', venue: 'v', account: 'a', channel: 'query', body }))).toMatchObject({ ok: false });
  });

  it.each(['', '1.5', '-2', 'x'])('refuses a position that a fold could not count with: %j', (position) => {
    expect(decodeCheckpoint(recorded('CheckpointReached', { position }))).toMatchObject({ ok: false, code: 'EVENT_UNREADABLE' });
  });
});

describe('upcasting', () => {
  // Version 1 had a float, version 2 a string, version 3 names its currency.
  const upcasters: Upcasters = { order: { Paid: { 1: (data) => ({ amount: String((data as { amount: number }).amount) }), 2: (data) => ({ ...data, currency: 'USD' }) } } };
  const definitions = { Paid: { schemaVersion: 3, description: '', schema: z.strictObject({ amount: z.string(), currency: z.string() }) } };
  const decode = decoderOf<{ readonly type: 'Paid'; readonly data: { readonly amount: string; readonly currency: string } }>('order', definitions, upcasters);

  it.each([
    [1, { amount: 5 }],
    [2, { amount: '5' }],
    [3, { amount: '5', currency: 'USD' }],
  ])('reads version %i as the current one', (schemaversion, data) => {
    expect(decode(recorded('Paid', data, { schemaversion }))).toEqual({ ok: true, event: { type: 'Paid', data: { amount: '5', currency: 'USD' } } });
  });

  it('leaves the recorded data as it was', () => {
    const data = { amount: 5 };
    decode(recorded('Paid', data, { schemaversion: 1 }));
    expect(data).toEqual({ amount: 5 });
  });

  it('refuses data that is wrong after its upcast', () => {
    expect(decode(recorded('Paid', { amount: null }, { schemaversion: 2 }))).toMatchObject({ ok: false, detail: expect.stringContaining('Paid v2') });
  });

  it('refuses a step that nobody wrote', () => {
    expect(upcastTo({ order: { Paid: { 2: (data) => data } } }, 'order', 'Paid', 1, 3, {})).toMatchObject({ ok: false, detail: expect.stringContaining('version 2 of version 1') });
  });

  it('takes the data of the current version as it is', () => {
    const data = {};
    expect(upcast('order', 'OrderFilled', 1, data)).toEqual({ ok: true, data });
    expect(upcast('order', 'Nothing', 1, data)).toMatchObject({ ok: false });
  });
});
