import { describe, expect, it } from '@jest/globals';
import { happened, TIME_MS } from '../testing/order-fixtures.ts';
import { orderFrom } from '../testing/order-scenario.ts';
import type { OrderEvent, OrderEventType } from './events.ts';
import { evolveOrder, leavesQty, NO_ORDER, orderView, type OrderState } from './state.ts';
import { isTerminal, TERMINAL, TRANSITIONS, type Next, type OrderStatus } from './transitions.ts';

const { approved, claimed } = happened;
const sent = [approved(), claimed()];
const working = [...sent, happened.acknowledged()];

/** How an order gets into each state. */
const ways: Readonly<Record<OrderStatus, readonly OrderEvent[]>> = {
  NONE: [],
  APPROVED: [approved()],
  DENIED: [happened.denied()],
  CLAIMED: sent,
  IN_DOUBT: [...sent, happened.inDoubt()],
  WORKING: working,
  PARTIALLY_FILLED: [...working, happened.filled('e1', '4', { cum: '4', leaves: '6' })],
  FILLED: [...working, happened.filled('e1', '10', { cum: '10', leaves: '0' })],
  CANCELED: [...working, happened.canceled()],
  EXPIRED: [...working, happened.expired()],
  REJECTED: [...sent, happened.rejected()],
  NOT_SENT: [...sent, happened.withheld('KILL_SWITCH', true)],
  NOT_RECEIVED: [...sent, happened.inDoubt(), happened.notReceived()],
};
const statuses = Object.keys(ways) as OrderStatus[];

/** One of each event; `e2` is a further fill that leaves the order incomplete. */
const events: Readonly<Record<OrderEventType, OrderEvent>> = {
  OrderApproved: approved(),
  OrderDenied: happened.denied(),
  SubmissionClaimed: claimed(),
  SubmissionWithheld: happened.withheld('KILL_SWITCH', true),
  OrderPutInDoubt: happened.inDoubt(TIME_MS + 9000),
  OrderAcknowledged: happened.acknowledged('v-2'),
  OrderRejected: happened.rejected(),
  OrderFilled: happened.filled('e2', '1', { cum: '1', leaves: '9' }),
  FillBusted: happened.busted('e1', '0'),
  FillCorrected: happened.corrected('e1', '3', '3'),
  CancelRequested: happened.cancelRequested(),
  CancelClaimed: happened.cancelClaimed(),
  CancelRejected: happened.cancelRejected(),
  OrderCanceled: happened.canceled(),
  OrderExpired: happened.expired(),
  OrderNotReceived: happened.notReceived(),
  AnomalyRecorded: happened.anomaly('REPORT_UNEXPECTED'),
};
const types = Object.keys(events) as OrderEventType[];

/** The specification, written out a second time: what leads where. Everything else is an anomaly. */
const specified: Readonly<Record<OrderStatus, Partial<Record<OrderEventType, Next>>>> = (() => {
  const anomaly = { AnomalyRecorded: 'same' } as const;
  const amendments = { FillBusted: 'same', FillCorrected: 'if_complete', CancelRejected: 'same', ...anomaly } as const;
  const ends = { OrderCanceled: 'CANCELED', OrderExpired: 'EXPIRED', OrderRejected: 'REJECTED' } as const;
  const venueWins = { ...amendments, ...ends, OrderAcknowledged: 'WORKING', OrderFilled: 'by_quantity' } as const;
  const live = { ...amendments, ...ends, OrderFilled: 'by_quantity', CancelRequested: 'same', CancelClaimed: 'same' } as const;
  const closed = { ...amendments, OrderFilled: 'if_complete' } as const;
  return {
    NONE: { ...anomaly, OrderApproved: 'APPROVED', OrderDenied: 'DENIED' },
    APPROVED: { ...venueWins, SubmissionClaimed: 'CLAIMED', SubmissionWithheld: 'NOT_SENT', CancelRequested: 'same' },
    DENIED: venueWins,
    CLAIMED: { ...live, OrderAcknowledged: 'WORKING', SubmissionWithheld: 'NOT_SENT', OrderPutInDoubt: 'IN_DOUBT', OrderNotReceived: 'NOT_RECEIVED' },
    IN_DOUBT: { ...live, OrderAcknowledged: 'WORKING', OrderPutInDoubt: 'same', OrderNotReceived: 'NOT_RECEIVED' },
    WORKING: live,
    PARTIALLY_FILLED: { ...live, OrderAcknowledged: 'same' },
    FILLED: closed,
    CANCELED: closed,
    EXPIRED: closed,
    REJECTED: venueWins,
    NOT_SENT: venueWins,
    NOT_RECEIVED: venueWins,
  };
})();

