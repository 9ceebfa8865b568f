/**
 * The tables of a read model. Three kinds, so that `asOf` is a query:
 * - immutable rows keyed by the log position of the event that made them: as of P are those with a position up to P;
 * - versions (`valid_from`, `valid_to`): as of P is the one with valid_from <= P < valid_to, open while `valid_to` is null;
 * - working rows the fold itself needs (reservations, trades), of the newest position only.
 * Positions fit SQLite's signed 64 bits; values above 2^53 are refused when read, which is a log of 9 petabytes.
 */

/** Raised with every change of a table or of what is written into it: a file of another version is thrown away and folded again. */
export const SCHEMA_VERSION = 2;

export interface TableDefinition {
  readonly name: string;
  readonly columns: string;
  /** Columns that identify a row, the order in which tables are compared. */
  readonly key: readonly string[];
  /** Without the versions' own columns; set for versioned tables. */
  readonly versionedBy?: readonly string[];
  readonly indexes?: readonly string[];
}

const VERSION = 'valid_from INTEGER NOT NULL, valid_to INTEGER';

export const TABLES: readonly TableDefinition[] = [
  { name: 'log_times', key: ['position'], columns: 'position INTEGER PRIMARY KEY, recorded_at_ms INTEGER NOT NULL', indexes: ['recorded_at_ms'] },
  {
    name: 'intents', key: ['position'], indexes: ['account, position', 'strategy, position'],
    columns: `position INTEGER PRIMARY KEY, intent_key TEXT NOT NULL UNIQUE, outcome TEXT NOT NULL, request_id TEXT NOT NULL, digest TEXT NOT NULL,
      strategy TEXT NOT NULL, account TEXT NOT NULL, mode TEXT NOT NULL, risk_group TEXT, recorded_at_ms INTEGER NOT NULL, intent TEXT NOT NULL,
      legs TEXT NOT NULL, refusals TEXT NOT NULL`,
  },
  {
    name: 'intent_conflicts', key: ['position'], indexes: ['intent_key'],
    columns: 'position INTEGER PRIMARY KEY, intent_key TEXT NOT NULL, digest TEXT NOT NULL, request_id TEXT NOT NULL, recorded_at_ms INTEGER NOT NULL',
  },
  {
    name: 'orders', key: ['order_no'], indexes: ['account, order_no', 'strategy, order_no', 'symbol, order_no', 'intent_key'],
    columns: `order_no INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, intent_key TEXT, account TEXT, strategy TEXT, symbol TEXT, mode TEXT,
      created_at_ms INTEGER NOT NULL, decided_at_ms INTEGER, risk_group TEXT, denial_codes TEXT, terms TEXT`,
  },
  {
    name: 'order_states', key: ['order_no', 'valid_from'], versionedBy: ['order_no'],
    indexes: ['status, order_no'],
    columns: `order_no INTEGER NOT NULL, ${VERSION}, status TEXT NOT NULL, cum_qty TEXT NOT NULL, leaves_qty TEXT NOT NULL, avg_price TEXT,
      fees TEXT NOT NULL, fills INTEGER NOT NULL, anomalies INTEGER NOT NULL, venue_order_id TEXT, client_order_id TEXT, cancel TEXT, doubt TEXT,
      reason_code TEXT, reason TEXT, updated_at_ms INTEGER NOT NULL`,
  },
  {
    name: 'order_events', key: ['position'], indexes: ['order_no'],
    columns: `position INTEGER PRIMARY KEY, order_no INTEGER NOT NULL, revision INTEGER NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL,
      recorded_at_ms INTEGER NOT NULL, data TEXT NOT NULL, metadata TEXT NOT NULL`,
  },
  {
    name: 'trades', key: ['trade_no'], indexes: ['account, symbol, strategy'],
    columns: `trade_no INTEGER PRIMARY KEY, order_no INTEGER NOT NULL, exec_id TEXT NOT NULL, account TEXT NOT NULL, strategy TEXT NOT NULL,
      symbol TEXT NOT NULL, side TEXT NOT NULL, qty TEXT NOT NULL, price TEXT NOT NULL, fee TEXT NOT NULL, busted INTEGER NOT NULL,
      UNIQUE (order_no, exec_id)`,
  },
  {
    name: 'positions', key: ['account', 'strategy', 'symbol', 'valid_from'], versionedBy: ['account', 'strategy', 'symbol'],
    columns: `account TEXT NOT NULL, strategy TEXT NOT NULL, symbol TEXT NOT NULL, ${VERSION}, qty TEXT NOT NULL, cost TEXT NOT NULL, avg_price TEXT NOT NULL,
      realised_pnl TEXT NOT NULL, fees TEXT NOT NULL, currency TEXT NOT NULL, mode TEXT NOT NULL, trades INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL`,
  },
  {
    name: 'risk_books', key: ['risk_group', 'account', 'strategy', 'symbol', 'valid_from'], versionedBy: ['risk_group', 'account', 'strategy', 'symbol'],
    columns: `risk_group TEXT NOT NULL, account TEXT NOT NULL, strategy TEXT NOT NULL, symbol TEXT NOT NULL, ${VERSION}, qty TEXT NOT NULL,
      open_buys TEXT NOT NULL, open_sells TEXT NOT NULL, filled_notional TEXT NOT NULL`,
  },
  {
    name: 'risk_cash', key: ['risk_group', 'account', 'valid_from'], versionedBy: ['risk_group', 'account'],
    columns: `risk_group TEXT NOT NULL, account TEXT NOT NULL, ${VERSION}, cash TEXT NOT NULL`,
  },
  {
    name: 'marks', key: ['symbol', 'valid_from'], versionedBy: ['symbol'],
    columns: `symbol TEXT NOT NULL, ${VERSION}, bid TEXT, ask TEXT, time_ms INTEGER NOT NULL, sequence INTEGER NOT NULL, source TEXT NOT NULL`,
  },
  {
    name: 'risk_days', key: ['position'], indexes: ['risk_group, position'],
    columns: 'position INTEGER PRIMARY KEY, risk_group TEXT NOT NULL, trading_day TEXT NOT NULL, closed INTEGER NOT NULL',
  },
  {
    name: 'reservations', key: ['order_id'],
    columns: `order_id TEXT PRIMARY KEY, risk_group TEXT NOT NULL, account TEXT NOT NULL, strategy TEXT NOT NULL, symbol TEXT NOT NULL,
      side TEXT NOT NULL, leaves_qty TEXT NOT NULL, worst_price TEXT NOT NULL`,
  },
  {
    name: 'decisions', key: ['position'], indexes: ['risk_group, trading_day', 'business_time_ms'],
    columns: `position INTEGER PRIMARY KEY, order_id TEXT NOT NULL, risk_group TEXT NOT NULL, trading_day TEXT NOT NULL, outcome TEXT NOT NULL,
      account TEXT NOT NULL, strategy TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, business_time_ms INTEGER NOT NULL`,
  },
  {
    name: 'refusals', key: ['position', 'part'], indexes: ['code, position'],
    columns: `position INTEGER NOT NULL, part INTEGER NOT NULL, stage TEXT NOT NULL, code TEXT NOT NULL, scope TEXT, account TEXT, strategy TEXT,
      symbol TEXT, order_id TEXT, intent_key TEXT, detail TEXT NOT NULL, limit_value TEXT, observed TEXT, recorded_at_ms INTEGER NOT NULL,
      PRIMARY KEY (position, part)`,
  },
  {
    name: 'anomalies', key: ['position'], indexes: ['kind, position'],
    columns: `position INTEGER PRIMARY KEY, source TEXT NOT NULL, kind TEXT NOT NULL, account TEXT, order_id TEXT, stream TEXT NOT NULL,
      revision INTEGER NOT NULL, detail TEXT NOT NULL, report TEXT, recorded_at_ms INTEGER NOT NULL`,
  },
  {
    name: 'policies', key: ['position'], indexes: ['name, position'],
    columns: `position INTEGER PRIMARY KEY, name TEXT NOT NULL, sequence INTEGER NOT NULL, policy_hash TEXT NOT NULL, activation TEXT NOT NULL,
      recorded_at_ms INTEGER NOT NULL`,
  },
  {
    name: 'instruments', key: ['position'], indexes: ['symbol, position'],
    columns: 'position INTEGER PRIMARY KEY, venue TEXT NOT NULL, symbol TEXT NOT NULL, listed INTEGER NOT NULL, body TEXT NOT NULL',
  },
  {
    name: 'rates', key: ['position'],
    columns: 'position INTEGER PRIMARY KEY, base TEXT NOT NULL, currency TEXT NOT NULL, rate TEXT NOT NULL, time_ms INTEGER NOT NULL, source TEXT NOT NULL',
  },
  {
    name: 'reconciliations', key: ['position'], indexes: ['account, position'],
    columns: `position INTEGER PRIMARY KEY, account TEXT NOT NULL, currency TEXT NOT NULL, cash TEXT NOT NULL, positions TEXT NOT NULL,
      report_sequence INTEGER NOT NULL, venue_time_ms INTEGER NOT NULL, recorded_at_ms INTEGER NOT NULL`,
  },
  {
    name: 'instances', key: ['instance_id', 'valid_from'], versionedBy: ['instance_id'],
    columns: `instance_id TEXT NOT NULL, ${VERSION}, body TEXT NOT NULL`,
  },
  {
    name: 'kill_events', key: ['position'],
    columns: 'position INTEGER PRIMARY KEY, type TEXT NOT NULL, data TEXT NOT NULL, recorded_at_ms INTEGER NOT NULL',
  },
];

const createTable = ({ name, columns, versionedBy, key, indexes = [] }: TableDefinition): string => {
  const body = versionedBy ? `${columns}, PRIMARY KEY (${key.join(', ')})) WITHOUT ROWID` : `${columns})`;
  const where = versionedBy ? ' WHERE valid_to IS NULL' : '';
  return [
    `CREATE TABLE ${name} (${body};`,
    // The open version of a key is found without a walk over its history, and there cannot be two.
    ...(versionedBy ? [`CREATE UNIQUE INDEX ${name}_open ON ${name} (${versionedBy.join(', ')}) WHERE valid_to IS NULL;`] : []),
    ...indexes.map((columnsOfIndex, n) => `CREATE INDEX ${name}_${n} ON ${name} (${columnsOfIndex})${where};`),
  ].join('\n');
};

export const CREATE_ALL = [
  'CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;',
  'CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL, events INTEGER NOT NULL);',
  ...TABLES.map(createTable),
].join('\n');
