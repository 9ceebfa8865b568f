import { describe, expect, it } from '@jest/globals';
import type { OrderTerms } from '@tallystick/domain';
import type { RawReport, VenueRead } from '@tallystick/ports';
import { manualWorld, termsOf } from '../supervisor/spec-world.ts';
import type { AccountGate } from './account-gate.ts';
import { askFirst } from './ask-first.ts';

const WINDOW_MS = 2_000;
const report: RawReport = { report_id: 'query-x', account: 'acc', channel: 'query', body: { reports: [] } };

const asking = async (answer: VenueRead<RawReport>, { agoMs = WINDOW_MS, recordFails = false } = {}) => {
  const made = manualWorld();
  const asked: string[] = [];
  const kept: RawReport[] = [];
  const gate = {
    account: 'acc',
    venue: {
      descriptor: { admissibility_window_ms: WINDOW_MS }, clientOrderId: (orderId: string, action: string, n: number) => `${orderId}/${action}/${n}`,
      query: (_account: string, clientOrderId: string) => {
        asked.push(clientOrderId);
        return Promise.resolve(answer);
      },
    },
    reports: {
      record: (one: RawReport) => {
        kept.push(one);
        return Promise.resolve(recordFails ? { ok: false, code: 'STORE_UNAVAILABLE', detail: 'away' } : { ok: true });
      },
    },
  } as unknown as AccountGate;
  const terms: OrderTerms = termsOf('x');
  return { outcome: await askFirst(made.world, gate, terms, made.nowMs() - agoMs, { correlationId: 'c', causationId: 'c' }), asked, kept };
};

describe('an order that a lost log may have sent', () => {
  it('is asked about under the id it would be sent with', async () => {
    expect((await asking({ kind: 'absent', raw: {} })).asked).toEqual(['x/place/1']);
  });

  it('is not sent when the venue has it: what the venue says of it is recorded', async () => {
    expect(await asking({ kind: 'ok', value: report, raw: report.body })).toMatchObject({ outcome: { kind: 'done' }, kept: [report] });
    expect((await asking({ kind: 'ok', value: report, raw: report.body }, { recordFails: true })).outcome).toMatchObject({ kind: 'retry', code: 'STORE_UNAVAILABLE' });
  });

  it('may be sent when the venue has none, once all that was sent must have arrived', async () => {
    expect((await asking({ kind: 'absent', raw: {} })).outcome).toBe('absent');
    expect((await asking({ kind: 'absent', raw: {} }, { agoMs: WINDOW_MS - 1 })).outcome).toMatchObject({ kind: 'retry', code: 'ABSENT_TOO_EARLY' });
  });

  it('waits while the venue cannot say', async () => {
    expect(await asking({ kind: 'unavailable', code: 'VENUE_DOWN', detail: 'away' })).toMatchObject({ outcome: { kind: 'retry', code: 'VENUE_DOWN' }, kept: [] });
  });
});