const landing = (status: OrderStatus, next: Next): OrderStatus => {
  // The one fill of the table's row is 1 of 10: complete only where all 10 are filled already.
  if (next === 'by_quantity') return 'PARTIALLY_FILLED';
  return next === 'same' || next === 'if_complete' ? status : next;
};

const cells = statuses.flatMap((status) => types.map((type) => [status, type] as const));

describe('the table of the order’s life', () => {
  it('is the one the specification states', () => {
    expect(TRANSITIONS).toEqual(specified);
  });

  it('reaches every state', () => {
    for (const status of statuses) expect(orderFrom(ways[status]).status).toBe(status);
  });

  it('ends in the terminal states only', () => {
    expect([...TERMINAL].sort()).toEqual(['CANCELED', 'DENIED', 'EXPIRED', 'FILLED', 'NOT_RECEIVED', 'NOT_SENT', 'REJECTED']);
  });

  it.each(cells)('%s, then %s', (status, type) => {
    const before = orderFrom(ways[status]);
    const after = evolveOrder(before, events[type]);
    const next = specified[status][type];
    if (next === undefined) {
      expect(after).toEqual({ ...before, anomalies: before.anomalies + 1 });
    } else {
      expect(after.status).toBe(landing(status, next));
      expect(after.anomalies).toBe(type === 'AnomalyRecorded' ? before.anomalies + 1 : before.anomalies);
    }
  });

  it.each(statuses.filter(isTerminal))('%s is left by nothing but a fact of the venue', (status) => {
    const ours: readonly OrderEventType[] = ['OrderApproved', 'OrderDenied', 'SubmissionClaimed', 'SubmissionWithheld', 'OrderPutInDoubt', 'CancelRequested', 'CancelClaimed', 'AnomalyRecorded'];
    const before = orderFrom(ways[status]);
    for (const type of ours) expect(orderView(evolveOrder(before, events[type]))).toEqual({ ...orderView(before), anomalies: before.anomalies + 1 });
  });

  it.each(['FILLED', 'CANCELED', 'EXPIRED'] as const)('%s is final: facts change its quantities, not its end', (status) => {
    const facts: readonly OrderEventType[] = ['OrderAcknowledged', 'OrderRejected', 'OrderFilled', 'FillBusted', 'FillCorrected', 'CancelRejected', 'OrderCanceled', 'OrderExpired', 'OrderNotReceived'];
    let state: OrderState = orderFrom(ways[status]);
    for (const type of facts) {
      state = evolveOrder(state, events[type]);
      expect(state.status).toBe(status);
    }
  });
});

describe('what an order leaves open', () => {
  it.each(statuses.filter(isTerminal))('nothing once it is %s', (status) => {
    expect(leavesQty(orderFrom(ways[status])).toFixed()).toBe('0');
  });

  it('all of it before the first fill, the rest after it', () => {
    expect(leavesQty(orderFrom(ways.IN_DOUBT)).toFixed()).toBe('10');
    expect(leavesQty(orderFrom(ways.PARTIALLY_FILLED)).toFixed()).toBe('6');
  });

  it('nothing where there is no order', () => {
    expect(leavesQty(NO_ORDER).toFixed()).toBe('0');
  });
});

describe('a correction that completes the order', () => {
  it('fills it, so that it does not stay open with nothing left', () => {
    expect(orderFrom([...ways.PARTIALLY_FILLED, happened.corrected('e1', '10', '10')]).status).toBe('FILLED');
  });
});

describe('a fill recorded twice', () => {
  it('counts as it was recorded first, busted or not', () => {
    const again = happened.filled('e1', '5', { cum: '5', leaves: '5' });
    expect(orderFrom([...ways.PARTIALLY_FILLED, again])).toEqual(orderFrom(ways.PARTIALLY_FILLED));
    const busted = [...ways.PARTIALLY_FILLED, happened.busted('e1', '0')];
    expect(orderFrom([...busted, again, happened.busted('e1', '0')])).toEqual(orderFrom(busted));
  });
});

describe('a claimed cancel', () => {
  it('is the one that was asked for last; a claim of an older one leaves the newer to be sent', () => {
    const second = [...working, happened.cancelRequested(1), happened.cancelClaimed(1), happened.cancelRejected(), happened.cancelRequested(2)];
    expect(orderFrom([...second, happened.cancelClaimed(1)]).cancel).toMatchObject({ no: 2, stage: 'requested' });
    expect(orderFrom([...second, happened.cancelClaimed(2)]).cancel).toMatchObject({ no: 2, stage: 'claimed' });
  });
});
