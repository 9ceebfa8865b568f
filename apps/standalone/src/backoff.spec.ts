import { describe, expect, it } from '@jest/globals';
import { Backoff } from './backoff.ts';

describe('starting a process again', () => {
  it('waits twice as long after every end in a row, up to five seconds', () => {
    const backoff = new Backoff();
    expect([0, 1, 2, 3, 4, 5, 6].map((n) => backoff.ended(n * 1_000, 0))).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });

  it('begins with the first wait again for one that ran steadily', () => {
    const backoff = new Backoff();
    for (const nowMs of [0, 1_000, 2_000]) backoff.ended(nowMs, 100);
    expect(backoff.ended(60_000, 20_000)).toBe(200);
    expect(backoff.ended(61_000, 0)).toBe(200);
    expect(backoff.ended(62_000, 0)).toBe(400);
  });

  it('gives up after twenty ends within five minutes, and never for ends far apart', () => {
    const often = new Backoff();
    for (let n = 0; n < 20; n += 1) expect(often.ended(n * 1_000, 900)).toBeDefined();
    expect(often.ended(21_000, 900)).toBeUndefined();
    const seldom = new Backoff();
    for (let n = 0; n < 100; n += 1) expect(seldom.ended(n * 60_000, 0)).toBeDefined();
  });
});
