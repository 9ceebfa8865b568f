import type { ReadModelFile, Row, SqlValue } from '../store/database.ts';

/** The state a question is about: `undefined` is the newest, otherwise as of that log position. */
export type At = bigint | undefined;

/** SQL that is true for the version of `alias` that held at `at`. */
export const heldAt = (alias: string, at: At): { readonly sql: string; readonly values: readonly SqlValue[] } =>
  at === undefined
    ? { sql: `${alias}.valid_to IS NULL`, values: [] }
    : { sql: `${alias}.valid_from <= ? AND (${alias}.valid_to IS NULL OR ${alias}.valid_to > ?)`, values: [at, at] };

/** SQL that is true for immutable rows known at `at`. */
export const knownAt = (column: string, at: At): { readonly sql: string; readonly values: readonly SqlValue[] } =>
  at === undefined ? { sql: '1', values: [] } : { sql: `${column} <= ?`, values: [at] };

/** Conditions joined by AND, with their values in order. */
export class Where {
  private readonly parts: string[] = [];
  readonly values: SqlValue[] = [];

  and(condition: { readonly sql: string; readonly values: readonly SqlValue[] }): this {
    this.parts.push(condition.sql);
    this.values.push(...condition.values);
    return this;
  }

  equal(column: string, value: string | undefined): this {
    return value === undefined ? this : this.and({ sql: `${column} = ?`, values: [value] });
  }

  get sql(): string {
    return this.parts.length === 0 ? '1' : this.parts.join(' AND ');
  }
}

/** The newest position whose event had been recorded by `timeMs` (process time, UTC); the checkpoint where nothing is newer, -1 before the first. */
export const positionAtTime = (file: ReadModelFile, timeMs: number): bigint => {
  const later = file.get('SELECT position FROM log_times WHERE recorded_at_ms > ? ORDER BY recorded_at_ms LIMIT 1', timeMs);
  return later ? BigInt(later['position'] ?? 0) - 1n : file.position();
};

export const text = (row: Row, column: string): string => String(row[column] ?? '');
export const optionalText = (row: Row, column: string): string | undefined => {
  const value = row[column];
  return value === null || value === undefined ? undefined : String(value);
};
export const json = <T>(row: Row, column: string): T => JSON.parse(String(row[column])) as T;

/** A page of rows that are ordered by a number falling, and the cursor of the next. One row more than the limit was asked for. */
export const pageOfRows = <T>(rows: readonly Row[], limit: number, numberColumn: string, view: (row: Row) => T): { readonly items: readonly T[]; readonly next?: string } => {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(view), ...(rows.length > limit && last ? { next: cursorOf(text(last, numberColumn)) } : {}) };
};

export const cursorOf = (value: string): string => Buffer.from(JSON.stringify({ v: 1, after: value })).toString('base64url');

/** What a cursor points after; `undefined` for text that is no cursor of ours. */
export const readCursor = (cursor: string): string | undefined => {
  try {
    const value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as { readonly v?: unknown; readonly after?: unknown };
    return value.v === 1 && typeof value.after === 'string' ? value.after : undefined;
  } catch {
    return undefined;
  }
};
