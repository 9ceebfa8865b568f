import type { OrderViewV1, TimelineEntryV1 } from '@tallystick/contracts';
import type { OrderTerms } from '@tallystick/domain';
import { orderStream } from '@tallystick/contracts';
import { recordedOf } from '../project/orders.ts';
import type { ReadModelFile, Row } from '../store/database.ts';
import { heldAt, json, optionalText, pageOfRows, text, Where, type At } from './at.ts';

export interface OrderFilters {
  readonly account?: string | undefined;
  readonly strategy?: string | undefined;
  readonly mode?: string | undefined;
  readonly symbol?: string | undefined;
  readonly status?: string | undefined;
  readonly intent_key?: string | undefined;
}

export interface Paging {
  /** Order numbers below this one, exclusive. */
  readonly before?: string | undefined;
  readonly limit: number;
}

const SELECT = `SELECT o.order_no, o.order_id, o.decided_at_ms, o.denial_codes, o.terms, s.status, s.cum_qty, s.leaves_qty, s.avg_price, s.fees, s.fills, s.anomalies,
  s.venue_order_id, s.client_order_id, s.cancel, s.doubt, s.reason_code, s.reason, s.valid_from
  FROM orders o JOIN order_states s ON s.order_no = o.order_no`;

export const orderView = (row: Row): OrderViewV1 => {
  const { intent_key, leg, account, mode, venue, strategy, portfolio, symbol, side, qty, order_type, time_in_force, limit_price, stop_price, currency } = json<OrderTerms>(row, 'terms');
  const optional = {
    portfolio, limit_price, stop_price, avg_price: optionalText(row, 'avg_price'), venue_order_id: optionalText(row, 'venue_order_id'),
    client_order_id: optionalText(row, 'client_order_id'),
    cancel: row['cancel'] === null ? undefined : json<OrderViewV1['cancel']>(row, 'cancel'),
    doubt: row['doubt'] === null ? undefined : json<OrderViewV1['doubt']>(row, 'doubt'),
    reason: row['reason_code'] === null ? undefined : { code: text(row, 'reason_code'), detail: text(row, 'reason') },
  };
  return {
    order_id: text(row, 'order_id'), intent_key, leg, account, mode, venue, strategy: { id: strategy.id, version: strategy.version }, symbol, side, qty, order_type, time_in_force,
    currency, status: text(row, 'status') as OrderViewV1['status'], cum_qty: text(row, 'cum_qty'), leaves_qty: text(row, 'leaves_qty'), fees: text(row, 'fees'),
    fills: Number(row['fills']), anomalies: Number(row['anomalies']), denial_codes: json<string[]>(row, 'denial_codes'), decided_at_ms: Number(row['decided_at_ms']),
    updated_position: text(row, 'valid_from'), ...present(optional),
  };
};

/** Without its `undefined` members. */
export const present = <T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };

export const listOrders = (file: ReadModelFile, filters: OrderFilters, paging: Paging, at: At): { readonly items: readonly OrderViewV1[]; readonly next?: string } => {
  const where = new Where().and(heldAt('s', at)).and({ sql: 'o.terms IS NOT NULL', values: [] })
    .equal('o.account', filters.account).equal('o.strategy', filters.strategy).equal('o.mode', filters.mode).equal('o.symbol', filters.symbol)
    .equal('s.status', filters.status).equal('o.intent_key', filters.intent_key);
  if (paging.before !== undefined) where.and({ sql: 'o.order_no < ?', values: [BigInt(paging.before)] });
  const rows = file.all(`${SELECT} WHERE ${where.sql} ORDER BY o.order_no DESC LIMIT ?`, ...where.values, paging.limit + 1);
  return pageOfRows(rows, paging.limit, 'order_no', orderView);
};

export const findOrder = (file: ReadModelFile, orderId: string, at: At): OrderViewV1 | undefined => {
  const where = new Where().and({ sql: 'o.order_id = ? AND o.terms IS NOT NULL', values: [orderId] }).and(heldAt('s', at));
  const row = file.get(`${SELECT} WHERE ${where.sql}`, ...where.values);
  return row ? orderView(row) : undefined;
};

/** Risk group of an order's decision: where its commands go. */
export const riskGroupOfOrder = (file: ReadModelFile, orderId: string): string | undefined => {
  const row = file.get('SELECT risk_group FROM orders WHERE order_id = ?', orderId);
  return row ? optionalText(row, 'risk_group') : undefined;
};

const EVENTS = `SELECT e.position, e.revision, e.event_id, e.type, e.recorded_at_ms, e.data, e.metadata FROM order_events e JOIN orders o ON o.order_no = e.order_no
  WHERE o.order_id = ?`;

export const orderTimeline = (file: ReadModelFile, orderId: string, at: At): readonly TimelineEntryV1[] | undefined => {
  const rows = at === undefined
    ? file.all(`${EVENTS} ORDER BY e.position`, orderId)
    : file.all(`${EVENTS} AND e.position <= ? ORDER BY e.position`, orderId, at);
  if (rows.length === 0) return undefined;
  return rows.map((row) => {
    const { position, stream, revision, id, type, recordedAtMs, data, metadata } = recordedOf(orderStream(orderId), row);
    return {
      position: position.toString(), stream, revision, event_id: id, type, recorded_at_ms: recordedAtMs, data: { ...data },
      // Shown as it was recorded; who wrote it held it to the envelope's schema.
      metadata: metadata as TimelineEntryV1['metadata'],
    };
  });
};

/** Number of orders by status; statuses without orders are left out. */
export const ordersByStatus = (file: ReadModelFile, at: At): Readonly<Record<string, number>> => {
  const held = heldAt('s', at);
  const rows = file.all(`SELECT s.status, count(*) AS orders FROM order_states s WHERE ${held.sql} GROUP BY s.status ORDER BY s.status`, ...held.values);
  return Object.fromEntries(rows.map((row) => [text(row, 'status'), Number(row['orders'])]));
};
