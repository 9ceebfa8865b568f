import { decimal, decimalText, emptyRiskGroup, evolveRiskGroup, ZERO, type Book, type Decimal, type QuoteUsed, type RiskGroupEvent, type RiskGroupState } from '@tallystick/domain';
import type { RecordedEvent } from '@tallystick/ports';
import type { ReadModelFile, Row } from '../store/database.ts';
import { versionsOf, type Versions } from '../store/versions.ts';

const BOOK_KEY = ['risk_group', 'account', 'strategy', 'symbol'];
const BOOK_VALUES = ['qty', 'open_buys', 'open_sells', 'filled_notional'];
const BOOKS = 'SELECT account, strategy, symbol, filled_notional FROM risk_books WHERE risk_group = ? AND valid_to IS NULL';
const INSERT_DECISION = `INSERT INTO decisions (position, order_id, risk_group, trading_day, outcome, account, strategy, symbol, side, business_time_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_DAY = 'INSERT INTO risk_days (position, risk_group, trading_day, closed) VALUES (?, ?, ?, ?)';
const NEWEST_MARK = 'SELECT bid, ask, time_ms FROM marks WHERE symbol = ? AND valid_to IS NULL';
const NEWEST_DAY = 'SELECT trading_day, closed FROM risk_days WHERE risk_group = ? ORDER BY position DESC LIMIT 1';
const PUT_RESERVATION = `INSERT INTO reservations (order_id, risk_group, account, strategy, symbol, side, leaves_qty, worst_price) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (order_id) DO UPDATE SET leaves_qty = excluded.leaves_qty`;

type Key = readonly [account: string, strategy: string, symbol: string];

interface Group {
  readonly state: RiskGroupState;
  /** Base currency worth filled today per book, busts taken out: what the daily limits of every scope add up from. */
  readonly filled: Map<string, Decimal>;
}

const idOf = (key: Key): string => JSON.stringify(key);
const keyOfBook = ({ account, strategy, symbol }: Book): Key => [account, strategy, symbol];

/** `riskGroup-<group>-<YYYY-MM-DD>`. */
const STREAM = /^riskGroup-(.+)-(\d{4}-\d{2}-\d{2})$/;

/** Rows that hold a group's state, as a day that opens with it. */
export interface CarriedRows {
  readonly riskGroup: string;
  readonly tradingDay: string;
  readonly books: readonly Row[];
  readonly cash: readonly Row[];
  readonly reservations: readonly Row[];
}

/** The domain's state of a group from rows; the domain's own opening of a day puts it together. */
export const riskGroupFrom = ({ riskGroup, tradingDay, books, cash, reservations }: CarriedRows): RiskGroupState =>
  evolveRiskGroup(emptyRiskGroup(), {
    type: 'RiskGroupDayOpened',
    data: {
      risk_group: riskGroup, trading_day: tradingDay, roll_time: '', time_zone: '', source_position: '0', business_time_ms: 0,
      positions: books.map((row) => ({ account: String(row['account']), strategy: String(row['strategy']), symbol: String(row['symbol']), qty: String(row['qty']) })),
      cash: cash.map((row) => ({ account: String(row['account']), cash: String(row['cash']) })),
      reservations: reservations.map((row) => ({
        order_id: String(row['order_id']), account: String(row['account']), strategy: String(row['strategy']), symbol: String(row['symbol']),
        side: row['side'] === 'buy' ? 'buy' : 'sell', leaves_qty: String(row['leaves_qty']), worst_price: String(row['worst_price']),
      })),
    },
  });

/** Folds decisions, reservations and trades of risk groups with the domain's own fold, and writes the books and cash that changed. */
export class RiskProjection {
  private readonly groups = new Map<string, Group>();
  private readonly books: Versions;
  private readonly cash: Versions;
  private readonly marks: Versions;

  constructor(private readonly file: ReadModelFile) {
    this.books = versionsOf(file, 'risk_books', BOOK_KEY, BOOK_VALUES);
    this.cash = versionsOf(file, 'risk_cash', ['risk_group', 'account'], ['cash']);
    this.marks = versionsOf(file, 'marks', ['symbol'], ['bid', 'ask', 'time_ms', 'sequence', 'source']);
  }

  project(event: RiskGroupEvent, recorded: RecordedEvent): void {
    const [, riskGroup, tradingDay] = STREAM.exec(recorded.stream) ?? [];
    if (riskGroup === undefined || tradingDay === undefined) return;
    switch (event.type) {
      case 'RiskGroupDayOpened':
        this.openDay(riskGroup, event, recorded);
        return;
      case 'RiskGroupDayClosed':
        this.file.run(INSERT_DAY, recorded.position, riskGroup, tradingDay, 1);
        evolveRiskGroup(this.group(riskGroup).state, event);
        return;
      case 'OrderDecided':
        this.decided(riskGroup, tradingDay, event, recorded);
        return;
      case 'TradeApplied':
      case 'TradeReversed':
        this.traded(riskGroup, event, recorded);
        return;
      case 'ReservationReleased':
        this.released(riskGroup, event, recorded);
        return;
      case 'CashReconciled':
        evolveRiskGroup(this.group(riskGroup).state, event);
        this.cash.put(recorded.position, [riskGroup, event.data.account], [event.data.cash]);
    }
  }

  private openDay(riskGroup: string, event: Extract<RiskGroupEvent, { type: 'RiskGroupDayOpened' }>, { position }: RecordedEvent): void {
    this.file.run(INSERT_DAY, position, riskGroup, event.data.trading_day, 0);
    for (const row of this.file.all(BOOKS, riskGroup)) this.books.end(position, [riskGroup, row['account'] ?? '', row['strategy'] ?? '', row['symbol'] ?? '']);
    this.file.run('DELETE FROM reservations WHERE risk_group = ?', riskGroup);
    const group: Group = { state: evolveRiskGroup(emptyRiskGroup(), event), filled: new Map() };
    this.groups.set(riskGroup, group);
    for (const book of group.state.books.values()) this.writeBook(riskGroup, group, book, position);
    for (const { account, cash } of event.data.cash) this.cash.put(position, [riskGroup, account], [cash]);
    for (const orderId of group.state.reservations.keys()) this.writeReservation(riskGroup, group, orderId);
  }

  private decided(riskGroup: string, tradingDay: string, event: Extract<RiskGroupEvent, { type: 'OrderDecided' }>, { position }: RecordedEvent): void {
    const { terms, decision } = event.data;
    const group = this.group(riskGroup);
    if (group.state.decided.has(terms.order_id)) return;
    evolveRiskGroup(group.state, event);
    this.file.run(INSERT_DECISION, position, terms.order_id, riskGroup, tradingDay, decision.outcome, terms.account, terms.strategy.id, terms.symbol, terms.side, decision.business_time_ms);
    for (const quote of decision.quotes) this.writeMark(quote, position);
    const reservation = group.state.reservations.get(terms.order_id);
    if (!reservation) return;
    this.writeBook(riskGroup, group, reservation.book, position);
    this.writeReservation(riskGroup, group, terms.order_id);
  }

  private traded(riskGroup: string, event: Extract<RiskGroupEvent, { type: 'TradeApplied' | 'TradeReversed' }>, { position }: RecordedEvent): void {
    const group = this.group(riskGroup);
    const { account, strategy, symbol, order_id: orderId, qty, price, rate } = event.data;
    evolveRiskGroup(group.state, event);
    const key: Key = [account, strategy, symbol];
    const notional = decimal(qty).times(decimal(price)).times(decimal(rate));
    const before = group.filled.get(idOf(key)) ?? ZERO;
    group.filled.set(idOf(key), event.type === 'TradeApplied' ? before.plus(notional) : before.minus(notional));
    const book = group.state.books.get(idOf(key));
    if (book) this.writeBook(riskGroup, group, book, position);
    const cash = group.state.cash.get(account);
    if (cash) this.cash.put(position, [riskGroup, account], [decimalText(cash)]);
    this.writeReservation(riskGroup, group, orderId);
  }

  private released(riskGroup: string, event: Extract<RiskGroupEvent, { type: 'ReservationReleased' }>, { position }: RecordedEvent): void {
    const group = this.group(riskGroup);
    const book = group.state.reservations.get(event.data.order_id)?.book;
    evolveRiskGroup(group.state, event);
    if (book) this.writeBook(riskGroup, group, book, position);
    this.writeReservation(riskGroup, group, event.data.order_id);
  }

  /** The quotes that decisions were made on are what positions were worth at the time: marks for every `asOf`. */
  private writeMark(quote: QuoteUsed, position: bigint): void {
    const newest = this.file.get(NEWEST_MARK, quote.symbol);
    if (newest && (Number(newest['time_ms']) >= quote.time_ms || (newest['bid'] === (quote.bid ?? null) && newest['ask'] === (quote.ask ?? null)))) return;
    this.marks.put(position, [quote.symbol], [quote.bid ?? null, quote.ask ?? null, quote.time_ms, quote.sequence, quote.source]);
  }

  private writeBook(riskGroup: string, group: Group, book: Book, position: bigint): void {
    const filled = group.filled.get(idOf(keyOfBook(book))) ?? ZERO;
    this.books.put(position, [riskGroup, ...keyOfBook(book)], [decimalText(book.qty), decimalText(book.openBuys), decimalText(book.openSells), decimalText(filled)]);
  }

  private writeReservation(riskGroup: string, { state }: Group, orderId: string): void {
    const open = state.reservations.get(orderId);
    if (!open) {
      this.file.run('DELETE FROM reservations WHERE order_id = ?', orderId);
      return;
    }
    const { book, side, leaves, worstPrice } = open;
    this.file.run(PUT_RESERVATION, orderId, riskGroup, book.account, book.strategy, book.symbol, side, decimalText(leaves), decimalText(worstPrice));
  }

  /** From memory or, after a restart, from the rows that this class wrote. */
  private group(riskGroup: string): Group {
    let group = this.groups.get(riskGroup);
    if (group) return group;
    const day = String(this.file.get(NEWEST_DAY, riskGroup)?.['trading_day'] ?? '');
    const books = this.file.all('SELECT * FROM risk_books WHERE risk_group = ? AND valid_to IS NULL', riskGroup);
    const state = riskGroupFrom({
      riskGroup, tradingDay: day, books,
      cash: this.file.all('SELECT account, cash FROM risk_cash WHERE risk_group = ? AND valid_to IS NULL', riskGroup),
      reservations: this.file.all('SELECT * FROM reservations WHERE risk_group = ?', riskGroup),
    });
    for (const row of this.file.all('SELECT order_id, outcome, side FROM decisions WHERE risk_group = ? AND trading_day = ?', riskGroup, day)) {
      state.decided.set(String(row['order_id']), { outcome: row['outcome'] === 'approved' ? 'approved' : 'denied', side: row['side'] === 'buy' ? 'buy' : 'sell' });
    }
    group = { state, filled: new Map(books.map((row) => [idOf([String(row['account']), String(row['strategy']), String(row['symbol'])]), decimal(String(row['filled_notional']))])) };
    this.groups.set(riskGroup, group);
    return group;
  }
}
