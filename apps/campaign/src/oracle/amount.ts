/**
 * Exact decimals as whole numbers of 1e-24: another arithmetic than the one under test. 24 places hold the product of a quantity
 * and a price of 12 places each.
 */
export type Amount = bigint;

const PLACES = 24;
const SCALE = 10n ** BigInt(PLACES);
const TEXT = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Throws on anything but a plain decimal of at most 24 places: an oracle that guesses is none. */
export const amount = (text: string): Amount => {
  const match = TEXT.exec(text);
  const [, sign = '', whole = '', part = ''] = match ?? [];
  if (!match || part.length > PLACES) throw new Error(`not a decimal: ${text}`);
  const value = BigInt(whole) * SCALE + BigInt(part.padEnd(PLACES, '0'));
  return sign === '-' ? -value : value;
};

export const times = (a: Amount, b: Amount): Amount => (a * b) / SCALE;
export const ONE: Amount = SCALE;
export const abs = (a: Amount): Amount => (a < 0n ? -a : a);
export const most = (a: Amount, b: Amount): Amount => (a > b ? a : b);
export const least = (a: Amount, b: Amount): Amount => (a < b ? a : b);

/** Away from zero to a multiple of 1e-`places`. */
export const roundedUp = (a: Amount, places: number): Amount => {
  const unit = 10n ** BigInt(PLACES - places);
  const rest = a % unit;
  return rest === 0n ? a : a - rest + (a > 0n ? unit : -unit);
};

export const amountText = (a: Amount): string => {
  const digits = abs(a).toString().padStart(PLACES + 1, '0');
  const part = digits.slice(-PLACES).replace(/0+$/, '');
  return `${a < 0n ? '-' : ''}${digits.slice(0, -PLACES)}${part === '' ? '' : `.${part}`}`;
};
