import { describe, expect, it } from '@jest/globals';
import { decideIntent, evolveIntent, NO_INTENT, type AcceptedIntent, type Intent, type IntentEvent, type IntentState } from './intent.ts';

const intent: Intent = {
  intent_key: 'key', key_policy: 'explicit', strategy: { id: 'strat', version: '1' }, account: 'acc', mode: 'paper',
  orders: [{ symbol: 'TALLY', side: 'buy', qty: '10', order_type: 'market', time_in_force: 'DAY' }], constraints: {}, remainder: { kind: 'wait' }, reason: '', market_sequence: 0,
};
const submitted = (digest: string, requestId = `request-${digest}`): AcceptedIntent => ({ intent, digest, request_id: requestId, risk_group: 'g', legs: [{ leg: 0, order_id: 'order-1' }] });
const refusals = [{ code: 'OFF_LOT', detail: 'why' }];
const after = (...events: readonly IntentEvent[]): IntentState => events.reduce(evolveIntent, NO_INTENT);
const accepted: IntentEvent = { type: 'IntentAccepted', data: submitted('a') };
const refused: IntentEvent = { type: 'IntentRefused', data: { intent, digest: 'a', request_id: 'request-a', refusals } };
const conflicted = (digest: string): IntentEvent => ({ type: 'IntentConflicted', data: { intent_key: 'key', digest, recorded_digest: 'a', request_id: `request-${digest}` } });

describe('a key seen for the first time', () => {
  it('is accepted with its legs, or refused with its reasons: either is recorded', () => {
    expect(decideIntent(NO_INTENT, submitted('a'), [])).toEqual({ kind: 'new', event: accepted });
    expect(decideIntent(NO_INTENT, submitted('a'), refusals)).toEqual({ kind: 'new', event: refused });
  });
});

describe('a key seen before', () => {
  it('with the same body is a repeat, whoever asks and whatever would be refused now', () => {
    expect(decideIntent(after(accepted), submitted('a', 'another-request'), [])).toEqual({ kind: 'repeat' });
    expect(decideIntent(after(accepted), submitted('a'), refusals)).toEqual({ kind: 'repeat' });
  });

  it('and refused then stays refused: that is its answer', () => {
    expect(decideIntent(after(refused), submitted('a'), [])).toEqual({ kind: 'repeat' });
    expect(after(refused)).toMatchObject({ kind: 'refused', refusals, request_id: 'request-a', legs: [] });
  });

  it.each([['accepted', accepted], ['refused', refused]] as const)('and %s, with another body is a conflict, recorded once per body and never a second order', (_what, first) => {
    expect(decideIntent(after(first), submitted('b'), [])).toEqual({ kind: 'conflict', event: conflicted('b') });
    expect(decideIntent(after(first, conflicted('b')), submitted('b'), [])).toEqual({ kind: 'conflict' });
    expect(decideIntent(after(first, conflicted('b')), submitted('c'), [])).toEqual({ kind: 'conflict', event: conflicted('c') });
    expect(decideIntent(after(first, conflicted('b'), conflicted('c')), submitted('b'), refusals)).toEqual({ kind: 'conflict' });
    expect(decideIntent(after(first, conflicted('b')), submitted('a'), [])).toEqual({ kind: 'repeat' });
  });
});

describe('the fold', () => {
  it('keeps the first answer for ever', () => {
    const second: IntentEvent = { type: 'IntentAccepted', data: submitted('b') };
    expect(after(accepted, second, refused)).toEqual(after(accepted));
    expect(after(refused, accepted)).toEqual(after(refused));
    expect(after(accepted, conflicted('b'))).toMatchObject({ kind: 'accepted', digest: 'a', legs: [{ leg: 0, order_id: 'order-1' }], conflictingDigests: ['b'] });
  });

  it('ignores a conflict with nothing', () => {
    expect(after(conflicted('b'))).toBe(NO_INTENT);
  });
});
