import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { messageOf } from '../../errors.ts';
import type { ClientIdUse, Outcome, PaperAccount, PaperOrder, PaperReport } from '../engine/index.ts';

export type VenueErrorCode =
  /** Another process holds the data directory. */
  | 'VENUE_DATA_LOCKED'
  | 'VENUE_DATA_UNREADABLE'
  /** The book in the data directory belongs to another market. */
  | 'VENUE_MARKET_CHANGED';

/** Operating error of the paper venue; tell it by `code`. */
export class VenueError extends Error {
  readonly code: VenueErrorCode;
  constructor(code: VenueErrorCode, message: string) {
    super(message);
    this.name = 'VenueError';
    this.code = code;
  }
}

/** A request that reached the book, whatever became of it: what the oracle counts. */
export interface LoggedRequest {
  readonly kind: 'place' | 'cancel';
  readonly account: string;
  readonly client_order_id: string;
  /** Code of its refusal; empty when it was taken. */
  readonly code: string;
}

export interface MarketPosition {
  readonly sequence: number;
  readonly time_ms: number;
}

/** What has been taken of a symbol's sizes since its quote was stated at `restated_sequence`. */
export interface TakenSizes {
  readonly symbol: string;
  readonly restated_sequence: number;
  readonly taken_bid: string;
  readonly taken_ask: string;
}

