import { finding, type Finding } from '../findings.ts';
import { amount, amountText, times, type Amount } from './amount.ts';
import { list, text } from './json.ts';
import type { Log } from './log.ts';
import { ordersOf, TERMINAL, type OracleOrder } from './orders.ts';

/** Laid beside each other: our log and the venue's own book, both as they are at rest. */
export interface Halves {
  readonly log: Log;
  /** `GET /v1/book` on the control token. */
  readonly book: unknown;
}

/** How the venue says what we call by our names; several of ours may be one of its. */
const VENUE_SAYS: Readonly<Record<string, string>> = { FILLED: 'filled', CANCELED: 'canceled', EXPIRED: 'expired', WORKING: 'working', PARTIALLY_FILLED: 'working' };

const tradedOf = (orders: readonly OracleOrder[]): ReadonlyMap<string, Amount> => {
  const held = new Map<string, Amount>();
  for (const { account, symbol, side, fills } of orders) {
    for (const { qty } of fills) held.set(`${account} ${symbol}`, (held.get(`${account} ${symbol}`) ?? 0n) + (side === 'buy' ? qty : -qty));
  }
  return held;
};

const positionsEqual = (orders: readonly OracleOrder[], book: unknown): Finding => {
  const ours = tradedOf(orders);
  const theirs = new Map(list(book, 'accounts').flatMap((account) =>
    list(account, 'positions').map((position): [string, Amount] => [`${text(account, 'account')} ${text(position, 'symbol')}`, amount(text(position, 'qty'))])));
  const differences = [...new Set([...ours.keys(), ...theirs.keys()])].sort().flatMap((key) => {
    const [mine, yours] = [ours.get(key) ?? 0n, theirs.get(key) ?? 0n];
    return mine === yours ? [] : [`${key}: ${amountText(mine)} in the log, ${amountText(yours)} at the venue`];
  });
  return finding('positions are the venue\'s', differences, `${theirs.size} positions`);
};

const cashEqual = (orders: readonly OracleOrder[], book: unknown, initialCash: string): Finding => {
  const differences = list(book, 'accounts').flatMap((account) => {
    let cash = amount(initialCash);
    for (const order of orders) {
      if (order.account !== text(account, 'account')) continue;
      for (const { qty, price, fee } of order.fills) cash += (order.side === 'buy' ? -times(qty, price) : times(qty, price)) - fee;
    }
    return cash === amount(text(account, 'cash')) ? [] : [`${text(account, 'account')}: ${amountText(cash)} in the log, ${text(account, 'cash')} at the venue`];
  });
  return finding('cash is the venue\'s', differences, `${list(book, 'accounts').length} accounts`);
};

/** Each execution of the venue is one fill of ours, of the same order, quantity and price; and there are no others. */
const executionsEqual = (orders: readonly OracleOrder[], book: unknown): Finding => {
  const differences: string[] = [];
  const ours = new Map<string, string>();
  for (const { orderId, fills } of orders) {
    for (const { execId, qty, price } of fills) {
      if (ours.has(execId)) differences.push(`${execId} is applied twice`);
      ours.set(execId, `${orderId} ${amountText(qty)} at ${amountText(price)}`);
    }
  }
  const executions = list(book, 'executions');
  const theirs = new Map(executions.map((execution) => [text(execution, 'exec_id'),
    `${text(execution, 'client_order_id')} ${amountText(amount(text(execution, 'qty')))} at ${amountText(amount(text(execution, 'price')))}`]));
  if (theirs.size !== executions.length) differences.push('the venue gave one execution id twice');
  for (const [execId, what] of theirs) {
    const mine = ours.get(execId);
    if (mine === undefined) differences.push(`${execId} (${what}) is not in the log`);
    else if (mine !== what) differences.push(`${execId}: ${mine} in the log, ${what} at the venue`);
  }
  for (const execId of ours.keys()) if (!theirs.has(execId)) differences.push(`${execId} is unknown to the venue`);
  return finding('no execution is missing or applied twice', differences, `${theirs.size} executions`);
};

/** Orders alone: a cancel whose answer was lost may be asked for again, which changes nothing at a venue. */
const nothingTwice = (book: unknown): Finding => {
  const requests = list(book, 'requests');
  const places = requests.filter((request) => text(request, 'kind') === 'place');
  const differences = places.filter((request) => Number(text(request, 'count')) !== 1).map((request) => `${text(request, 'client_order_id')} came ${text(request, 'count')} times`);
  return finding('no client order id was placed twice', differences, `${places.length} orders, ${requests.length - places.length} cancels`);
};

/** No final state of ours contradicts the venue, each claim was one, and nothing there is a stranger. */
const statesAgree = (orders: readonly OracleOrder[], book: unknown): Finding => {
  const placed = new Set(list(book, 'requests').filter((request) => text(request, 'kind') === 'place').map((request) => text(request, 'client_order_id')));
  const states = new Map(list(book, 'orders').map((order) => [text(order, 'client_order_id'), text(order, 'status')]));
  const known = new Set<string>();
  const differences = orders.flatMap(({ orderId, status, claims }) => {
    for (const claim of claims) known.add(claim);
    const [claim] = claims;
    if (claims.length > 1) return [`${orderId} was claimed ${claims.length} times`];
    const isThere = claim !== undefined && placed.has(claim);
    const mayBeThere = !['DENIED', 'NOT_SENT', 'NOT_RECEIVED', 'APPROVED'].includes(status);
    if (isThere && !mayBeThere) return [`${orderId} is ${status}, and the venue got it`];
    if (!isThere && mayBeThere) return [`${orderId} is ${status}, and the venue never got it`];
    const said = states.get(claim ?? '') ?? 'nothing';
    const expected = VENUE_SAYS[status];
    return expected !== undefined && said !== expected ? [`${orderId} is ${status}, and ${said} at the venue`] : [];
  });
  const strangers = [...placed].filter((id) => !known.has(id)).map((id) => `the venue has ${id}, which nobody claimed`);
  return finding('no state contradicts the venue', [...differences, ...strangers], `${orders.length} orders, ${placed.size} of them at the venue`);
};

