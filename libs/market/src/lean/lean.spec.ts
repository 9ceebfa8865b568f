import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { MarketSource, MarketStep } from '../source.ts';
import { leanSource } from './source.ts';
import { flat, put, temporaryFolder, zipOf } from './testing.ts';

const HALF_PAST_NINE = 34_200_000;
/** A quote bar: bid and ask with open, high and low unlike the close, so that a wrong column shows. */
const quoteRow = (msOfDay: number, bid: number, bidSize: string, ask: number, askSize: string): string =>
  [msOfDay, bid - 1, bid + 7, bid - 9, bid, bidSize, ask - 1, ask + 7, ask - 9, ask, askSize].join();
const tradeRow = (msOfDay: number, close: number): string => [msOfDay, close + 3, close + 9, close - 9, close, 700].join();

const stepsOf = async (source: MarketSource): Promise<MarketStep[]> => {
  const steps: MarketStep[] = [];
  for await (const step of source.steps()) steps.push(step);
  return steps;
};
/** Code and message of what `run` throws. */
const thrown = (run: () => unknown): readonly [unknown, string] => {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? ['code' in error ? error.code : undefined, error.message] : [undefined, String(error)];
  }
  throw new Error('nothing was thrown');
};
const at = (iso: string): number => Date.parse(iso);

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('LEAN second files', () => {
  it('give the quote at the end of each bar, in UTC, with prices as decimals', async () => {
    flat(dir, { symbol: 'spy', day: '20131008', kind: 'quote', rows: [quoteRow(HALF_PAST_NINE, 1_694_100, '300', 1_694_150, '1200')] });
    flat(dir, { symbol: 'spy', day: '20131008', kind: 'trade', rows: [tradeRow(HALF_PAST_NINE, 1_694_101), tradeRow(HALF_PAST_NINE + 1000, 1_700_000)] });
    const source = leanSource({ dir });
    const [opening, first, second] = await stepsOf(source);
    expect(opening).toMatchObject({ time_ms: at('2013-10-08T13:30:01Z') });
    expect(opening?.quotes[0]).toEqual({
      symbol: 'SPY', bid: '169.41', bid_size: '300', ask: '169.415', ask_size: '1200', last: '169.4101',
      time_ms: at('2013-10-08T13:30:01Z'), sequence: 1, source: 'lean:SPY',
    });
    expect(opening).toMatchObject({ restated: ['SPY'], traded: ['SPY'] });
    expect(first).toMatchObject({ sequence: 2, time_ms: at('2013-10-08T13:30:02Z'), restated: [], traded: ['SPY'] });
    expect(first?.quotes[0]).toMatchObject({ bid: '169.41', last: '170' });
    expect(second).toMatchObject({ quotes: [], time_ms: at('2013-10-08T20:00:00Z') });
    expect(source.description).toMatchObject({ simulated: false, days: ['2013-10-08'], start_ms: at('2013-10-08T13:30:01Z'), end_ms: at('2013-10-08T13:30:02Z') });
    expect(source.description.instruments[0]).toMatchObject({ symbol: 'SPY', tick_size: '0.0001', lot_size: '1', session: 'us-equities' });
  });

  it('merge symbols by time into one step each, and give the same steps every time', async () => {
    flat(dir, { symbol: 'ibm', day: '20131008', kind: 'quote', rows: [quoteRow(1000, 10_000, '1', 10_100, '2'), quoteRow(3000, 10_000, '1', 10_100, '2')] });
    flat(dir, { symbol: 'aig', day: '20131008', kind: 'quote', rows: [quoteRow(1000, 20_000, '1', 20_100, '2'), quoteRow(2000, 20_000, '1', 20_100, '2')] });
    const source = leanSource({ dir });
    const steps = await stepsOf(source);
    expect(steps.filter((step) => step.quotes.length > 0).map((step) => step.quotes.map((quote) => quote.symbol))).toEqual([['AIG', 'IBM'], ['AIG'], ['IBM']]);
    expect(steps.map((step) => step.sequence)).toEqual(steps.map((_, index) => index + 1));
    expect(await stepsOf(source)).toEqual(steps);
  });

  it('keep crossed and locked quotes, and an empty side is no quote', async () => {
    const rows = [quoteRow(1000, 20_000, '5', 19_900, '6'), quoteRow(2000, 20_000, '5', 20_000, '6'), '3000,,,,,0,20100,20100,20100,20100,7', '4000,20000,20000,20000,20000,7,,,,,'];
    flat(dir, { symbol: 'aig', day: '20131008', kind: 'quote', rows });
    const quotes = (await stepsOf(leanSource({ dir }))).flatMap((step) => step.quotes);
    expect(quotes.map(({ bid, ask }) => [bid, ask])).toEqual([['2', '1.99'], ['2', '2'], [undefined, '2.01'], ['2', undefined]]);
    expect(quotes[2]).not.toHaveProperty('bid_size');
  });

  it('on the day clocks go forward and on the day they go back, are dated by New York\'s wall clock', async () => {
    const rows = [quoteRow(3_600_000, 20_000, '1', 20_100, '1'), quoteRow(4 * 3_600_000, 20_000, '1', 20_100, '1'), quoteRow(HALF_PAST_NINE, 20_000, '1', 20_100, '1')];
    flat(dir, { symbol: 'aig', day: '20240310', kind: 'quote', rows });
    flat(dir, { symbol: 'aig', day: '20241103', kind: 'quote', rows });
    const times = async (day: string): Promise<string[]> => (await stepsOf(leanSource({ dir, day }))).map((step) => new Date(step.time_ms).toISOString());
    expect(await times('2024-03-10')).toEqual(['2024-03-10T06:00:01.000Z', '2024-03-10T08:00:01.000Z', '2024-03-10T13:30:01.000Z']);
    expect(await times('20241103')).toEqual(['2024-11-03T05:00:01.000Z', '2024-11-03T09:00:01.000Z', '2024-11-03T14:30:01.000Z']);
  });

  it('of several days follow each other, and one of them can be chosen', async () => {
    for (const day of ['20131009', '20131008']) flat(dir, { symbol: 'aig', day, kind: 'quote', rows: [quoteRow(HALF_PAST_NINE, 20_000, '1', 20_100, '1')] });
    const both = leanSource({ dir });
    expect(both.description.days).toEqual(['2013-10-08', '2013-10-09']);
    const boundaries = (await stepsOf(both)).filter((step) => step.quotes.length === 0).map((step) => new Date(step.time_ms).toISOString());
    expect(boundaries).toEqual(['2013-10-08T20:00:00.000Z', '2013-10-09T20:00:00.000Z']);
    expect(leanSource({ dir, day: '2013-10-09' }).description.days).toEqual(['2013-10-09']);
    expect(both.description.fingerprint).not.toBe(leanSource({ dir, day: '2013-10-09' }).description.fingerprint);
  });
});

