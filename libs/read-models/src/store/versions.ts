import type { ReadModelFile, SqlValue } from './database.ts';

/** Writes versions of one table: closes the open one of a key and opens the next. */
export interface Versions {
  put(position: bigint, key: readonly SqlValue[], values: readonly SqlValue[]): void;
  /** From `position` on there is no such row. */
  end(position: bigint, key: readonly SqlValue[]): void;
}

export const versionsOf = (file: ReadModelFile, table: string, keyColumns: readonly string[], valueColumns: readonly string[]): Versions => {
  const where = keyColumns.map((column) => `${column} = ?`).join(' AND ');
  const close = `UPDATE ${table} SET valid_to = ? WHERE ${where} AND valid_to IS NULL`;
  const columns = [...keyColumns, 'valid_from', ...valueColumns];
  const open = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
  return {
    put: (position, key, values) => {
      file.run(close, position, ...key);
      file.run(open, ...key, position, ...values);
    },
    end: (position, key) => file.run(close, position, ...key),
  };
};
