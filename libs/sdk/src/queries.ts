import { AccountPageV1, OrderPageV1, PositionPageV1, querySubject, type AccountViewV1, type OrderViewV1, type PageV1, type PositionViewV1 } from '@tallystick/contracts';
import type { OrderStatus } from '@tallystick/domain';
import type { JsonObject, JsonValue, Ports } from '@tallystick/ports';
import { askUntil, refusalIn, type Reading, type WaitOptions } from './ask.ts';
import type { Wire } from './wire.ts';

export interface QueryAt extends WaitOptions {
  /** The answer includes at least this log position, or comes as a failure. */
  readonly minPosition?: string;
  /** The state as it was at this log position: the same question gives the same answer, however often. */
  readonly asOf?: string;
}

export type Queried<T> = { readonly ok: true; readonly items: readonly T[]; readonly position: string } | { readonly ok: false; readonly code: string; readonly detail: string };

export interface PositionsQuestion extends QueryAt {
  readonly symbol?: string;
  /** `strategy`: what this strategy holds; `account`: the whole account over its strategies. Default `strategy`. */
  readonly of?: 'strategy' | 'account';
}

export interface OrdersQuestion extends QueryAt {
  readonly intentKey?: string;
  readonly symbol?: string;
  readonly status?: OrderStatus;
  /** Only orders that may still trade; wins over `status`. */
  readonly open?: boolean;
}

const OPEN: readonly OrderStatus[] = ['APPROVED', 'CLAIMED', 'IN_DOUBT', 'WORKING', 'PARTIALLY_FILLED'];

/** A read model that restarts folds from its checkpoint within seconds. */
const QUERY_WITHIN_MS = 15_000;
/** An order's view is below 1 KiB, and an answer on the bus at most 64 KiB. */
const PAGE_ITEMS = 50;
/** 100 pages are 5,000 rows: who needs more asks by symbol or status. */
const PAGES_MAX = 100;

const reader = <T>(parse: (answer: JsonValue) => PageV1<T> | undefined) => (answer: JsonValue): Reading<PageV1<T> | { readonly code: string; readonly detail: string }> => {
  const refusal = refusalIn(answer);
  if (refusal) return refusal.retryable ? { kind: 'again', ...refusal } : { kind: 'answer', value: refusal };
  const page = parse(answer);
  return page ? { kind: 'answer', value: page } : { kind: 'again', code: 'ANSWER_UNREADABLE', detail: 'the answer is not a page' };
};

/** All pages, the later ones as of the position of the first. */
const allPages = async <T>(wire: Wire, ports: Ports, query: string, filters: JsonObject, at: QueryAt, parse: (answer: JsonValue) => PageV1<T> | undefined): Promise<Queried<T>> => {
  const items: T[] = [];
  let cursor: string | undefined;
  let position: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const asOf = at.asOf ?? position;
    const body: JsonObject = {
      ...filters, limit: PAGE_ITEMS, ...(cursor === undefined ? {} : { cursor }), ...(asOf === undefined ? {} : { as_of: asOf }),
      ...(at.minPosition === undefined ? {} : { min_position: at.minPosition }),
    };
    const asked = await askUntil(wire, ports, {
      subject: querySubject(query), body, why: `ask ${query} again`, read: reader(parse), withinMs: at.withinMs ?? QUERY_WITHIN_MS, ...(at.signal ? { signal: at.signal } : {}),
    });
    if (!asked.ok) return { ok: false, code: asked.code, detail: asked.detail };
    if ('code' in asked.value) return { ok: false, code: asked.value.code, detail: asked.value.detail };
    items.push(...asked.value.items);
    position ??= asked.value.position;
    cursor = asked.value.next;
    if (cursor === undefined) return { ok: true, items, position };
  }
  return { ok: false, code: 'TOO_MANY_ROWS', detail: `more than ${PAGES_MAX * PAGE_ITEMS} rows: narrow the question` };
};

export interface Asker {
  readonly strategy: string;
  readonly account: string;
  readonly mode: string;
}

export const queryPositions = (wire: Wire, ports: Ports, who: Asker, question: PositionsQuestion): Promise<Queried<PositionViewV1>> =>
  allPages(wire, ports, 'positions', {
    account: who.account, mode: who.mode, ...(question.of === 'account' ? {} : { strategy: who.strategy }), ...(question.symbol === undefined ? {} : { symbol: question.symbol }),
  }, question, (answer) => PositionPageV1.safeParse(answer).data);

const ordersOf = (wire: Wire, ports: Ports, who: Asker, question: OrdersQuestion): Promise<Queried<OrderViewV1>> =>
  allPages(wire, ports, 'orders', {
    account: who.account, mode: who.mode, strategy: who.strategy, ...(question.intentKey === undefined ? {} : { intent_key: question.intentKey }),
    ...(question.symbol === undefined ? {} : { symbol: question.symbol }), ...(question.status === undefined ? {} : { status: question.status }),
  }, question, (answer) => OrderPageV1.safeParse(answer).data);

export const queryOrders = async (wire: Wire, ports: Ports, who: Asker, question: OrdersQuestion): Promise<Queried<OrderViewV1>> => {
  if (question.open !== true) return ordersOf(wire, ports, who, question);
  const items: OrderViewV1[] = [];
  // All as of one position: an order that moves on meanwhile is neither missed nor counted twice.
  let { asOf } = question;
  for (const status of OPEN) {
    const queried = await ordersOf(wire, ports, who, { ...question, status, ...(asOf === undefined ? {} : { asOf }) });
    if (!queried.ok) return queried;
    items.push(...queried.items);
    asOf ??= queried.position;
  }
  return { ok: true, items, position: asOf ?? '-1' };
};

/** The account of the connection with its equity and limits; `items` is empty when nobody knows it. */
export const queryAccount = async (wire: Wire, ports: Ports, who: Asker, at: QueryAt): Promise<Queried<AccountViewV1>> => {
  const queried = await allPages(wire, ports, 'accounts', { mode: who.mode }, at, (answer) => AccountPageV1.safeParse(answer).data);
  return queried.ok ? { ...queried, items: queried.items.filter(({ account }) => account === who.account) } : queried;
};