describe('LEAN minute and tick files', () => {
  it('of minutes date a bar at its end, and stop at one on a day that closes early', async () => {
    const rows = [quoteRow(HALF_PAST_NINE, 7_480_000, '1', 7_490_000, '1'), quoteRow(46_740_000, 7_480_000, '1', 7_490_000, '1')];
    flat(dir, { symbol: 'goog', day: '20151224', kind: 'quote', rows, resolution: 'minute' });
    const steps = await stepsOf(leanSource({ dir }));
    expect(steps.map((step) => new Date(step.time_ms).toISOString())).toEqual(['2015-12-24T14:31:00.000Z', '2015-12-24T18:00:00.000Z']);
  });

  it('of ticks keep the side that a tick does not state, and leave out those marked suspicious', async () => {
    const quotes = ['34200000,1000000,3,0,0,Q,,0', '34200005,0,0,1000100,4,Q,,0', '34200006,500,1,0,0,Q,,1', '34200007,1000050,9,0,0,Q,,0'];
    put(dir, 'equity/usa/tick/spy/20131008_quote.zip', zipOf('20131008_spy_Tick_Quote.csv', quotes.join('\r\n')));
    put(dir, 'equity/usa/tick/spy/20131008_trade.zip', zipOf('20131008_spy_Tick_Trade.csv', '34200005,1000100,100,Q,,0\n34200008,1,100,Q,,1\n'));
    const steps = (await stepsOf(leanSource({ dir }))).filter((step) => step.quotes.length > 0);
    expect(steps.map(({ time_ms, quotes: [quote] }) => [time_ms - at('2013-10-08T13:30:00Z'), quote?.bid, quote?.ask, quote?.last]))
      .toEqual([[0, '100', undefined, undefined], [5, '100', '100.01', '100.01'], [7, '100.005', '100.01', '100.01']]);
  });

  it('are found in LEAN\'s own tree, the finest bars first, from any of its folders', () => {
    const minute = zipOf('20131008_spy_minute_quote.csv', quoteRow(HALF_PAST_NINE, 20_000, '1', 20_100, '1'));
    put(dir, 'equity/usa/minute/spy/20131008_quote.zip', minute);
    put(dir, 'equity/usa/second/ibm/20131008_quote.zip', minute);
    const symbols = (path: string, resolution?: 'minute'): string[] =>
      leanSource({ dir: path, ...(resolution ? { resolution } : {}) }).description.instruments.map((each) => each.symbol);
    expect(symbols(dir)).toEqual(['IBM']);
    expect(symbols(`${dir}/equity/usa`, 'minute')).toEqual(['SPY']);
    expect(symbols(`${dir}/equity/usa/minute`)).toEqual(['SPY']);
  });
});