export interface StoredBook {
  readonly position: MarketPosition | undefined;
  readonly accounts: readonly PaperAccount[];
  readonly open: readonly PaperOrder[];
  readonly client_ids: readonly (readonly [string, ClientIdUse])[];
  readonly arrivals: number;
  readonly taken: readonly TakenSizes[];
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS orders (
    venue_order_id TEXT PRIMARY KEY, account TEXT NOT NULL, client_order_id TEXT NOT NULL, status TEXT NOT NULL, arrival INTEGER NOT NULL, body TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS orders_by_client_id ON orders (account, client_order_id);
  CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS reports (
    account TEXT NOT NULL, sequence INTEGER NOT NULL, venue_order_id TEXT, type TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (account, sequence)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS reports_by_order ON reports (venue_order_id);
  CREATE TABLE IF NOT EXISTS taken (symbol TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS requests (
    n INTEGER PRIMARY KEY, kind TEXT NOT NULL, account TEXT NOT NULL, client_order_id TEXT NOT NULL, code TEXT NOT NULL
  );
`;

const isBusy = (error: unknown): boolean => /locked|busy/i.test(messageOf(error));

const openDatabase = (dir: string): DatabaseSync => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, 'venue.sqlite');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    // Exclusive: one process owns the book, and a killed one lets go of it by itself. NORMAL: a commit outlives the process, not the machine.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) throw new VenueError('VENUE_DATA_LOCKED', `${dir}: another paper venue is using it; stop that one or name another directory`);
    throw new VenueError('VENUE_DATA_UNREADABLE', `${file}: ${messageOf(error)}`);
  }
};

type Row = Record<string, unknown>;
const bodyOf = <T>(row: Row): T => JSON.parse(String(row['body'])) as T;

interface AccountRow extends Omit<PaperAccount, 'positions'> {
  readonly positions: readonly (readonly [string, string])[];
}

/** The book on disk. What `commit` was given is there after a kill of the process, all of it or none. */
export class BookStore {
  private readonly database: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();

  /** Throws VenueError VENUE_DATA_LOCKED or VENUE_DATA_UNREADABLE. */
  constructor(dir: string) {
    this.database = openDatabase(dir);
  }

  /** Binds the book to one market at first use. Throws VENUE_MARKET_CHANGED when it belongs to another. */
  bindTo(market: string): void {
    const known = this.meta('market');
    if (known !== undefined && known !== market) {
      throw new VenueError('VENUE_MARKET_CHANGED', `this book was kept against ${known}, not ${market}; use another data directory, or start afresh`);
    }
    if (known === undefined) this.setMeta('market', market);
  }

  load(): StoredBook {
    const position = this.meta('position');
    return {
      position: position === undefined ? undefined : (JSON.parse(position) as MarketPosition),
      accounts: this.all('SELECT body FROM accounts').map((row) => {
        const account = bodyOf<AccountRow>(row);
        return { ...account, positions: new Map(account.positions) };
      }),
      open: this.all("SELECT body FROM orders WHERE status = 'working'").map((row) => bodyOf<PaperOrder>(row)),
      client_ids: this.all('SELECT account, client_order_id, count(*) AS orders FROM orders GROUP BY account, client_order_id')
        .map((row) => [`${String(row['account'])}\n${String(row['client_order_id'])}`, { orders: Number(row['orders']) }] as const),
      arrivals: Number(this.all('SELECT coalesce(max(arrival), 0) AS arrivals FROM orders')[0]?.['arrivals'] ?? 0),
      taken: this.all('SELECT body FROM taken').map((row) => bodyOf<TakenSizes>(row)),
    };
  }

  /** One transaction: the outcome's facts, the market's position and the request, if one led to it. */
  commit(outcome: Outcome | undefined, position: MarketPosition, request?: LoggedRequest): void {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      if (outcome) this.write(outcome);
      this.setMeta('position', JSON.stringify(position));
      if (request) {
        this.run('INSERT INTO requests (kind, account, client_order_id, code) VALUES (?, ?, ?, ?)', request.kind, request.account, request.client_order_id, request.code);
      }
      this.database.exec('COMMIT');
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  reportsAfter(account: string, after: number, limit: number): readonly PaperReport[] {
    return this.all('SELECT body FROM reports WHERE account = ? AND sequence > ? ORDER BY sequence LIMIT ?', account, after, limit).map((row) => bodyOf<PaperReport>(row));
  }

  ordersOf(account: string, clientOrderId: string): readonly PaperOrder[] {
    return this.all('SELECT body FROM orders WHERE account = ? AND client_order_id = ? ORDER BY arrival', account, clientOrderId).map((row) => bodyOf<PaperOrder>(row));
  }

  reportsOf(venueOrderId: string): readonly PaperReport[] {
    return this.all('SELECT body FROM reports WHERE venue_order_id = ? ORDER BY sequence', venueOrderId).map((row) => bodyOf<PaperReport>(row));
  }

  /** Every order ever, by arrival; of one account or of all. */
  orders(account: string | undefined): readonly PaperOrder[] {
    return this.all('SELECT body FROM orders WHERE ? IS NULL OR account = ? ORDER BY arrival', account ?? null, account ?? null).map((row) => bodyOf<PaperOrder>(row));
  }

  executions(account: string | undefined): readonly PaperReport[] {
    return this.all("SELECT body FROM reports WHERE type = 'filled' AND (? IS NULL OR account = ?) ORDER BY account, sequence", account ?? null, account ?? null)
      .map((row) => bodyOf<PaperReport>(row));
  }

  /** How many requests came per client order id, refused ones included. */
  requestCounts(account: string | undefined): readonly { readonly account: string; readonly client_order_id: string; readonly kind: string; readonly count: number }[] {
    return this.all('SELECT account, client_order_id, kind, count(*) AS count FROM requests WHERE ? IS NULL OR account = ? GROUP BY account, client_order_id, kind ORDER BY min(n)',
      account ?? null, account ?? null)
      .map((row) => ({ account: String(row['account']), client_order_id: String(row['client_order_id']), kind: String(row['kind']), count: Number(row['count']) }));
  }

  close(): void {
    this.statements.clear();
    this.database.close();
  }

  private write(outcome: Outcome): void {
    for (const order of outcome.orders) {
      this.run('INSERT OR REPLACE INTO orders (venue_order_id, account, client_order_id, status, arrival, body) VALUES (?, ?, ?, ?, ?, ?)',
        order.venue_order_id, order.account, order.client_order_id, order.status, order.arrival, JSON.stringify(order));
    }
    for (const name of outcome.accounts) {
      const account = outcome.book.accounts.get(name);
      if (account) this.run('INSERT OR REPLACE INTO accounts (account, body) VALUES (?, ?)', name, JSON.stringify({ ...account, positions: [...account.positions] }));
    }
    for (const report of outcome.reports) {
      this.run('INSERT INTO reports (account, sequence, venue_order_id, type, body) VALUES (?, ?, ?, ?, ?)',
        report.account, report.sequence, report.venue_order_id ?? null, report.type, JSON.stringify(report));
    }
    for (const symbol of outcome.levels) {
      const level = outcome.book.levels.get(symbol);
      if (!level) continue;
      const { restated_sequence, taken_bid, taken_ask } = level;
      this.run('INSERT OR REPLACE INTO taken (symbol, body) VALUES (?, ?)', symbol, JSON.stringify({ symbol, restated_sequence, taken_bid, taken_ask }));
    }
  }

  private meta(key: string): string | undefined {
    const value = this.all('SELECT value FROM meta WHERE key = ?', key)[0]?.['value'];
    return value === undefined ? undefined : String(value);
  }

  private setMeta(key: string, value: string): void {
    this.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', key, value);
  }

  private prepared(sql: string): StatementSync {
    const known = this.statements.get(sql);
    if (known) return known;
    const made = this.database.prepare(sql);
    this.statements.set(sql, made);
    return made;
  }

  private run(sql: string, ...values: (string | number | null)[]): void {
    this.prepared(sql).run(...values);
  }

  private all(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.prepared(sql).all(...values) as Row[];
  }
}
