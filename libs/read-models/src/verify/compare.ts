import { createHash } from 'node:crypto';
import type { ReadModelFile, Row } from '../store/database.ts';
import { TABLES, type TableDefinition } from '../store/schema.ts';

export interface TableComparison {
  readonly table: string;
  readonly rows: number;
  /** sha256 over the rows in the order of their key, of the live table and of the rebuilt one. */
  readonly live_sha256: string;
  readonly rebuilt_sha256: string;
}

export interface Difference {
  readonly table: string;
  /** The first row that differs, as it stands on each side; absent where that side has no such row. */
  readonly live?: string;
  readonly rebuilt?: string;
}

const rowText = (row: Row): string => JSON.stringify(row);

const rowsOf = (file: ReadModelFile, { name, key }: TableDefinition): Iterator<Row> => file.iterate(`SELECT * FROM ${name} ORDER BY ${key.join(', ')}`)[Symbol.iterator]();

const next = (rows: Iterator<Row>): string | undefined => {
  const { done, value } = rows.next();
  return done === true ? undefined : rowText(value as Row);
};

const compareTable = (table: TableDefinition, live: ReadModelFile, rebuilt: ReadModelFile): { readonly comparison: TableComparison; readonly difference?: Difference } => {
  const ofLive = rowsOf(live, table);
  const ofRebuilt = rowsOf(rebuilt, table);
  const liveHash = createHash('sha256');
  const rebuiltHash = createHash('sha256');
  let rows = 0;
  let difference: Difference | undefined;
  for (;;) {
    const a = next(ofLive);
    const b = next(ofRebuilt);
    if (a === undefined && b === undefined) break;
    if (a !== b) difference ??= { table: table.name, ...(a === undefined ? {} : { live: a }), ...(b === undefined ? {} : { rebuilt: b }) };
    if (a !== undefined) {
      liveHash.update(`${a}\n`);
      rows += 1;
    }
    if (b !== undefined) rebuiltHash.update(`${b}\n`);
  }
  const comparison = { table: table.name, rows, live_sha256: liveHash.digest('hex'), rebuilt_sha256: rebuiltHash.digest('hex') };
  return difference ? { comparison, difference } : { comparison };
};

/** Every table, byte for byte. */
export const compareFiles = (live: ReadModelFile, rebuilt: ReadModelFile): { readonly tables: readonly TableComparison[]; readonly first?: Difference } => {
  const results = TABLES.map((table) => compareTable(table, live, rebuilt));
  const first = results.find(({ difference }) => difference)?.difference;
  return { tables: results.map(({ comparison }) => comparison), ...(first ? { first } : {}) };
};
