import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { csvSource } from './csv.ts';
import { put, temporaryFolder } from './lean/testing.ts';
import { openMarket } from './open.ts';
import { sessionWindows } from './session-window.ts';
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

  it('refuses a day that the calendar does not know, and data of such days', async () => {
    for (const day of ['2009-12-31', '2029-01-02']) await expect(openMarket('simulated', { day })).rejects.toMatchObject({ code: 'CALENDAR_HORIZON' });
    const file = put(dir, 'old.csv', 'time,symbol,bid,bid_size,ask,ask_size\n2008-10-08T14:00:00Z,A,1,1,2,1\n');
    await expect(openMarket(`csv:${file}`)).rejects.toMatchObject({ code: 'CALENDAR_HORIZON', message: expect.stringContaining('not for 2008-10-08') });
    expect((await openMarket(`csv:${file}`, { session: 'always' })).description.session).toEqual({ name: 'always', calendar: 'ALWAYS', version: expect.any(String), time_zone: 'UTC' });
  });

  it('refuses a day that is none, an unknown session and an unknown resolution', async () => {
    for (const options of [{ day: 'tomorrow' }, { day: '2024-13-01' }, { session: 'moon' }, { resolution: 'hour' }]) {
      await expect(openMarket('simulated', options)).rejects.toMatchObject({ code: 'MARKET_SPEC_INVALID' });
    }
  });
});

describe('the steps that mark a session', () => {
  const header = 'time,symbol,bid,bid_size,ask,ask_size';
  const marks = async (session: string, ...times: readonly string[]): Promise<readonly string[]> => {
    const file = put(dir, 'market.csv', [header, ...times.map((time) => `${time},A,1,1,2,1`), ''].join('\n'));
    const steps = await stepsOf(await openMarket(`csv:${file}`, { session }));
    return steps.filter((step) => step.quotes.length === 0).map((step) => new Date(step.time_ms).toISOString().slice(0, 16));
  };

  it('are its opening and its close, where no data falls on them', async () => {
    expect(await marks('us-equities', '2024-03-08T14:29:00Z', '2024-03-08T15:00:00Z')).toEqual(['2024-03-08T14:30', '2024-03-08T21:00']);
    expect(await marks('us-equities', '2024-07-03T13:30:00Z')).toEqual(['2024-07-03T17:00']);
    expect(await marks('us-equities', '2024-03-09T15:00:00Z')).toEqual([]);
  });

  it('are also the ends of a lunch break', async () => {
    expect(await marks('tokyo', '2024-11-05T00:00:00Z', '2024-11-05T05:00:00Z')).toEqual(['2024-11-05T02:30', '2024-11-05T03:30', '2024-11-05T06:30']);
  });

  it('go on to the close of a session that began in the evening, each once', async () => {
    expect(await marks('fx', '2024-03-08T15:00:00Z', '2024-03-10T20:30:00Z', '2024-03-10T22:00:00Z', '2024-03-11T12:00:00Z')).toEqual([
      '2024-03-08T22:00', '2024-03-10T21:00', '2024-03-11T21:00']);
  });
});

it('knows the window of a named session, and no window of one that nobody knows', () => {
  expect(sessionWindows({ name: 'us-equities' })(Date.parse('2024-07-03T12:00:00Z'))).toMatchObject({ close_ms: Date.parse('2024-07-03T17:00:00Z') });
  expect(() => sessionWindows({ name: 'moon' })).toThrow(expect.objectContaining({ code: 'MARKET_SPEC_INVALID', message: expect.stringContaining('us-equities') }));
});