/** Every leg of every accepted intent has exactly one decision, in the group's record and as the first event of its order. */
const decidedOnce = ({ log }: Halves, orders: readonly OracleOrder[]): Finding => {
  const decisions = new Map<string, number>();
  for (const events of log.streams('riskGroup-').values()) {
    for (const { type, data } of events) {
      if (type !== 'OrderDecided') continue;
      const orderId = text(data, 'terms', 'order_id');
      decisions.set(orderId, (decisions.get(orderId) ?? 0) + 1);
    }
  }
  const legs = [...log.streams('intent-').values()].flatMap((events) => events.filter(({ type }) => type === 'IntentAccepted').flatMap(({ data }) => list(data, 'legs').map((leg) => text(leg, 'order_id'))));
  const streams = new Map(orders.map((order) => [order.orderId, order]));
  const wanted = new Set(legs);
  const differences = [
    ...legs.filter((orderId) => decisions.get(orderId) !== 1).map((orderId) => `${orderId} was decided ${decisions.get(orderId) ?? 0} times`),
    ...legs.filter((orderId) => !streams.has(orderId)).map((orderId) => `${orderId} has no stream`),
    ...orders.filter(({ types }) => types.filter((type) => type === 'OrderApproved' || type === 'OrderDenied').length !== 1).map(({ orderId }) => `${orderId} holds several decisions, or none`),
    ...[...decisions.keys(), ...streams.keys()].filter((orderId) => !wanted.has(orderId)).map((orderId) => `${orderId} belongs to no accepted intent`),
    ...(wanted.size === legs.length ? [] : ['two legs have one order id']),
  ];
  return finding('each order was decided once', differences, `${legs.length} orders of ${log.streams('intent-').size} intents`);
};

/** Orders that are over hold no reservation, and the trades of the group are the fills of its orders. */
const reservationsReleased = ({ log }: Halves, orders: readonly OracleOrder[]): Finding => {
  const traded = new Set<string>();
  const released = new Set<string>();
  const leaves = new Map<string, Amount>();
  const differences: string[] = [];
  for (const events of log.streams('riskGroup-').values()) {
    for (const { type, data } of events) {
      const orderId = text(data, 'order_id');
      if (type === 'TradeApplied') {
        const key = `${orderId} ${text(data, 'exec_id')}`;
        if (traded.has(key)) differences.push(`${key} moved the group twice`);
        traded.add(key);
        leaves.set(orderId, (leaves.get(orderId) ?? 0n) + amount(text(data, 'qty')));
      } else if (type === 'ReservationReleased') {
        if (released.has(orderId)) differences.push(`${orderId} was released twice`);
        released.add(orderId);
      }
    }
  }
  for (const { orderId, outcome, status, qty, fills } of orders) {
    for (const { execId } of fills) if (!traded.has(`${orderId} ${execId}`)) differences.push(`${orderId} ${execId} never reached the group`);
    const filled = (leaves.get(orderId) ?? 0n) >= qty;
    if (outcome === 'approved' && TERMINAL.has(status) && !filled && !released.has(orderId)) differences.push(`${orderId} is ${status} and still reserved`);
  }
  return finding('reservations are released exactly once', differences, `${released.size} released, ${traded.size} trades`);
};

const reportsUnderstood = ({ log }: Halves, orders: readonly OracleOrder[]): Finding => {
  const quarantined = [...log.streams('quarantine-').values()].flat().map(({ data }) => `quarantined: ${text(data, 'reason')} ${text(data, 'detail')}`);
  const anomalies = orders.filter(({ types }) => types.includes('AnomalyRecorded')).map(({ orderId }) => `${orderId} has an anomaly`);
  return finding('no report is in quarantine, no order has an anomaly', [...quarantined, ...anomalies], 'none');
};

export interface AgreementOptions {
  readonly initialCash: string;
  /** Orders may rest at the end; without it every order must have ended. */
  readonly mayRest: boolean;
}

const ended = (orders: readonly OracleOrder[], mayRest: boolean): Finding => {
  const fine = (status: string): boolean => TERMINAL.has(status) || (mayRest && (status === 'WORKING' || status === 'PARTIALLY_FILLED'));
  return finding(mayRest ? 'every order has ended or rests at the venue' : 'every order has ended', orders.filter(({ status }) => !fine(status)).map(({ orderId, status }) => `${orderId} is ${status}`), `${orders.length} orders`);
};

/** Everything that must hold of a system at rest, judged from the log and the venue's book alone. */
export const agreement = (halves: Halves, { initialCash, mayRest }: AgreementOptions): readonly Finding[] => {
  const orders = ordersOf(halves.log);
  const { book } = halves;
  return [
    ended(orders, mayRest), positionsEqual(orders, book), cashEqual(orders, book, initialCash), executionsEqual(orders, book), nothingTwice(book), statesAgree(orders, book),
    decidedOnce(halves, orders), reservationsReleased(halves, orders), reportsUnderstood(halves, orders),
  ];
};
