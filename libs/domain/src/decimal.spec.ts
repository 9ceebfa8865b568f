import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decimal, decimalText, isDecimalText, isMultipleOf, nearestMultiples, parseDecimal, roundedText, ZERO } from './decimal.ts';

describe('decimal text from outside', () => {
  it.each([
    '1e5', '1E5', '1e-2', 'NaN', 'Infinity', '-Infinity', '0x10', '0b1', '0o7', '1_000', '1,000', '1n', '', ' ', ' 1', '1 ', '1\n', '\t1', '+1', '--1', '-', '.', '.5', '5.', '1.2.3',
    '-0', '-0.0', '-0.000', '00', '01', '-01', '00.5', '١', '1\u00a0', '٣.٥', 'null', 'undefined', '[object Object]', '1'.repeat(19), `0.${'1'.repeat(13)}`, `${'9'.repeat(18)}.${'9'.repeat(13)}`, '9'.repeat(100_000),
  ])('refuses %j', (text) => {
    expect(isDecimalText(text)).toBe(false);
    expect(parseDecimal(text)).toBeUndefined();
  });

  it.each(['0', '1', '-1', '0.5', '-0.5', '10', '0.000000000001', '-0.01', '999999999999999999', '999999999999999999.999999999999', '1.50', '100.00'])('takes %s, to the last digit', (text) => {
    expect(parseDecimal(text)?.eq(decimal(text))).toBe(true);
  });

  it('throws from the inside for anything but plain notation', () => {
    for (const text of ['1e5', '1e999999', 'NaN', 'Infinity', '0x10', ' 1', '', '.5', '5.', '+1']) expect(() => decimal(text)).toThrow(RangeError);
    expect(decimal(`0.${'1'.repeat(36)}`).toFixed()).toBe(`0.${'1'.repeat(36)}`);
  });
});

describe('decimal text to outside', () => {
  it.each([['1.50', '1.5'], ['100.00', '100'], ['0.0', '0'], ['-0.50', '-0.5'], ['0.000000000001', '0.000000000001'], ['999999999999999999.100', '999999999999999999.1']])('spells %s as %s', (text, spelt) => {
    expect(decimalText(decimal(text))).toBe(spelt);
  });

  it('has no negative zero, whatever made it', () => {
    expect(decimalText(decimal('-1').times(ZERO))).toBe('0');
    expect(decimalText(decimal('-1').plus(decimal('1')))).toBe('0');
    expect(roundedText(decimal('-0.0000000000001'))).toBe('0');
  });

  it('rounds averages and ratios to 12 places, half to even', () => {
    expect(roundedText(decimal('1').div(decimal('3')))).toBe('0.333333333333');
    expect(roundedText(decimal('0.0000000000005'))).toBe('0');
    expect(roundedText(decimal('0.0000000000015'))).toBe('0.000000000002');
    expect(roundedText(decimal('123'))).toBe('123');
  });

  it('is one spelling per value, and reads back as the value', () => {
    const value = fc.tuple(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), fc.nat({ max: 12 }), fc.nat({ max: 5 }));
    fc.assert(fc.property(value, ([digits, places, zeros]) => {
      const exact = decimal(digits.toString()).div(decimal(`1${'0'.repeat(places)}`));
      const text = decimalText(exact);
      expect(isDecimalText(text)).toBe(true);
      expect(decimal(text).eq(exact)).toBe(true);
      const padded = zeros === 0 ? text : `${text}${text.includes('.') ? '' : '.'}${'0'.repeat(zeros)}`;
      expect(decimalText(decimal(padded))).toBe(text);
      expect(JSON.parse(JSON.stringify(text))).toBe(text);
    }));
  });
});

describe('steps', () => {
  it.each([
    ['10.03', '0.05', '10', '10.05'], ['10.05', '0.05', '10.05', '10.05'], ['0.3', '1', '0', '1'], ['0.1', '0.03', '0.09', '0.12'],
    ['-10.03', '0.05', '-10.05', '-10'], ['-0.3', '1', '-1', '0'], ['-10.05', '0.05', '-10.05', '-10.05'],
  ])('%s on a grid of %s lies between %s and %s', (value, step, below, above) => {
    const nearest = nearestMultiples(decimal(value), decimal(step));
    expect([nearest.below.toFixed(), nearest.above.toFixed()]).toEqual([below, above]);
    expect(isMultipleOf(decimal(value), decimal(step))).toBe(below === above);
  });

  it('the nearest multiples are multiples, on either side, one step apart', () => {
    const grid = fc.tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 1, max: 5000 }));
    fc.assert(fc.property(grid, ([units, stepUnits]) => {
      const value = decimal(String(units)).div(decimal('1000'));
      const step = decimal(String(stepUnits)).div(decimal('1000'));
      const { below, above } = nearestMultiples(value, step);
      expect(isMultipleOf(below, step) && isMultipleOf(above, step)).toBe(true);
      expect(below.lte(value) && above.gte(value)).toBe(true);
      expect(above.minus(below).toFixed()).toBe(units % stepUnits === 0 ? '0' : step.toFixed());
    }));
  });
});
