import { describe, expect, it } from '@jest/globals';
import { amount, amountText, roundedUp, times } from './amount.ts';

describe('amounts', () => {
  it.each(['0', '1', '-1', '0.000000000001', '123456789012345678.123456789012', '-0.5'])('reads and writes %s', (text) => {
    expect(amountText(amount(text))).toBe(text);
  });

  it.each(['', '1e3', '.5', '1.', 'NaN', '+1', ' 1', `0.${'1'.repeat(25)}`])('does not guess at %j', (text) => {
    expect(() => amount(text)).toThrow('not a decimal');
  });

  it('multiplies exactly and rounds away from zero', () => {
    expect(amountText(times(amount('0.000000000003'), amount('0.000000000007')))).toBe('0.000000000000000000000021');
    expect(amountText(roundedUp(amount('1.0000000000001'), 12))).toBe('1.000000000001');
    expect(amountText(roundedUp(amount('1.000000000001'), 12))).toBe('1.000000000001');
    expect(amountText(roundedUp(amount('-1.0000000000001'), 12))).toBe('-1.000000000001');
  });
});
