import { amount, type Amount } from './amount.ts';
import { text } from './json.ts';
import type { Log, LogEvent } from './log.ts';

export interface OracleFill {
  readonly execId: string;
  readonly qty: Amount;
  readonly price: Amount;
  readonly fee: Amount;
}

export interface OracleOrder {
  readonly orderId: string;
  readonly account: string;
  readonly strategy: string;
  readonly symbol: string;
  readonly side: string;
  readonly qty: Amount;
  readonly outcome: 'approved' | 'denied';
  readonly status: string;
  /** Client order ids of its claims; more than one is a fault of its own. */
  readonly claims: readonly string[];
  /** As recorded, repeats included. */
  readonly fills: readonly OracleFill[];
  readonly types: readonly string[];
}

export const TERMINAL: ReadonlySet<string> = new Set(['FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'DENIED', 'NOT_SENT', 'NOT_RECEIVED']);

const ENDS: Readonly<Record<string, string>> = {
  OrderDenied: 'DENIED', SubmissionWithheld: 'NOT_SENT', OrderRejected: 'REJECTED', OrderCanceled: 'CANCELED', OrderExpired: 'EXPIRED', OrderNotReceived: 'NOT_RECEIVED',
};

const sum = (fills: readonly OracleFill[]): Amount => fills.reduce((total, { qty }) => total + qty, 0n);

/** What an order's stream says, read naively: no transition table, the words of the events alone. */
export const orderOf = (orderId: string, events: readonly LogEvent[]): OracleOrder => {
  const [first] = events;
  const terms = first?.data['terms'];
  const qty = amount(text(terms, 'qty') || '0');
  const fills: OracleFill[] = [];
  const claims: string[] = [];
  let status = first?.type === 'OrderApproved' ? 'APPROVED' : first?.type === 'OrderDenied' ? 'DENIED' : 'UNREADABLE';
  for (const { type, data } of events) {
    const end = ENDS[type];
    if (type === 'SubmissionClaimed') {
      claims.push(text(data, 'client_order_id'));
      status = 'CLAIMED';
    } else if (type === 'OrderPutInDoubt') status = 'IN_DOUBT';
    else if (type === 'OrderAcknowledged' && (status === 'CLAIMED' || status === 'IN_DOUBT')) status = 'WORKING';
    else if (type === 'OrderFilled') {
      fills.push({ execId: text(data, 'exec_id'), qty: amount(text(data, 'qty')), price: amount(text(data, 'price')), fee: amount(text(data, 'fee')) });
      if (sum(fills) >= qty) status = 'FILLED';
      else if (!TERMINAL.has(status)) status = 'PARTIALLY_FILLED';
    } else if (end !== undefined) status = end;
  }
  return {
    orderId, account: text(terms, 'account'), strategy: text(terms, 'strategy', 'id'), symbol: text(terms, 'symbol'), side: text(terms, 'side'), qty,
    outcome: first?.type === 'OrderDenied' ? 'denied' : 'approved', status, claims, fills, types: events.map(({ type }) => type),
  };
};

export const ordersOf = (log: Log): readonly OracleOrder[] => [...log.streams('order-')].map(([stream, events]) => orderOf(stream.slice('order-'.length), events));

export const countsBy = <T>(items: readonly T[], keyOf: (item: T) => string): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
};

export const countsText = (counts: Readonly<Record<string, number>>): string => Object.entries(counts).map(([name, n]) => `${name} ${n}`).join(', ');
