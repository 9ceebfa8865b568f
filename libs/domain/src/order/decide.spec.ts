import { describe, expect, it } from '@jest/globals';
import { claim, CLAIM_ID, happened, refOf, TIME_MS } from '../testing/order-fixtures.ts';
import { orderFrom, orderScenarios } from '../testing/order-scenario.ts';
import { decideCancel, decideClaim, decideNotReceived, putInDoubt, withholdClaimed } from './decide.ts';
import type { OrderEvent } from './events.ts';

const { given } = orderScenarios((actual, expected) => {
  expect(actual).toEqual(expected);
});
const { approved, claimed } = happened;
const refusal = { code: 'QUOTE_STALE', detail: 'why' };
const cancelRequest = { reason: 'enough', requested_by: 'ana' };

describe('claim before send', () => {
  it('claims an approved order', () => {
    expect(decideClaim(orderFrom([approved()]), [])).toEqual({ kind: 'claim' });
  });

  it('withholds it on the first refusal, or on a cancel that came before', () => {
    expect(decideClaim(orderFrom([approved()]), [refusal, { code: 'OTHER', detail: '' }], TIME_MS)).toEqual({
      kind: 'withhold', event: { type: 'SubmissionWithheld', data: { ...refusal, business_time_ms: TIME_MS } },
    });
    expect(decideClaim(orderFrom([approved(), happened.cancelRequested()]), [])).toEqual({
      kind: 'withhold', event: { type: 'SubmissionWithheld', data: { code: 'CANCELED_BEFORE_SEND', detail: 'enough' } },
    });
  });

  it('asks about a claim of an earlier run instead of sending again', () => {
    expect(decideClaim(orderFrom([approved(), claimed()]), [])).toEqual({ kind: 'ask', claim });
    expect(decideClaim(orderFrom([approved(), claimed()]), [refusal])).toEqual({ kind: 'ask', claim });
  });

  it.each<readonly [string, readonly OrderEvent[]]>([
    ['nothing was decided', []],
    ['it was denied', [happened.denied()]],
    ['it is in doubt', [approved(), claimed(), happened.inDoubt()]],
    ['it works', [approved(), claimed(), happened.acknowledged()]],
    ['it was not sent', [approved(), happened.withheld('QUOTE_STALE')]],
    ['it was not received', [approved(), claimed(), happened.notReceived()]],
    ['the venue spoke of it before any claim', [approved(), happened.acknowledged()]],
    ['the venue filled it before any claim', [approved(), happened.filled('e1', '1', { cum: '1', leaves: '9' })]],
  ])('never sends when %s', (_why, events) => {
    expect(decideClaim(orderFrom(events), [])).toEqual({ kind: 'nothing' });
  });

  it('withholds a claimed order only while nothing was sent', () => {
    given(approved(), claimed()).when((state) => withholdClaimed(state, refusal))
      .then({ type: 'SubmissionWithheld', data: { ...refusal, claim_id: CLAIM_ID } }).leaving('NOT_SENT', '0', '0');
    given(approved(), claimed(), happened.inDoubt()).when((state) => withholdClaimed(state, refusal)).thenNothing().leaving('IN_DOUBT');
  });
});

describe('doubt', () => {
  const doubt = { code: 'SEND_TIMED_OUT', detail: 'no answer', owner: 'execution-1', deadline_ms: TIME_MS + 5000 };
  const evidence = { report: refOf(), time_ms: TIME_MS, waited_ms: 5000, admissibility_window_ms: 5000 };

  it('follows a claim whose outcome is not known, and keeps its quantity', () => {
    given(approved(), claimed()).when((state) => putInDoubt(state, doubt)).then(happened.inDoubt()).leaving('IN_DOUBT', '0', '10');
  });

  it('does not follow an outcome', () => {
    given(approved(), claimed(), happened.acknowledged()).when((state) => putInDoubt(state, doubt)).thenNothing();
    given(approved(), claimed(), happened.rejected()).when((state) => putInDoubt(state, doubt)).thenNothing();
    given(approved()).when((state) => putInDoubt(state, doubt)).thenNothing();
  });

  it('ends as not received only after the venue’s admissibility window', () => {
    const doubtful = [approved(), claimed(), happened.inDoubt()];
    given(...doubtful).when((state) => decideNotReceived(state, evidence)).then(happened.notReceived()).leaving('NOT_RECEIVED', '0', '0');
    given(approved(), claimed()).when((state) => decideNotReceived(state, evidence)).then(happened.notReceived()).leaving('NOT_RECEIVED');
    given(...doubtful).when((state) => decideNotReceived(state, { ...evidence, waited_ms: 4999 })).thenNothing().leaving('IN_DOUBT', '0', '10');
  });

  it('does not end an order the venue has spoken of', () => {
    given(approved(), claimed(), happened.acknowledged()).when((state) => decideNotReceived(state, evidence)).thenNothing().leaving('WORKING');
    given(approved()).when((state) => decideNotReceived(state, evidence)).thenNothing().leaving('APPROVED');
  });
});

describe('a cancel', () => {
  it('is recorded at any time before the end', () => {
    for (const events of [[approved()], [approved(), claimed()], [approved(), claimed(), happened.inDoubt()], [approved(), claimed(), happened.acknowledged()]]) {
      expect(decideCancel(orderFrom(events), cancelRequest)).toEqual({ kind: 'record', event: happened.cancelRequested() });
    }
  });

  it('is asked for once, and again after a rejection under the next number', () => {
    const working = [approved(), claimed(), happened.acknowledged(), happened.cancelRequested()];
    expect(decideCancel(orderFrom(working), cancelRequest)).toEqual({ kind: 'pending' });
    expect(decideCancel(orderFrom([...working, happened.cancelClaimed()]), cancelRequest)).toEqual({ kind: 'pending' });
    expect(decideCancel(orderFrom([...working, happened.cancelClaimed(), happened.cancelRejected()]), cancelRequest)).toEqual({ kind: 'record', event: happened.cancelRequested(2) });
  });

  it('is refused for an order nobody knows and for a closed one', () => {
    expect(decideCancel(orderFrom([]), cancelRequest)).toMatchObject({ kind: 'refused', refusal: { code: 'ORDER_UNKNOWN' } });
    for (const events of [[happened.denied()], [approved(), happened.withheld('X')], [approved(), claimed(), happened.canceled()]]) {
      expect(decideCancel(orderFrom(events), cancelRequest)).toMatchObject({ kind: 'refused', refusal: { code: 'ORDER_CLOSED' } });
    }
  });
});
