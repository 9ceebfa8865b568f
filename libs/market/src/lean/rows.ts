import { unreadable } from '../source.ts';

/**
 * Rows of one LEAN file, read from its bytes without making a string of each field. Prices are whole units of 1/10,000.
 * A row that is not what its kind says is an error that names file and line.
 */
export type RowKind = 'quote_bar' | 'trade_bar' | 'quote_tick' | 'trade_tick';

/** Columns of each kind; ticks have later columns for exchange, conditions and the suspicious mark. */
const COLUMNS: Readonly<Record<RowKind, { readonly min: number; readonly max: number }>> = {
  quote_bar: { min: 11, max: 11 },
  trade_bar: { min: 6, max: 6 },
  quote_tick: { min: 5, max: 8 },
  trade_tick: { min: 3, max: 6 },
};

const NEWLINE = 10;
const RETURN = 13;
const COMMA = 44;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
/** More digits than this leave the integers that a number holds exactly. */
const INTEGER_DIGITS_MAX = 15;
const DAY_MS = 86_400_000;
/** A bar that starts in the last moment of the day still ends; a time beyond is not of this day. */
const TIME_OF_DAY_MS_MAX = DAY_MS;

const SCALE = 10_000;

/** Units of 1/10,000 as a decimal string without trailing zeros. */
export const priceText = (units: number): string => {
  const fraction = units % SCALE;
  const whole = String((units - fraction) / SCALE);
  if (fraction === 0) return whole;
  const digits = String(fraction).padStart(4, '0');
  return `${whole}.${digits.replace(/0+$/, '')}`;
};

/** One side: price in units of 1/10,000, undefined where the file gives none. */
export interface Side {
  readonly units: number;
  readonly size: string;
}

export class LeanRows {
  /** Of the row last read. */
  msOfDay = 0;
  private readonly bytes: Buffer;
  private readonly name: string;
  private readonly kind: RowKind;
  private position = 0;
  private line = 0;
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  constructor(bytes: Buffer, name: string, kind: RowKind) {
    this.bytes = bytes;
    this.name = name;
    this.kind = kind;
  }

  /** Moves to the next row; false at the end of the file. */
  next(): boolean {
    if (this.position >= this.bytes.length) return false;
    this.line += 1;
    this.split();
    const { min, max } = COLUMNS[this.kind];
    if (this.starts.length < min || this.starts.length > max) {
      throw this.bad(`${this.starts.length} columns where ${min === max ? min : `${min} to ${max}`} are expected`);
    }
    const msOfDay = this.integer(0, 'time');
    if (msOfDay === undefined) throw this.bad('the time is empty');
    if (msOfDay >= TIME_OF_DAY_MS_MAX) throw this.bad(`time ${msOfDay} is not within a day`);
    if (msOfDay < this.msOfDay) throw this.bad(`time ${msOfDay} lies before the row above`);
    this.msOfDay = msOfDay;
    return true;
  }

  bid(): Side | undefined {
    return this.kind === 'quote_bar' ? this.barSide(1, 'bid') : this.side(1, 2, 'bid');
  }

  ask(): Side | undefined {
    return this.kind === 'quote_bar' ? this.barSide(6, 'ask') : this.side(3, 4, 'ask');
  }

  /** Price of the last trade, in units of 1/10,000. */
  last(): number | undefined {
    if (this.kind === 'trade_bar') {
      this.size(5, 'volume');
      return this.bar(1, 'price');
    }
    this.size(2, 'quantity');
    return this.price(1, 'price');
  }

  /** Ticks that the data's own maker marks as not part of the market. */
  suspicious(): boolean {
    const mark = this.kind === 'quote_tick' ? 7 : this.kind === 'trade_tick' ? 5 : -1;
    return mark >= 0 && mark < this.starts.length && this.text(mark) === '1';
  }

  private split(): void {
    const { bytes, starts, ends } = this;
    starts.length = 0;
    ends.length = 0;
    let at = this.position;
    let start = at;
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte === COMMA || byte === NEWLINE) {
        starts.push(start);
        ends.push(byte === NEWLINE && at > start && bytes[at - 1] === RETURN ? at - 1 : at);
        start = at + 1;
        if (byte === NEWLINE) break;
      }
    }
    if (at >= bytes.length) {
      starts.push(start);
      ends.push(at);
    }
    this.position = at + 1;
  }

  private barSide(column: number, what: string): Side | undefined {
    const units = this.bar(column, what);
    const size = this.size(column + 4, `${what} size`);
    return units === undefined ? undefined : { units, size };
  }

  private side(priceColumn: number, sizeColumn: number, what: string): Side | undefined {
    const units = this.price(priceColumn, what);
    const size = this.size(sizeColumn, `${what} size`);
    return units === undefined ? undefined : { units, size };
  }

  /** Close of open, high, low, close; the four are there together or not at all. */
  private bar(column: number, what: string): number | undefined {
    const open = this.price(column, `${what} open`);
    const high = this.price(column + 1, `${what} high`);
    const low = this.price(column + 2, `${what} low`);
    const close = this.price(column + 3, `${what} close`);
    const given = [open, high, low, close].filter((price) => price !== undefined).length;
    if (given !== 0 && given !== 4) throw this.bad(`the ${what} bar is half empty`);
    return close;
  }

  /** Zero is how the format writes "none" where it cannot leave the field empty. */
  private price(column: number, what: string): number | undefined {
    const units = this.integer(column, what);
    return units === 0 ? undefined : units;
  }

  private integer(column: number, what: string): number | undefined {
    const start = this.starts[column] ?? 0;
    const end = this.ends[column] ?? 0;
    if (end === start) return undefined;
    if (end - start > INTEGER_DIGITS_MAX) throw this.bad(`${what} "${this.text(column)}" is too long`);
    let value = 0;
    for (let at = start; at < end; at += 1) {
      const byte = this.bytes[at] ?? 0;
      if (byte < ZERO || byte > NINE) throw this.bad(`${what} "${this.text(column)}" is not a whole number`);
      value = value * 10 + (byte - ZERO);
    }
    return value;
  }

  /** Sizes may have a fraction. Empty means none. */
  private size(column: number, what: string): string {
    const start = this.starts[column] ?? 0;
    const end = this.ends[column] ?? 0;
    if (end === start) return '0';
    let points = 0;
    for (let at = start; at < end; at += 1) {
      const byte = this.bytes[at] ?? 0;
      if (byte === POINT && at > start && at < end - 1) points += 1;
      else if (byte < ZERO || byte > NINE) points = 2;
      if (points > 1) throw this.bad(`${what} "${this.text(column)}" is not a size`);
    }
    if (end - start > INTEGER_DIGITS_MAX) throw this.bad(`${what} "${this.text(column)}" is too long`);
    const text = this.text(column);
    return points === 0 ? text.replace(/^0+(?=\d)/, '') : text.replace(/^0+(?=\d)/, '').replace(/\.?0+$/, '');
  }

  private text(column: number): string {
    return this.bytes.toString('latin1', this.starts[column], this.ends[column]);
  }

  private bad(reason: string): Error {
    return unreadable(`${this.name} line ${this.line}`, reason);
  }
}
