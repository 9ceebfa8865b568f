import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countAfter, forgetTime, noteTime } from './message-times.ts';

const WINDOW_MS = 50;

describe('times of messages in a window', () => {
  it('are counted as one by one, wherever the clock goes within the window and however many there are', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -WINDOW_MS / 2, max: 3 }), { maxLength: 3_000, size: 'max' }), (steps) => {
      const kept: number[] = [];
      const all: number[] = [];
      let now = 1_000;
      let newest = now;
      for (const step of steps) {
        // A step back never leaves the window of the newest time: what has fallen out of that is gone.
        now = Math.max(now + step, newest - WINDOW_MS / 2);
        newest = Math.max(newest, now);
        noteTime(kept, now, now - WINDOW_MS);
        all.push(now);
      }
      expect(countAfter(kept, newest - WINDOW_MS)).toBe(all.filter((time) => time > newest - WINDOW_MS).length);
      expect(kept).toEqual([...kept].sort((a, b) => a - b));
    }), { numRuns: 50 });
  });

  it('are few when few are in the window, even after very many', () => {
    const times: number[] = [];
    for (let n = 0; n < 20_000; n += 1) noteTime(times, n, n - 5_000);
    expect(countAfter(times, 19_999 - 5_000)).toBe(5_000);
    expect(times.length).toBeLessThanOrEqual(10_001);
  });

  it('are taken out one at a time, and a time that is not there changes nothing', () => {
    const times = [1, 2, 2, 3];
    forgetTime(times, 2);
    forgetTime(times, 9);
    expect(times).toEqual([1, 2, 3]);
  });
});
