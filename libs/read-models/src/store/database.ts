import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { CREATE_ALL, SCHEMA_VERSION } from './schema.ts';

export type SqlValue = SQLInputValue;
export type Row = Readonly<Record<string, string | number | null>>;

/** Before the first event. */
export const NOWHERE = -1n;

/** One file (or `:memory:`). Statements are prepared once; everything is synchronous, so a query sees one committed state. */
export class ReadModelFile {
  private readonly statements = new Map<string, StatementSync>();

  private constructor(
    private readonly db: DatabaseSync,
    readonly path: string,
  ) {}

  /** Opens for folding; a file of another schema version, or one that is not a read model, is thrown away: the log has it all. */
  static openToFold(path: string): ReadModelFile {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    const file = ReadModelFile.tryOpen(path);
    if (file) return file;
    removeFile(path);
    return ReadModelFile.create(path);
  }

  /** Opens an existing file for reading only; throws when it is missing, of another version or not a read model. */
  static openToRead(path: string): ReadModelFile {
    const db = new DatabaseSync(path, { readOnly: true });
    const file = new ReadModelFile(db, path);
    try {
      const version = file.version();
      if (version !== SCHEMA_VERSION) throw new Error(`its schema version is ${version ?? 'unknown'}, this build reads ${SCHEMA_VERSION}`);
      return file;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  private static tryOpen(path: string): ReadModelFile | undefined {
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(path);
      const file = new ReadModelFile(db, path);
      if (file.version() === SCHEMA_VERSION) {
        file.configure();
        return file;
      }
      db.close();
    } catch {
      // Damaged, or no database at all: derived data, so it is replaced and not repaired.
      if (db?.isOpen === true) db.close();
    }
    return undefined;
  }

  private static create(path: string): ReadModelFile {
    const file = new ReadModelFile(new DatabaseSync(path), path);
    file.configure();
    file.db.exec('BEGIN');
    file.db.exec(CREATE_ALL);
    file.run('INSERT INTO meta VALUES (?, ?)', 'schema_version', String(SCHEMA_VERSION));
    file.run('INSERT INTO checkpoint VALUES (1, ?, 0)', NOWHERE);
    file.db.exec('COMMIT');
    return file;
  }

  private configure(): void {
    // NORMAL: after a power cut the last transactions may be gone, rows and checkpoint together; they are folded again.
    this.db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;');
  }

  private version(): number | undefined {
    const known = this.get("SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'meta'");
    const row = known ? this.get("SELECT value FROM meta WHERE key = 'schema_version'") : undefined;
    return row ? Number(row['value']) : undefined;
  }

  private statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.db.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  run(sql: string, ...values: readonly SqlValue[]): void {
    this.statement(sql).run(...values);
  }

  get(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    return this.statement(sql).get(...values) as Row | undefined;
  }

  all(sql: string, ...values: readonly SqlValue[]): readonly Row[] {
    return this.statement(sql).all(...values) as unknown as readonly Row[];
  }

  iterate(sql: string, ...values: readonly SqlValue[]): Iterable<Row> {
    return this.statement(sql).iterate(...values) as unknown as Iterable<Row>;
  }

  /** All or nothing. */
  transaction<T>(work: () => T): T {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      this.db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Everything read inside is of one commit, whatever another process writes meanwhile. */
  async snapshotWhile<T>(work: () => Promise<T>): Promise<T> {
    this.db.exec('BEGIN');
    try {
      return await work();
    } finally {
      this.db.exec('COMMIT');
    }
  }

  /** Everything in the log up to here is in the tables; NOWHERE when nothing is. */
  position(): bigint {
    return BigInt(this.get('SELECT position FROM checkpoint')?.['position'] ?? NOWHERE);
  }

  events(): number {
    return Number(this.get('SELECT events FROM checkpoint')?.['events'] ?? 0);
  }

  meta(key: string): string | undefined {
    const row = this.get('SELECT value FROM meta WHERE key = ?', key);
    return row ? String(row['value']) : undefined;
  }

  setMeta(key: string, value: string): void {
    this.run('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', key, value);
  }

  close(): void {
    if (this.db.isOpen) this.db.close();
  }
}

/** A read model is disposable: file, write-ahead log and shared memory. */
export const removeFile = (path: string): void => {
  if (path === ':memory:') return;
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
};
