import { describe, expect, it } from '@jest/globals';
import { median, percentile, short, shown, spreadOf } from './numbers.ts';

describe('what several rounds come to', () => {
  it('is the middle one, between the least and the greatest', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('takes percentiles of what was seen, in whatever order', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)]).toEqual([51, 100, 100]);
  });

  it('is shown with the digits that mean something', () => {
    expect([1234.5, 99.96, 12.345, 0.1234, Number.NaN].map(short)).toEqual(['1,235', '100.0', '12.3', '0.12', '-']);
    expect(shown(spreadOf([1, 2, 3]))).toBe('2.00 (1.00..3.00)');
  });
});
