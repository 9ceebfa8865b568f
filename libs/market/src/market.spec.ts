import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ALWAYS_OPEN, US_EQUITIES } from '@tallystick/domain';
import { csvSource } from './csv.ts';
import { put, temporaryFolder } from './lean/testing.ts';
import { openMarket } from './open.ts';
import { sessionWindow, sessionWindows } from './session-window.ts';
import type { MarketSource, MarketStep } from './source.ts';

const stepsOf = async (source: MarketSource): Promise<MarketStep[]> => {
  const steps: MarketStep[] = [];
  for await (const step of source.steps()) steps.push(step);
  return steps;
};

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('a CSV of quotes', () => {
  const header = 'time,symbol,bid,bid_size,ask,ask_size,last';

  it('is read with ISO and epoch times, rows of one time in one step, ticks and lots as fine as seen', async () => {
    const file = put(dir, 'market.csv', [header,
      '2024-03-08T09:31:00-05:00,AAA,10.10,100,10.12,200,10.11', '1709908260000,BTC/USD,65000.125,0.5,65001,1,', '2024-03-08T14:31:01Z,AAA,,,10.12,200,', ''].join('\r\n'));
    const source = await csvSource({ file });
    const steps = await stepsOf(source);
    expect(steps.map((step) => step.quotes.map(({ symbol, bid, bid_size, ask, last }) => [symbol, bid, bid_size, ask, last]))).toEqual([
      [['AAA', '10.1', '100', '10.12', '10.11'], ['BTC/USD', '65000.125', '0.5', '65001', undefined]], [['AAA', undefined, undefined, '10.12', '10.11']], [],
    ]);
    expect(steps.at(-1)).toMatchObject({ time_ms: Date.parse('2024-03-08T21:00:00Z'), restated: [] });
    expect(source.description.instruments).toMatchObject([{ symbol: 'AAA', tick_size: '0.01', lot_size: '1' }, { symbol: 'BTC/USD', tick_size: '0.001', lot_size: '0.1' }]);
    expect(source.description).toMatchObject({ days: ['2024-03-08'], start_ms: 1_709_908_260_000 });
  });

  it.each([
    ['2024-03-08T09:31:00,AAA,1,1,1,1,', /line 2: time "2024-03-08T09:31:00" is neither ISO 8601 with a zone/],
    ['1709908260000,AAA,1,1,1,1', /line 2: 6 columns where 7/],
    ['1709908260000,AAA,NaN,1,1,1,', /line 2: bid "NaN" is not a positive decimal/],
    ['1709908260000,AAA,-1,1,1,1,', /line 2: bid "-1"/],
    ['1709908260000,AAA,0,1,1,1,', /line 2: bid is 0/],
    ['1709908260000,AAA,1e5,1,1,1,', /line 2: bid "1e5"/],
    ['1709908260000,aaa,1,1,1,1,', /line 2: symbol "aaa"/],
    ['1709908260000,AAA,,5,1,1,', /line 2: a bid size without a bid/],
    ['1709908260000,AAA,1,1,1,1,\n1709908259999,AAA,1,1,1,1,', /line 3: its time lies before/],
  ])('names file and line of a bad row: %j', async (row, message) => {
    const file = put(dir, 'market.csv', `${header}\n${row}\n`);
    await expect(csvSource({ file })).rejects.toMatchObject({ code: 'MARKET_DATA_UNREADABLE', message: expect.stringMatching(message) });
  });

  it('is refused with another header, without rows, or when it is not there', async () => {
    await expect(csvSource({ file: put(dir, 'a.csv', 'date,symbol\n') })).rejects.toMatchObject({ code: 'MARKET_DATA_UNREADABLE' });
    await expect(csvSource({ file: put(dir, 'b.csv', `${header}\n`) })).rejects.toMatchObject({ code: 'MARKET_DATA_MISSING' });
    await expect(csvSource({ file: `${dir}/c.csv` })).rejects.toMatchObject({ code: 'MARKET_DATA_MISSING' });
  });
});

