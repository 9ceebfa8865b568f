import type { PositionViewV1 } from '@tallystick/contracts';
import { decimal, decimalText, referencePrice, roundedText, unrealised } from '@tallystick/domain';
import { WHOLE_ACCOUNT } from '../project/positions.ts';
import type { ReadModelFile, Row } from '../store/database.ts';
import { cursorOf, heldAt, json, knownAt, text, Where, type At } from './at.ts';
import type { Marks } from './marks.ts';

export interface PositionFilters {
  readonly account?: string | undefined;
  readonly strategy?: string | undefined;
  readonly mode?: string | undefined;
  readonly symbol?: string | undefined;
}

interface Reconciled {
  readonly positions: readonly { readonly symbol: string; readonly qty: string }[];
}

/** What the venue said last of an account; a symbol it does not name it does not hold. */
const venueQty = (file: ReadModelFile, account: string, symbol: string, at: At): string | undefined => {
  const known = knownAt('position', at);
  const row = file.get(`SELECT positions FROM reconciliations WHERE account = ? AND ${known.sql} ORDER BY position DESC LIMIT 1`, account, ...known.values);
  if (!row) return undefined;
  return json<Reconciled['positions']>(row, 'positions').find((held) => held.symbol === symbol)?.qty ?? '0';
};

const viewOf = (file: ReadModelFile, marks: Marks, at: At) => (row: Row): PositionViewV1 => {
  const account = text(row, 'account');
  const strategy = text(row, 'strategy');
  const symbol = text(row, 'symbol');
  const quote = marks(symbol);
  const mark = referencePrice(quote);
  const held = { qty: decimal(text(row, 'qty')), cost: decimal(text(row, 'cost')) };
  const atVenue = strategy === WHOLE_ACCOUNT ? venueQty(file, account, symbol, at) : undefined;
  return {
    account, ...(strategy === WHOLE_ACCOUNT ? {} : { strategy }), symbol, mode: text(row, 'mode') === 'live' ? 'live' : 'paper', currency: text(row, 'currency'),
    qty: text(row, 'qty'), avg_price: text(row, 'avg_price'), realised_pnl: text(row, 'realised_pnl'), fees: text(row, 'fees'),
    ...(mark && quote ? { mark: roundedText(mark), mark_time_ms: quote.time_ms, unrealised_pnl: decimalText(unrealised(held, mark).round(12, 2)) } : {}),
    ...(atVenue === undefined ? {} : { venue_qty: atVenue }), updated_position: text(row, 'valid_from'),
  };
};

/** Rows after this key, in the order of account, strategy (totals first), symbol. */
const ROW_KEY = ['account', 'strategy', 'symbol'] as const;

export const listPositions = (
  file: ReadModelFile, marks: Marks, filters: PositionFilters, paging: { readonly after?: readonly string[] | undefined; readonly limit: number }, at: At,
): { readonly items: readonly PositionViewV1[]; readonly next?: string } => {
  const where = new Where().and(heldAt('p', at)).equal('p.account', filters.account).equal('p.strategy', filters.strategy).equal('p.mode', filters.mode).equal('p.symbol', filters.symbol);
  if (paging.after) where.and({ sql: '(p.account, p.strategy, p.symbol) > (?, ?, ?)', values: paging.after });
  const rows = file.all(`SELECT * FROM positions p WHERE ${where.sql} ORDER BY p.account, p.strategy, p.symbol LIMIT ?`, ...where.values, paging.limit + 1);
  const shown = rows.slice(0, paging.limit);
  const last = shown.at(-1);
  return {
    items: shown.map(viewOf(file, marks, at)),
    ...(rows.length > paging.limit && last ? { next: cursorOf(JSON.stringify(ROW_KEY.map((column) => text(last, column)))) } : {}),
  };
};
