import { applyTrade, decimal, FLAT, positionOf, positionView, type OrderEvent, type PositionState, type Trade } from '@tallystick/domain';
import type { RecordedEvent } from '@tallystick/ports';
import type { ReadModelFile, Row } from '../store/database.ts';
import { versionsOf, type Versions } from '../store/versions.ts';

/** Strategy of the rows that add up a whole account. No strategy's id can be empty. */
export const WHOLE_ACCOUNT = '';

/** Positions kept in memory; accounts times symbols of a large desk. What is not among them is read back. */
const HELD_MAX = 50_000;

interface Held {
  readonly key: readonly [account: string, strategy: string, symbol: string];
  readonly currency: string;
  readonly mode: string;
  state: PositionState;
  trades: number;
}

const KEY = ['account', 'strategy', 'symbol'];
const VALUES = ['qty', 'cost', 'avg_price', 'realised_pnl', 'fees', 'currency', 'mode', 'trades', 'updated_at_ms'];
const CURRENT = 'SELECT qty, cost, realised_pnl, fees, currency, mode, trades FROM positions WHERE account = ? AND strategy = ? AND symbol = ? AND valid_to IS NULL';
const TERMS_OF = 'SELECT terms FROM orders WHERE order_no = ?';
const INSERT_TRADE = 'INSERT INTO trades (trade_no, order_no, exec_id, account, strategy, symbol, side, qty, price, fee, busted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING';
const TRADE = 'SELECT trade_no, busted, account, strategy, symbol FROM trades WHERE order_no = ? AND exec_id = ?';
const TRADES_OF_STRATEGY = 'SELECT side, qty, price, fee FROM trades WHERE account = ? AND symbol = ? AND strategy = ? AND busted = 0 ORDER BY trade_no';
const TRADES_OF_ACCOUNT = 'SELECT side, qty, price, fee FROM trades WHERE account = ? AND symbol = ? AND busted = 0 ORDER BY trade_no';

const tradeOf = (row: Row): Trade => ({
  side: row['side'] === 'buy' ? 'buy' : 'sell', qty: decimal(String(row['qty'])), price: decimal(String(row['price'])), fee: decimal(String(row['fee'])),
});

interface Terms {
  readonly account: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly currency: string;
  readonly mode: string;
  readonly strategy: { readonly id: string };
}

/**
 * Positions per (account, strategy, symbol) and per (account, symbol), at average cost, from the fills that stand. Every fill that an
 * order's stream records counts, whatever state the order was thought to be in: the venue traded it.
 */
export class PositionProjection {
  private readonly held = new Map<string, Held>();
  private readonly versions: Versions;

  constructor(private readonly file: ReadModelFile) {
    this.versions = versionsOf(file, 'positions', KEY, VALUES);
  }

  project(event: OrderEvent, orderNo: bigint, recorded: RecordedEvent): void {
    if (event.type === 'OrderFilled') this.fill(event.data, orderNo, recorded);
    else if (event.type === 'FillBusted') this.amend(orderNo, event.data.exec_id, recorded, (tradeNo) => this.file.run('UPDATE trades SET busted = 1 WHERE trade_no = ?', tradeNo));
    else if (event.type === 'FillCorrected') {
      const { qty, price } = event.data;
      this.amend(orderNo, event.data.exec_id, recorded, (tradeNo) => this.file.run('UPDATE trades SET qty = ?, price = ? WHERE trade_no = ?', qty, price, tradeNo));
    }
  }

  private fill(fill: Extract<OrderEvent, { type: 'OrderFilled' }>['data'], orderNo: bigint, recorded: RecordedEvent): void {
    const terms = this.termsOf(orderNo);
    if (!terms || this.file.get(TRADE, orderNo, fill.exec_id)) return;
    const { account, symbol, side, strategy: { id: strategy } } = terms;
    this.file.run(INSERT_TRADE, recorded.position, orderNo, fill.exec_id, account, strategy, symbol, side, fill.qty, fill.price, fill.fee);
    const trade: Trade = { side, qty: decimal(fill.qty), price: decimal(fill.price), fee: decimal(fill.fee) };
    for (const owner of [strategy, WHOLE_ACCOUNT]) {
      const held = this.heldBy(account, owner, symbol, terms);
      held.state = applyTrade(held.state, trade);
      held.trades += 1;
      this.write(held, recorded);
    }
  }

  /** Average cost depends on the order of trades: after a change the position is folded again from all that stand. */
  private amend(orderNo: bigint, execId: string, recorded: RecordedEvent, change: (tradeNo: number) => void): void {
    const trade = this.file.get(TRADE, orderNo, execId);
    if (!trade || trade['busted'] !== 0) return;
    change(Number(trade['trade_no']));
    const account = String(trade['account']);
    const strategy = String(trade['strategy']);
    const symbol = String(trade['symbol']);
    this.refold(account, strategy, symbol, this.file.all(TRADES_OF_STRATEGY, account, symbol, strategy), recorded);
    this.refold(account, WHOLE_ACCOUNT, symbol, this.file.all(TRADES_OF_ACCOUNT, account, symbol), recorded);
  }

  private refold(account: string, strategy: string, symbol: string, rows: readonly Row[], recorded: RecordedEvent): void {
    const held = this.heldBy(account, strategy, symbol);
    held.state = positionOf(rows.map(tradeOf));
    held.trades = rows.length;
    this.write(held, recorded);
  }

  private write({ key, state, currency, mode, trades }: Held, { position, recordedAtMs }: RecordedEvent): void {
    const view = positionView(state);
    this.versions.put(position, key, [view.qty, view.cost, view.avg_price, view.realised_pnl, view.fees, currency, mode, trades, recordedAtMs]);
  }

  private heldBy(account: string, strategy: string, symbol: string, terms?: Terms): Held {
    const id = JSON.stringify([account, strategy, symbol]);
    let held = this.held.get(id);
    if (held) return held;
    const row = this.file.get(CURRENT, account, strategy, symbol);
    held = row
      ? {
          key: [account, strategy, symbol], currency: String(row['currency']), mode: String(row['mode']), trades: Number(row['trades']),
          state: { qty: decimal(String(row['qty'])), cost: decimal(String(row['cost'])), realised: decimal(String(row['realised_pnl'])), fees: decimal(String(row['fees'])) },
        }
      : { key: [account, strategy, symbol], currency: terms?.currency ?? '', mode: terms?.mode ?? '', trades: 0, state: FLAT };
    if (this.held.size >= HELD_MAX) this.held.clear();
    this.held.set(id, held);
    return held;
  }

  private termsOf(orderNo: bigint): Terms | undefined {
    const row = this.file.get(TERMS_OF, orderNo);
    return row?.['terms'] === null || row === undefined ? undefined : (JSON.parse(String(row['terms'])) as Terms);
  }
}
