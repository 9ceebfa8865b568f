import type { AnomalyViewV1, RefusalViewV1 } from '@tallystick/contracts';
import type { InstanceBody } from '../project/references.ts';
import type { ReadModelFile, Row } from '../store/database.ts';
import { heldAt, json, knownAt, optionalText, pageOfRows, text, Where, type At } from './at.ts';
import { present, type Paging } from './orders.ts';

export interface FindingFilters {
  readonly account?: string | undefined;
  readonly code?: string | undefined;
  readonly order_id?: string | undefined;
}

const refusalView = (row: Row): RefusalViewV1 => ({
  position: text(row, 'position'), stage: text(row, 'stage') as RefusalViewV1['stage'], code: text(row, 'code'), detail: text(row, 'detail'), recorded_at_ms: Number(row['recorded_at_ms']),
  ...present({
    scope: optionalText(row, 'scope'), account: optionalText(row, 'account'), strategy: optionalText(row, 'strategy'), symbol: optionalText(row, 'symbol'),
    order_id: optionalText(row, 'order_id'), intent_key: optionalText(row, 'intent_key'), limit: optionalText(row, 'limit_value'), observed: optionalText(row, 'observed'),
  }),
});

const anomalyView = (row: Row): AnomalyViewV1 => ({
  position: text(row, 'position'), source: text(row, 'source') as AnomalyViewV1['source'], kind: text(row, 'kind'), detail: text(row, 'detail'), stream: text(row, 'stream'),
  revision: Number(row['revision']), recorded_at_ms: Number(row['recorded_at_ms']),
  ...present({ account: optionalText(row, 'account'), order_id: optionalText(row, 'order_id') }),
});

/** Newest first; the parts of one refusal in their order. A page ends between events, never within one. */
export const listRefusals = (file: ReadModelFile, filters: FindingFilters, paging: Paging, at: At): { readonly items: readonly RefusalViewV1[]; readonly next?: string } => {
  const where = new Where().and(knownAt('position', at)).equal('account', filters.account).equal('code', filters.code).equal('order_id', filters.order_id);
  if (paging.before !== undefined) where.and({ sql: 'position < ?', values: [BigInt(paging.before)] });
  const events = file.all(`SELECT DISTINCT position FROM refusals WHERE ${where.sql} ORDER BY position DESC LIMIT ?`, ...where.values, paging.limit + 1);
  const page = pageOfRows(events, paging.limit, 'position', (row) => row);
  const parts = new Where().equal('account', filters.account).equal('code', filters.code).equal('order_id', filters.order_id).and({ sql: 'position = ?', values: [] });
  const items = page.items.flatMap((row) => file.all(`SELECT * FROM refusals WHERE ${parts.sql} ORDER BY part`, ...parts.values, BigInt(row['position'] ?? 0)).map(refusalView));
  return { items, ...(page.next === undefined ? {} : { next: page.next }) };
};

export const listAnomalies = (file: ReadModelFile, filters: FindingFilters, paging: Paging, at: At): { readonly items: readonly AnomalyViewV1[]; readonly next?: string } => {
  const where = new Where().and(knownAt('position', at)).equal('account', filters.account).equal('kind', filters.code).equal('order_id', filters.order_id);
  if (paging.before !== undefined) where.and({ sql: 'position < ?', values: [BigInt(paging.before)] });
  const rows = file.all(`SELECT * FROM anomalies WHERE ${where.sql} ORDER BY position DESC LIMIT ?`, ...where.values, paging.limit + 1);
  return pageOfRows(rows, paging.limit, 'position', anomalyView);
};

const counted = (rows: readonly Row[], name: string): Readonly<Record<string, number>> => Object.fromEntries(rows.map((row) => [text(row, name), Number(row['found'])]));

/** How often each code refused something. */
export const refusalsByCode = (file: ReadModelFile, at: At): Readonly<Record<string, number>> => {
  const known = knownAt('position', at);
  return counted(file.all(`SELECT code, count(*) AS found FROM refusals WHERE ${known.sql} GROUP BY code ORDER BY code`, ...known.values), 'code');
};

export const anomaliesByKind = (file: ReadModelFile, at: At): Readonly<Record<string, number>> => {
  const known = knownAt('position', at);
  return counted(file.all(`SELECT kind, count(*) AS found FROM anomalies WHERE ${known.sql} GROUP BY kind ORDER BY kind`, ...known.values), 'kind');
};

export const instancesAt = (file: ReadModelFile, at: At): readonly InstanceBody[] => {
  const held = heldAt('i', at);
  return file.all(`SELECT body FROM instances i WHERE ${held.sql} ORDER BY i.instance_id`, ...held.values).map((row) => json<InstanceBody>(row, 'body'));
};

export interface FillTotals {
  readonly trades: number;
  readonly busted: number;
}

/** Of the newest state only. */
export const fillTotals = (file: ReadModelFile): FillTotals => {
  const row = file.get('SELECT count(*) AS trades, coalesce(sum(busted), 0) AS busted FROM trades');
  return { trades: Number(row?.['trades'] ?? 0), busted: Number(row?.['busted'] ?? 0) };
};
