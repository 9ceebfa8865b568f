import { codeOf, messageOf } from '../../errors.ts';
import type { Outcome, PaperOrder } from '../engine/index.ts';
import type { BookStore } from './book-store.ts';
import { ok, problem } from './http.ts';
import type { Answer } from './http.ts';
import { parseCancel, parsePlace, parseStep } from './requests.ts';
import type { PaperVenue } from './venue.ts';

export interface RouteContext {
  readonly venue: PaperVenue;
  readonly store: BookStore;
  readonly currency: string;
}

const wrongAccount = (account: string): Answer => problem(403, 'WRONG_ACCOUNT', `this token is not for account "${account.slice(0, 64)}"`);

/** The facts that a command made, as the account's stream carries them too. */
const factsOf = ({ venue }: RouteContext, account: string, outcome: Outcome): Readonly<Record<string, unknown>> => {
  const [first] = outcome.reports;
  return {
    report_id: first?.report_id, account, client_order_id: first?.client_order_id,
    ...(outcome.orders[0] ? { venue_order_id: outcome.orders[0].venue_order_id, order_status: outcome.orders[0].status } : {}),
    time_ms: venue.timeMs, reports: outcome.reports,
  };
};

/** POST /v1/orders. 201 taken; 422 refused for what it says, with the refusal's code; 409 DUPLICATE_CLIENT_ORDER_ID. */
export const postOrder = (context: RouteContext, account: string, body: unknown): Answer => {
  const parsed = parsePlace(body);
  if (!parsed.ok) return parsed.answer;
  if (parsed.value.account !== account) return wrongAccount(parsed.value.account);
  const outcome = context.venue.place(parsed.value);
  if (outcome.turned_away) return problem(409, outcome.turned_away.code, outcome.turned_away.detail, { account, client_order_id: parsed.value.client_order_id });
  const facts = factsOf(context, account, outcome);
  const refusal = outcome.reports.find((report) => report.type === 'rejected');
  return refusal ? problem(422, refusal.code ?? 'REJECTED', refusal.detail ?? '', facts) : ok(facts, 201);
};

/** POST /v1/cancels. 200 canceled; 404 UNKNOWN_ORDER, 409 TOO_LATE_TO_CANCEL. */
export const postCancel = (context: RouteContext, account: string, body: unknown): Answer => {
  const parsed = parseCancel(body);
  if (!parsed.ok) return parsed.answer;
  if (parsed.value.account !== account) return wrongAccount(parsed.value.account);
  const outcome = context.venue.cancel(parsed.value);
  const facts = { ...factsOf(context, account, outcome), client_order_id: parsed.value.client_order_id };
  const refusal = outcome.reports.find((report) => report.type === 'cancel_rejected');
  if (!refusal) return ok(facts);
  return problem(refusal.code === 'UNKNOWN_ORDER' ? 404 : 409, refusal.code ?? 'CANCEL_REJECTED', refusal.detail ?? '', facts);
};

const withReports = (store: BookStore) => (order: PaperOrder) => ({ ...order, reports: store.reportsOf(order.venue_order_id) });

/** GET /v1/orders?client_order_id=. All orders under that id, usually one; 404 ORDER_NOT_FOUND is authoritative. */
export const getOrders = ({ venue, store }: RouteContext, account: string, query: URLSearchParams): Answer => {
  const clientOrderId = query.get('client_order_id');
  if (clientOrderId === null || clientOrderId === '') return problem(400, 'CLIENT_ORDER_ID_REQUIRED', 'give client_order_id in the query');
  const orders = store.ordersOf(account, clientOrderId);
  const report_sequence = venue.account(account)?.report_sequence ?? 0;
  const about = { account, client_order_id: clientOrderId, time_ms: venue.timeMs, report_sequence };
  if (orders.length === 0) return problem(404, 'ORDER_NOT_FOUND', 'no order came under that client order id', about);
  return ok({ ...about, orders: orders.map(withReports(store)) });
};

/** GET /v1/accounts/:id. */
export const getAccount = ({ venue, currency }: RouteContext, account: string): Answer => {
  const known = venue.account(account);
  if (!known) return problem(404, 'NO_SUCH_ACCOUNT', account);
  return ok({
    account, currency, cash: known.cash,
    positions: [...known.positions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([symbol, qty]) => ({ symbol, qty })),
    report_sequence: known.report_sequence, time_ms: venue.timeMs,
  });
};

/** GET /v1/instruments. */
export const getInstruments = ({ venue }: RouteContext): Answer => ok({ instruments: venue.description.instruments, session: venue.description.session });

/** GET /v1/book. Orders, executions, accounts and how often each client order id came: what ours is held against. */
export const getBook = (context: RouteContext, account: string | undefined): Answer => {
  const { venue, store } = context;
  const accounts = account === undefined ? venue.accountNames() : [account];
  return ok({
    time_ms: venue.timeMs, sequence: venue.sequence,
    accounts: accounts.map((name) => getAccount(context, name).body),
    orders: store.orders(account),
    executions: store.executions(account),
    requests: store.requestCounts(account),
  });
};

/** POST /control/step. Answers when the steps are made and their facts committed. */
export const postStep = async ({ venue }: RouteContext, body: unknown): Promise<Answer> => {
  const parsed = parseStep(body);
  if (!parsed.ok) return parsed.answer;
  let steps: number;
  try {
    steps = await venue.step(parsed.value);
  } catch (error) {
    return problem(500, codeOf(error, 'STEP_FAILED'), messageOf(error));
  }
  return ok({
    steps, time_ms: venue.timeMs, sequence: venue.sequence, session_open: venue.sessionOpen,
    snapshot: { sequence: venue.sequence, time_ms: venue.timeMs, source: venue.description.source, quotes: venue.quotes() },
    report_sequences: Object.fromEntries(venue.accountNames().map((name) => [name, venue.account(name)?.report_sequence ?? 0])),
    open_orders: venue.openOrders,
    ...(venue.nextTimeMs === undefined ? {} : { next_time_ms: venue.nextTimeMs }),
    ended: venue.ended,
  });
};

/** GET /control/market. */
export const getMarket = ({ venue }: RouteContext): Answer => {
  const { source, simulated, days, start_ms, end_ms, session, instruments } = venue.description;
  return ok({
    source, simulated, days, start_ms, end_ms, session, instruments,
    position: { sequence: venue.sequence, time_ms: venue.timeMs },
    ...(venue.nextTimeMs === undefined ? {} : { next_time_ms: venue.nextTimeMs }),
    ended: venue.ended,
  });
};
