import { describe, expect, it } from '@jest/globals';
import { randomOf } from '../random.ts';
import { AFTERNOON, marketCsv } from './generate.ts';

const rowsOf = (seed: string, calm = false): readonly (readonly string[])[] =>
  marketCsv(randomOf(seed), { ...AFTERNOON, seconds: 3_000, calm }).trim().split('\n').slice(1).map((row) => row.split(','));

describe('a generated market', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(rowsOf('a')).toEqual(rowsOf('a'));
    expect(rowsOf('a')).not.toEqual(rowsOf('b'));
  });

  it('has quotes that are one-sided, locked and crossed, and mostly none of it', () => {
    const rows = rowsOf('a');
    const count = (of: (bid: string, ask: string) => boolean): number => rows.filter(([, , bid = '', , ask = '']) => of(bid, ask)).length;
    const [oneSided, locked, crossed] = [count((bid, ask) => bid === '' || ask === ''), count((bid, ask) => bid !== '' && bid === ask), count((bid, ask) => bid !== '' && ask !== '' && Number(bid) > Number(ask))];
    for (const some of [oneSided, locked, crossed]) expect(some).toBeGreaterThan(0);
    expect(oneSided + locked + crossed).toBeLessThan(rows.length / 50);
    expect(new Set(rows.map(([, symbol]) => symbol)).size).toBe(4);
  });

  it('never goes back in time, and its prices stay prices', () => {
    const rows = rowsOf('a');
    expect(rows.every(([time], i) => i === 0 || Number(time) >= Number(rows[i - 1]?.[0]))).toBe(true);
    expect(rows.every(([, , bid = '', , ask = '']) => [bid, ask].every((side) => side === '' || Number(side) > 0))).toBe(true);
  });

  it('is calm when it shall be', () => {
    expect(rowsOf('a', true).every(([, , bid, , ask]) => Number(ask) > Number(bid))).toBe(true);
  });
});
