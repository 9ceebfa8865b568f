import Big from 'big.js';

/**
 * Exact decimals. Strings outside, this inside; never a float. `strict` makes the library throw where a JavaScript
 * number would slip in, and division (ratios and averages only) keeps 20 places, rounded half to even.
 */
const Exact = Big();
Exact.strict = true;
Exact.DP = 20;
Exact.RM = 2;
Exact.PE = 1_000_000;
Exact.NE = -1_000_000;

export type Decimal = Big;

/** 18 digits before the point hold any notional in any currency, 12 after it any crypto lot; more is a mistake or an attack. */
const DECIMAL_TEXT = /^(?!-0(\.0+)?$)-?(0|[1-9]\d{0,17})(\.\d{1,12})?$/;
/** Products of such texts have more digits, never another notation: `1e999999` would be a megabyte when spelt out. */
const PLAIN_TEXT = /^-?\d+(\.\d+)?$/;

export const isDecimalText = (text: string): boolean => DECIMAL_TEXT.test(text);

/** For text already validated at the border, or made by `decimalText`; anything else is a programmer's error and throws. */
export const decimal = (text: string): Decimal => {
  if (!PLAIN_TEXT.test(text)) throw new RangeError('not a decimal in plain notation');
  return new Exact(text);
};

/** `undefined` for what is not a plain decimal of at most 18 digits before and 12 after the point, and for a negative zero. */
export const parseDecimal = (text: string): Decimal | undefined => (isDecimalText(text) ? new Exact(text) : undefined);

/** Plain notation, no exponent, no trailing zeros: the one spelling of a value. */
export const decimalText = (value: Decimal): string => {
  const text = value.toFixed();
  return text === '-0' ? '0' : text;
};

export const ZERO = decimal('0');
export const ONE = decimal('1');
export const BPS = decimal('10000');

export const maxOf = (a: Decimal, b: Decimal): Decimal => (a.gte(b) ? a : b);
export const minOf = (a: Decimal, b: Decimal): Decimal => (a.lte(b) ? a : b);
export const isMultipleOf = (value: Decimal, step: Decimal): boolean => value.mod(step).eq(ZERO);

/** The multiples of `step` on either side of `value` (equal when it lies on one). */
export const nearestMultiples = (value: Decimal, step: Decimal): { readonly below: Decimal; readonly above: Decimal } => {
  const rest = value.mod(step);
  if (rest.eq(ZERO)) return { below: value, above: value };
  // The remainder has the sign of the value: towards zero is above a negative one.
  const towardsZero = value.minus(rest);
  return value.gt(ZERO) ? { below: towardsZero, above: towardsZero.plus(step) } : { below: towardsZero.minus(step), above: towardsZero };
};

/** Averages and ratios on the wire: 12 places are finer than any tick. */
export const roundedText = (value: Decimal): string => decimalText(value.round(12, 2));
