import type { OrderEvent } from '@tallystick/domain';

/** What ends an order with quantity left, and so gives back its reservation. */
export const ENDS_WITH_LEAVES: ReadonlySet<OrderEvent['type']> = new Set(['OrderRejected', 'OrderCanceled', 'OrderExpired', 'SubmissionWithheld', 'OrderNotReceived']);
