import type { IntentViewV1 } from '@tallystick/contracts';
import type { Leg } from '@tallystick/domain';
import type { ReadModelFile, Row } from '../store/database.ts';
import { heldAt, json, knownAt, optionalText, pageOfRows, text, Where, type At } from './at.ts';
import type { Paging } from './orders.ts';

export interface IntentFilters {
  readonly account?: string | undefined;
  readonly strategy?: string | undefined;
  readonly mode?: string | undefined;
  readonly status?: string | undefined;
}

const viewOf = (file: ReadModelFile, at: At) => (row: Row): IntentViewV1 => {
  const key = text(row, 'intent_key');
  const held = heldAt('s', at);
  const statuses = new Map(file.all(`SELECT o.order_id, s.status FROM orders o JOIN order_states s ON s.order_no = o.order_no WHERE o.intent_key = ? AND ${held.sql}`, key, ...held.values)
    .map((order) => [text(order, 'order_id'), text(order, 'status') as IntentViewV1['orders'][number]['status']]));
  const known = knownAt('position', at);
  const conflicts = file.get(`SELECT count(*) AS conflicts, max(position) AS newest FROM intent_conflicts WHERE intent_key = ? AND ${known.sql}`, key, ...known.values);
  const group = optionalText(row, 'risk_group');
  return {
    intent_key: key, status: text(row, 'outcome') === 'accepted' ? 'accepted' : 'refused', digest: text(row, 'digest'), request_id: text(row, 'request_id'),
    intent: json<IntentViewV1['intent']>(row, 'intent'), ...(group === undefined ? {} : { risk_group: group }),
    // An order that risk has not decided on has no stream yet.
    orders: json<Leg[]>(row, 'legs').map(({ leg, order_id }) => ({ leg, order_id, status: statuses.get(order_id) ?? 'NONE' })),
    refusals: json<IntentViewV1['refusals']>(row, 'refusals'), conflicts: Number(conflicts?.['conflicts'] ?? 0), recorded_at_ms: Number(row['recorded_at_ms']),
    updated_position: String(conflicts?.['newest'] ?? row['position']),
  };
};

export const listIntents = (file: ReadModelFile, filters: IntentFilters, paging: Paging, at: At): { readonly items: readonly IntentViewV1[]; readonly next?: string } => {
  const where = new Where().and(knownAt('position', at))
    .equal('account', filters.account).equal('strategy', filters.strategy).equal('mode', filters.mode).equal('outcome', filters.status);
  if (paging.before !== undefined) where.and({ sql: 'position < ?', values: [BigInt(paging.before)] });
  const rows = file.all(`SELECT * FROM intents WHERE ${where.sql} ORDER BY position DESC LIMIT ?`, ...where.values, paging.limit + 1);
  return pageOfRows(rows, paging.limit, 'position', viewOf(file, at));
};

export const findIntent = (file: ReadModelFile, intentKey: string, at: At): IntentViewV1 | undefined => {
  const known = knownAt('position', at);
  const row = file.get(`SELECT * FROM intents WHERE intent_key = ? AND ${known.sql}`, intentKey, ...known.values);
  return row ? viewOf(file, at)(row) : undefined;
};