describe('the simulated market', () => {
  it('is the same for the same seed, another for another, and says that it is simulated', async () => {
    const bytes = async (seed: string): Promise<string> => JSON.stringify(await stepsOf(await openMarket('simulated', { seed }))).replaceAll(`simulated:${seed}`, '');
    const seven = await bytes('7');
    expect((await bytes('7')) === seven).toBe(true);
    expect((await bytes('8')) === seven).toBe(false);
    expect((await stepsOf(await openMarket('simulated', { seed: '7' })))[0]?.source).toBe('simulated:7');
    expect((await openMarket('simulated')).description).toMatchObject({ simulated: true, source: 'simulated:1' });
  });

  it('has whole ticks, both sides, sizes, and bids below asks all day', async () => {
    const quotes = (await stepsOf(await openMarket('simulated', { seed: '3' }))).flatMap((step) => step.quotes);
    const wrong = quotes.filter(({ bid = '', ask = '', bid_size = '', ask_size = '' }) =>
      [bid, ask].some((price) => !/^\d+(\.\d{1,2})?$/.test(price)) || Number(bid) >= Number(ask) || Number(bid_size) <= 0 || Number(ask_size) <= 0);
    expect(quotes.length).toBeGreaterThan(50_000);
    expect(wrong).toEqual([]);
  });

  it('wants a day on which its session trades', async () => {
    await expect(openMarket('simulated', { day: '2024-01-06' })).rejects.toMatchObject({ code: 'MARKET_SPEC_INVALID' });
    expect((await openMarket('simulated', { day: '2024-01-06', session: 'always' })).description.days).toEqual(['2024-01-06']);
  });
});

describe('what market to open', () => {
  it.each([['lean'], ['csv:'], ['nasdaq'], ['']])('refuses %j', async (spec) => {
    await expect(openMarket(spec)).rejects.toMatchObject({ code: 'MARKET_SPEC_INVALID' });
  });

  it('refuses a day that is none, an unknown session and an unknown resolution', async () => {
    for (const options of [{ day: 'tomorrow' }, { day: '2024-13-01' }, { session: 'moon' }, { resolution: 'hour' }]) {
      await expect(openMarket('simulated', options)).rejects.toMatchObject({ code: 'MARKET_SPEC_INVALID' });
    }
  });
});

describe('a session\'s window', () => {
  const iso = (window: ReturnType<typeof sessionWindow>): readonly string[] => (window ? [window.open_ms, window.close_ms].map((at) => new Date(at).toISOString()) : []);

  it('is in UTC by the zone\'s rules of the day', () => {
    expect(iso(sessionWindow(US_EQUITIES, '2024-03-08'))).toEqual(['2024-03-08T14:30:00.000Z', '2024-03-08T21:00:00.000Z']);
    expect(iso(sessionWindow(US_EQUITIES, '2024-03-11'))).toEqual(['2024-03-11T13:30:00.000Z', '2024-03-11T20:00:00.000Z']);
    expect(iso(sessionWindow(ALWAYS_OPEN, '2024-03-09'))).toEqual(['2024-03-09T00:00:00.000Z', '2024-03-10T00:00:00.000Z']);
  });

  it('is none on weekends and holidays, and shorter on an early close', () => {
    expect(sessionWindow(US_EQUITIES, '2024-03-09')).toBeUndefined();
    expect(sessionWindow({ ...US_EQUITIES, holidays: ['2024-07-04'] }, '2024-07-04')).toBeUndefined();
    expect(iso(sessionWindow({ ...US_EQUITIES, early_closes: { '2024-07-03': '13:00' } }, '2024-07-03'))[1]).toBe('2024-07-03T17:00:00.000Z');
  });

  it('is that of the local date, also when asked back and forth', () => {
    const windowAt = sessionWindows(US_EQUITIES);
    for (const [time, expected] of [['2024-03-08T04:59:59Z', '2024-03-07'], ['2024-03-08T05:00:00Z', '2024-03-08'], ['2024-03-09T04:59:59Z', '2024-03-08'], ['2024-03-08T04:00:00Z', '2024-03-07']] as const) {
      expect(windowAt(Date.parse(time))).toEqual(sessionWindow(US_EQUITIES, expected));
    }
    expect(windowAt(Date.parse('2024-03-09T12:00:00Z'))).toBeUndefined();
  });
});
