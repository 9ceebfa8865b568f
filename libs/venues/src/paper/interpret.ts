import { isDecimalText } from '@tallystick/domain';
import type { JsonObject, JsonValue, RawReport, VenueReport } from '@tallystick/ports';

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

/** Thrown inside this file only, and turned into `unreadable` at its edge. */
class Unreadable extends Error {}

const textOf = (body: JsonObject, key: string): string => {
  const value = body[key];
  if (typeof value !== 'string' || value === '') throw new Unreadable(`${key} is missing`);
  return value;
};

const optionalText = (body: JsonObject, key: string): string => (typeof body[key] === 'string' ? body[key] : '');

const decimalOf = (body: JsonObject, key: string): string => {
  const text = textOf(body, key);
  if (!isDecimalText(text)) throw new Unreadable(`${key} "${text.slice(0, 40)}" is not a decimal`);
  return text;
};

const timeOf = (body: JsonObject): number => {
  const value = body['time_ms'];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Unreadable('time_ms is missing');
  return value;
};

const sideOf = (body: JsonObject): 'buy' | 'sell' => {
  const side = textOf(body, 'side');
  if (side !== 'buy' && side !== 'sell') throw new Unreadable(`side "${side.slice(0, 40)}" is unknown`);
  return side;
};

const positive = (body: JsonObject, key: string): string => {
  const text = decimalOf(body, key);
  if (text.startsWith('-') || /^0(\.0*)?$/.test(text)) throw new Unreadable(`${key} ${text} is not positive`);
  return text;
};

const fact = (body: JsonObject): VenueReport => {
  const type = textOf(body, 'type');
  const client_order_id = textOf(body, 'client_order_id');
  const time_ms = timeOf(body);
  switch (type) {
    case 'acknowledged':
      return { kind: 'acknowledged', client_order_id, venue_order_id: textOf(body, 'venue_order_id'), time_ms };
    case 'rejected':
      return { kind: 'rejected', client_order_id, code: textOf(body, 'code'), detail: optionalText(body, 'detail'), time_ms };
    case 'filled':
      return {
        kind: 'filled', client_order_id, venue_order_id: textOf(body, 'venue_order_id'), exec_id: textOf(body, 'exec_id'),
        qty: positive(body, 'qty'), price: positive(body, 'price'), fee: decimalOf(body, 'fee'), fee_currency: textOf(body, 'fee_currency'),
        time_ms, account: textOf(body, 'account'), symbol: textOf(body, 'symbol'), side: sideOf(body),
      };
    case 'canceled':
      return { kind: 'canceled', client_order_id, reason: optionalText(body, 'reason'), time_ms };
    case 'expired':
      return { kind: 'expired', client_order_id, reason: optionalText(body, 'reason'), time_ms };
    case 'cancel_rejected':
      return { kind: 'cancel_rejected', client_order_id, code: textOf(body, 'code'), detail: optionalText(body, 'detail'), time_ms };
    default:
      throw new Unreadable(`report type "${type.slice(0, 40)}" is unknown`);
  }
};

const readable = (read: () => VenueReport): VenueReport => {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'unreadable', detail: error.message };
    throw error;
  }
};

const factOf = (value: JsonValue): VenueReport =>
  (isObject(value) ? readable(() => fact(value)) : { kind: 'unreadable', detail: 'a report that is not an object' });

const accountOf = (body: JsonObject, positions: readonly JsonValue[]): VenueReport => readable(() => {
  const report_sequence = body['report_sequence'];
  if (typeof report_sequence !== 'number' || !Number.isSafeInteger(report_sequence)) throw new Unreadable('report_sequence is missing');
  const account = textOf(body, 'account');
  const held = positions.map((position) => {
    if (!isObject(position)) throw new Unreadable('a position that is not an object');
    return { symbol: textOf(position, 'symbol'), qty: decimalOf(position, 'qty') };
  });
  return {
    kind: 'account_snapshot', account, time_ms: timeOf(body),
    snapshot: { account, currency: textOf(body, 'currency'), cash: decimalOf(body, 'cash'), positions: held, report_sequence },
  };
});

/**
 * Every shape in which the paper venue says something: a report of the stream, an answer with its reports, a query's orders with
 * theirs, "not found", an account. Total: what cannot be read is `unreadable`, once for each thing that cannot.
 */
export const interpret = (report: RawReport): readonly VenueReport[] => {
  const body: JsonValue = report.body;
  if (!isObject(body)) return [{ kind: 'unreadable', detail: 'a report that is not an object' }];
  const { reports, orders, positions } = body;
  if (isList(reports)) return reports.map(factOf);
  if (isList(orders)) {
    return orders.flatMap((order): readonly VenueReport[] =>
      (isObject(order) && isList(order['reports']) ? order['reports'].map(factOf) : [{ kind: 'unreadable', detail: 'an order without its reports' }]));
  }
  if (body['code'] === 'ORDER_NOT_FOUND') return [readable(() => ({ kind: 'not_found', client_order_id: textOf(body, 'client_order_id'), time_ms: timeOf(body) }))];
  if (isList(positions)) return [accountOf(body, positions)];
  return [factOf(body)];
};
