import type { OrderEventType } from './events.ts';

export type OrderStatus =
  | 'NONE'
  | 'APPROVED'
  | 'DENIED'
  | 'CLAIMED'
  | 'IN_DOUBT'
  | 'WORKING'
  | 'PARTIALLY_FILLED'
  | 'FILLED'
  | 'CANCELED'
  | 'EXPIRED'
  | 'REJECTED'
  | 'NOT_SENT'
  | 'NOT_RECEIVED';

/** Where an event leads. `by_quantity`: FILLED when nothing is left, else PARTIALLY_FILLED. `if_complete`: FILLED when nothing is missing, else unchanged. */
export type Next = OrderStatus | 'same' | 'by_quantity' | 'if_complete';

export const TERMINAL: ReadonlySet<OrderStatus> = new Set(['DENIED', 'FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'NOT_SENT', 'NOT_RECEIVED']);

/** Before a terminal state may stand on evidence, the venue can be in any of these. */
const AT_VENUE: Partial<Record<OrderEventType, Next>> = {
  OrderRejected: 'REJECTED',
  OrderFilled: 'by_quantity',
  FillBusted: 'same',
  FillCorrected: 'if_complete',
  CancelRequested: 'same',
  CancelClaimed: 'same',
  CancelRejected: 'same',
  OrderCanceled: 'CANCELED',
  OrderExpired: 'EXPIRED',
  AnomalyRecorded: 'same',
};

/** A closed order still takes facts: busts, corrections, late fills. */
const CLOSED: Partial<Record<OrderEventType, Next>> = {
  OrderFilled: 'if_complete',
  FillBusted: 'same',
  FillCorrected: 'if_complete',
  CancelRejected: 'same',
  AnomalyRecorded: 'same',
};

/** We hold that the venue never had it, or never will, and it says otherwise: the venue wins. */
const CONTRADICTED: Partial<Record<OrderEventType, Next>> = {
  OrderAcknowledged: 'WORKING',
  OrderFilled: 'by_quantity',
  FillBusted: 'same',
  FillCorrected: 'if_complete',
  CancelRejected: 'same',
  OrderCanceled: 'CANCELED',
  OrderExpired: 'EXPIRED',
  OrderRejected: 'REJECTED',
  AnomalyRecorded: 'same',
};

/**
 * The whole life of an order. A row is a state, a column an event; what is not here is an anomaly, recorded and alerted,
 * never a crash. FIX 4.4 order state matrices A to L are the guide; DENIED, CLAIMED, IN_DOUBT, NOT_SENT and NOT_RECEIVED are ours.
 */
export const TRANSITIONS: Readonly<Record<OrderStatus, Partial<Record<OrderEventType, Next>>>> = {
  NONE: { OrderApproved: 'APPROVED', OrderDenied: 'DENIED', AnomalyRecorded: 'same' },
  // An order the venue already speaks of must not be sent: its facts count before a claim too.
  APPROVED: { ...CONTRADICTED, SubmissionClaimed: 'CLAIMED', SubmissionWithheld: 'NOT_SENT', CancelRequested: 'same' },
  DENIED: CONTRADICTED,
  CLAIMED: { ...AT_VENUE, SubmissionWithheld: 'NOT_SENT', OrderPutInDoubt: 'IN_DOUBT', OrderAcknowledged: 'WORKING', OrderNotReceived: 'NOT_RECEIVED' },
  IN_DOUBT: { ...AT_VENUE, OrderPutInDoubt: 'same', OrderAcknowledged: 'WORKING', OrderNotReceived: 'NOT_RECEIVED' },
  WORKING: AT_VENUE,
  // The acknowledgement that a fill overtook still brings the venue's order id.
  PARTIALLY_FILLED: { ...AT_VENUE, OrderAcknowledged: 'same' },
  FILLED: CLOSED,
  CANCELED: CLOSED,
  EXPIRED: CLOSED,
  REJECTED: CONTRADICTED,
  NOT_SENT: CONTRADICTED,
  NOT_RECEIVED: CONTRADICTED,
};

export const isTerminal = (status: OrderStatus): boolean => TERMINAL.has(status);

/** Resting at the venue, as far as evidence goes. */
export const isAtVenue = (status: OrderStatus): boolean => status === 'WORKING' || status === 'PARTIALLY_FILLED';
