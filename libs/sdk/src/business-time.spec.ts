import { describe, expect, it } from '@jest/globals';
import { intervalMs, slotStartMs, slotText } from './business-time.ts';

describe('business time', () => {
  it.each([['30s', 30_000], ['1m', 60_000], ['2h', 7_200_000], [250, 250]] as const)('reads the interval %s', (every, ms) => {
    expect(intervalMs(every)).toBe(ms);
  });

  it.each(['', '0m', '1d', '1.5h', 'm', 0, -1, 0.5, Number.NaN])('refuses the interval %s', (every) => {
    expect(() => intervalMs(every)).toThrow(/INTERVAL_INVALID/);
  });

  it('names an interval by its start, and only by that', () => {
    const start = Date.UTC(2013, 9, 8, 13, 30);
    for (const after of [0, 1, 59_999]) expect(slotText(slotStartMs(start + after, 60_000))).toBe('20131008T133000Z');
    expect(slotText(slotStartMs(start + 60_000, 60_000))).toBe('20131008T133100Z');
    expect(slotText(start + 250)).toBe('20131008T133000250Z');
  });
});
