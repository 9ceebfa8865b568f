import type { AccountViewV1, AnomalyViewV1, IntentViewV1, OrderViewV1, PositionViewV1, RefusalViewV1, TimelineEntryV1 } from '@tallystick/contracts';
import type { KillOrder, KillState, PolicyActivation } from '@tallystick/domain';
import type { MarketData } from '@tallystick/ports';
import type { InstanceBody } from '../project/references.ts';
import type { ReadModelFile } from '../store/database.ts';
import { accountsAt, policiesAt } from './accounts.ts';
import { cursorOf, positionAtTime, readCursor, type At } from './at.ts';
import {
  anomaliesByKind, fillTotals, instancesAt, listAnomalies, listRefusals, refusalsByCode, type FillTotals, type FindingFilters,
} from './findings.ts';
import { findIntent, listIntents, type IntentFilters } from './intents.ts';
import { engagedKills, killAt, ordersOfKill, type KillRecord } from './kills.ts';
import { marksAt } from './marks.ts';
import { findOrder, listOrders, orderTimeline, ordersByStatus, riskGroupOfOrder, type OrderFilters } from './orders.ts';
import { listPositions, type PositionFilters } from './positions.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export type BadCursor = { readonly ok: false; readonly code: 'CURSOR_INVALID' };
export type Paged<T> = { readonly ok: true; readonly page: Page<T> } | BadCursor;

const BAD_CURSOR: BadCursor = { ok: false, code: 'CURSOR_INVALID' };
const NUMBER = /^\d{1,19}$/;

/**
 * What operators ask. Every answer is of one log position: the newest one folded, or `at`, an earlier one. Synchronous, so that an
 * answer and the position read beside it are of the same state.
 */
export class Queries {
  constructor(
    private readonly fileNow: () => ReadModelFile,
    private readonly market?: MarketData,
  ) {}

  private get file(): ReadModelFile {
    return this.fileNow();
  }

  /** Of the newest event folded; -1 before the first. */
  position(): bigint {
    return this.file.position();
  }

  /** Events folded since the file was made. */
  events(): number {
    return this.file.events();
  }

  /** The position that held at a process time, UTC. */
  positionAt(timeMs: number): bigint {
    return positionAtTime(this.file, timeMs);
  }

  intents(filters: IntentFilters, page: PageRequest, at?: At): Paged<IntentViewV1> {
    return this.numbered(page, (before) => listIntents(this.file, filters, { limit: page.limit, before }, at));
  }

  intent(intentKey: string, at?: At): IntentViewV1 | undefined {
    return findIntent(this.file, intentKey, at);
  }

  orders(filters: OrderFilters, page: PageRequest, at?: At): Paged<OrderViewV1> {
    return this.numbered(page, (before) => listOrders(this.file, filters, { limit: page.limit, before }, at));
  }

  order(orderId: string, at?: At): OrderViewV1 | undefined {
    return findOrder(this.file, orderId, at);
  }

  /** Its events as recorded, oldest first; `undefined` for an order nobody has heard of. */
  timeline(orderId: string, at?: At): readonly TimelineEntryV1[] | undefined {
    return orderTimeline(this.file, orderId, at);
  }

  riskGroupOfOrder(orderId: string): string | undefined {
    return riskGroupOfOrder(this.file, orderId);
  }

  /** By account, totals before strategies, symbol. */
  positions(filters: PositionFilters, page: PageRequest, at?: At): Paged<PositionViewV1> {
    const after = page.cursor === undefined ? undefined : readKeys(page.cursor, 3);
    if (page.cursor !== undefined && after === undefined) return BAD_CURSOR;
    return { ok: true, page: listPositions(this.file, marksAt(this.file, this.market, at), filters, { limit: page.limit, after }, at) };
  }

  /** By account. */
  accounts(filters: { readonly mode?: string | undefined }, page: PageRequest, at?: At): Paged<AccountViewV1> {
    const after = page.cursor === undefined ? '' : readCursor(page.cursor);
    if (after === undefined) return BAD_CURSOR;
    const all = accountsAt(this.file, marksAt(this.file, this.market, at), filters, at).filter(({ account }) => account > after);
    const items = all.slice(0, page.limit);
    const last = items.at(-1);
    return { ok: true, page: { items, ...(all.length > page.limit && last ? { next: cursorOf(last.account) } : {}) } };
  }

  account(account: string, at?: At): AccountViewV1 | undefined {
    return accountsAt(this.file, marksAt(this.file, this.market, at), { account }, at)[0];
  }

  refusals(filters: FindingFilters, page: PageRequest, at?: At): Paged<RefusalViewV1> {
    return this.numbered(page, (before) => listRefusals(this.file, filters, { limit: page.limit, before }, at));
  }

  anomalies(filters: FindingFilters, page: PageRequest, at?: At): Paged<AnomalyViewV1> {
    return this.numbered(page, (before) => listAnomalies(this.file, filters, { limit: page.limit, before }, at));
  }

  ordersByStatus(at?: At): Readonly<Record<string, number>> {
    return ordersByStatus(this.file, at);
  }

  refusalsByCode(at?: At): Readonly<Record<string, number>> {
    return refusalsByCode(this.file, at);
  }

  anomaliesByKind(at?: At): Readonly<Record<string, number>> {
    return anomaliesByKind(this.file, at);
  }

  fillTotals(): FillTotals {
    return fillTotals(this.file);
  }

  policies(at?: At): readonly PolicyActivation[] {
    return policiesAt(this.file, at);
  }

  kill(at?: At): KillState {
    return killAt(this.file, at);
  }

  /** What is engaged now, and who holds it. */
  kills(): readonly KillRecord[] {
    return engagedKills(this.file);
  }

  /** Orders of a scope that are open now or, with `since`, were open at that position. */
  killOrders(scope: string, since?: bigint): readonly KillOrder[] {
    return ordersOfKill(this.file, scope, since);
  }

  instances(at?: At): readonly InstanceBody[] {
    return instancesAt(this.file, at);
  }

  private numbered<T>({ cursor }: PageRequest, read: (before: string | undefined) => Page<T>): Paged<T> {
    const before = cursor === undefined ? undefined : readCursor(cursor);
    if (cursor !== undefined && (before === undefined || !NUMBER.test(before))) return BAD_CURSOR;
    return { ok: true, page: read(before) };
  }
}

const readKeys = (cursor: string, count: number): readonly string[] | undefined => {
  const inner = readCursor(cursor);
  if (inner === undefined) return undefined;
  try {
    const keys: unknown = JSON.parse(inner);
    return Array.isArray(keys) && keys.length === count && keys.every((key) => typeof key === 'string') ? keys : undefined;
  } catch {
    return undefined;
  }
};
