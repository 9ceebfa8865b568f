import { isTerminal, type OrderStatus } from '../order/index.ts';
import type { KillMode } from './kill.ts';

/** An order of the scope: open when the kill was engaged, or open now. */
export interface KillOrder {
  readonly order_id: string;
  readonly status: OrderStatus;
}

export interface KillAcknowledgement {
  readonly instance: string;
  /** Process time, UTC. */
  readonly applied_at_ms: number;
}

export interface KillProgress {
  /** The venue's evidence, or that it never left. */
  readonly canceled: number;
  readonly withheld: number;
  /** Filled, expired, rejected or not received before a cancel could end them. */
  readonly ended_otherwise: number;
  /** At the venue by its own word. */
  readonly working: number;
  /** Claimed or in doubt: nobody knows yet. */
  readonly in_doubt: number;
  /** Approved, and kept from being sent. */
  readonly waiting: number;
  /** Orders that are not where this kill takes them. */
  readonly left: readonly string[];
  /** An executor applied it, and nothing is left. */
  readonly complete: boolean;
}

const COUNTED: Readonly<Partial<Record<OrderStatus, 'canceled' | 'withheld' | 'working' | 'in_doubt' | 'waiting'>>> = {
  CANCELED: 'canceled', NOT_SENT: 'withheld', WORKING: 'working', PARTIALLY_FILLED: 'working', IN_DOUBT: 'in_doubt', CLAIMED: 'in_doubt', APPROVED: 'waiting',
};

/** Where a kill has got to. What works stays under `stop_new`; under `stop_and_cancel` an order is done when it is terminal, which takes evidence. */
export const killProgress = (mode: KillMode, acknowledged: readonly KillAcknowledgement[], orders: readonly KillOrder[]): KillProgress => {
  const counts = { canceled: 0, withheld: 0, ended_otherwise: 0, working: 0, in_doubt: 0, waiting: 0 };
  const left: string[] = [];
  for (const { order_id: orderId, status } of orders) {
    const counted = COUNTED[status] ?? 'ended_otherwise';
    counts[counted] += 1;
    if (!isTerminal(status) && !(mode === 'stop_new' && counted === 'working')) left.push(orderId);
  }
  return { ...counts, left, complete: acknowledged.length > 0 && left.length === 0 };
};
