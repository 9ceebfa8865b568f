import { describe, expect, it } from '@jest/globals';
import type { MarketSnapshot, Timers } from '@tallystick/ports';
import { ageMs, QuoteBook } from './quote-book.ts';

/** Waits end when told to, or when aborted: no test waits for a clock. */
const manualTimers = (): Timers & { fire(): void } => {
  const waiting = new Set<() => void>();
  return {
    sleep: (_ms, _why, signal) => new Promise((resolve) => {
      waiting.add(resolve);
      signal?.addEventListener('abort', () => resolve());
    }),
    every: () => () => undefined,
    fire: () => waiting.forEach((wake) => wake()),
  };
};

const snapshot = (sequence: number, ...symbols: readonly string[]): MarketSnapshot => ({
  sequence, time_ms: sequence * 1000, source: 'test',
  quotes: symbols.map((symbol) => ({ symbol, bid: String(sequence), bid_size: '1', time_ms: sequence * 1000, sequence, source: 'test' })),
});

describe('the quote book', () => {
  it('keeps the newest quote of each symbol, however old', () => {
    const book = new QuoteBook(manualTimers());
    expect(book.sequence()).toBe(0);
    book.apply(snapshot(1, 'A', 'B'));
    book.apply(snapshot(5, 'A'));
    expect(book.quote('A')).toMatchObject({ bid: '5' });
    expect(book.quote('B')).toMatchObject({ bid: '1' });
    expect(book.quote('C')).toBeUndefined();
    expect([book.sequence(), book.timeMs(), book.all().map((quote) => quote.symbol)]).toEqual([5, 5000, ['A', 'B']]);
  });

  it('ignores what is older than what it has, and takes a repeat', () => {
    const book = new QuoteBook(manualTimers());
    book.apply(snapshot(5, 'A'));
    expect(book.apply(snapshot(4, 'A', 'B'))).toBe(false);
    expect([book.quote('A')?.bid, book.quote('B')]).toEqual(['5', undefined]);
    expect(book.apply(snapshot(5, 'A'))).toBe(true);
  });

  it('says when a sequence is reached, at once where it has been, and no when the time is over', async () => {
    const timers = manualTimers();
    const book = new QuoteBook(timers);
    book.apply(snapshot(3));
    expect(await book.reached(3, 1000)).toBe(true);
    const four = book.reached(4, 1000);
    const nine = book.reached(9, 1000);
    book.apply(snapshot(6));
    expect(await four).toBe(true);
    timers.fire();
    expect(await nine).toBe(false);
  });

  it('tells a quote\'s age by the business time asked about', () => {
    const book = new QuoteBook(manualTimers());
    book.apply(snapshot(2, 'A'));
    const quote = book.quote('A');
    expect(quote && ageMs(quote, 2750)).toBe(750);
  });
});