describe('LEAN files that cannot be read', () => {
  const good = quoteRow(1000, 20_000, '1', 20_100, '1');

  it.each([
    ['a word for a number', [good, '2000,a,1,1,1,1,1,1,1,1,1'], /aig_20131008_quote\.zip.* line 2: bid open "a" is not a whole number/],
    ['a missing column', [good, good, '2000,1,1,1,1,1,1,1,1,1'], /line 3: 10 columns where 11 are expected/],
    ['a time that goes back', [quoteRow(2000, 20_000, '1', 20_100, '1'), good], /line 2: time 1000 lies before/],
    ['a time beyond the day', [quoteRow(86_400_000, 20_000, '1', 20_100, '1')], /line 1: time 86400000 is not within a day/],
    ['half a bar', ['1000,20000,,20000,20000,1,20100,20100,20100,20100,1'], /line 1: the bid bar is half empty/],
    ['a size that is none', [quoteRow(1000, 20_000, '1.2.3', 20_100, '1')], /line 1: bid size "1\.2\.3" is not a size/],
    ['an empty line between', [good, '', good], /line 2: 1 columns/],
    ['a negative price', ['1000,-1,1,1,1,1,1,1,1,1,1'], /line 1: bid open "-1"/],
  ])('name file and line: %s', (_what, rows, message) => {
    flat(dir, { symbol: 'aig', day: '20131008', kind: 'quote', rows });
    const [code, said] = thrown(() => leanSource({ dir }));
    expect(code).toBe('MARKET_DATA_UNREADABLE');
    expect(said).toMatch(message);
  });

  it('refuse what is no zip, is cut short, damaged, or has no CSV in it', () => {
    const whole = zipOf('20131008_aig_second_quote.csv', good);
    const damaged = Buffer.from(whole);
    damaged[75] = (damaged[75] ?? 0) ^ 1;
    for (const bytes of [Buffer.from('not a zip'), whole.subarray(0, 60), damaged, zipOf('readme.txt', good), zipOf('20131008_aig_hourly_quote.csv', good)]) {
      put(dir, 'aig_20131008_quote.zip', bytes);
      const [code, said] = thrown(() => leanSource({ dir }));
      expect([code, said.includes('aig_20131008_quote.zip')]).toEqual(['MARKET_DATA_UNREADABLE', true]);
    }
  });

  it('say what is there when what was asked for is not', () => {
    flat(dir, { symbol: 'aig', day: '20131008', kind: 'quote', rows: [good] });
    const missing = (options: Partial<Parameters<typeof leanSource>[0]>, message: RegExp): void => {
      const [code, said] = thrown(() => leanSource({ dir, ...options }));
      expect(code).toBe('MARKET_DATA_MISSING');
      expect(said).toMatch(message);
    };
    missing({ day: '2013-10-09' }, /nothing for 2013-10-09; days there: 2013-10-08/);
    missing({ symbols: ['IBM'] }, /no quotes for IBM; there: AIG/);
    missing({ dir: `${dir}/nowhere` }, /no such folder/);
    put(dir, 'empty/readme.txt', '');
    missing({ dir: `${dir}/empty` }, /no LEAN equity files/);
  });
});
