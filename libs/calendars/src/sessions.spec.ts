import { createHash } from 'node:crypto';
import { sessionRefusal } from '@tallystick/domain';
import { describe, expect, it } from '@jest/globals';
import { auctionWindow } from './auctions.ts';
import { XHKG } from './data/hong-kong.ts';
import { XTKS } from './data/tokyo.ts';
import { CRYPTO } from './data/round-the-clock.ts';
import { XNAS, XNYS } from './data/us.ts';
import { CALENDARS, readSession, SESSIONS } from './sessions.ts';
import { text, utc } from './testing/calendars.ts';
import { windowOf, windows } from './trading-window.ts';

const read = (name: string | undefined, at: string) => readSession(name, utc(at));
const said = (name: string | undefined, at: string): string => {
  const refusal = sessionRefusal(read(name, at), utc(at));
  return refusal === undefined ? 'open' : `${refusal.code}: ${refusal.detail}`;
};

describe('the gate', () => {
  it('is open in the session, until its close', () => {
    expect(read('us-equities', '2013-10-08T15:00')).toEqual({
      name: 'us-equities', calendar: 'XNYS', version: XNYS.version, time_zone: 'America/New_York', state: 'open', trading_day: '2013-10-08',
      since_ms: utc('2013-10-08T13:30'), until_ms: utc('2013-10-08T20:00'), closes_at_ms: utc('2013-10-08T20:00'),
    });
    expect(said('us-equities', '2013-10-08T15:00')).toBe('open');
  });

  it('says why it is closed and when it opens, on the exchange’s wall and in UTC', () => {
    const version = `calendar XNYS ${XNYS.version}`;
    expect(said('us-equities', '2024-11-28T15:00')).toBe(`SESSION_CLOSED: session us-equities is closed: Thanksgiving Day; opens 2024-11-29 09:30 America/New_York (2024-11-29 14:30 UTC) (${version})`);
    expect(said('us-equities', '2024-11-29T18:00')).toBe(`SESSION_CLOSED: session us-equities is after its close: after the close; opens 2024-12-02 09:30 America/New_York (2024-12-02 14:30 UTC) (${version})`);
    expect(said('tokyo', '2024-06-03T02:45')).toMatch(/^SESSION_CLOSED: session tokyo is at its lunch break: lunch break; opens 2024-06-03 12:30 Asia\/Tokyo/);
  });

  it('refuses beyond the horizon with its own code', () => {
    expect(said('us-equities', '2029-01-02T15:00')).toMatch(/^CALENDAR_HORIZON: session us-equities is not known to be open: calendar XNYS .* answers from 2010-01-01 to 2028-12-31, not for 2029-01-02/);
  });

  it('takes a session that nobody knows, none, and no clock for closed', () => {
    expect(said('moon', '2024-06-03T15:00')).toMatch(/^SESSION_CLOSED: .*there is no session of that name; known: us-equities, /);
    expect(said(undefined, '2024-06-03T15:00')).toMatch(/^SESSION_CLOSED: .*no session is known for the instrument/);
    for (const at of [undefined, Number.NaN, Number.POSITIVE_INFINITY]) expect(sessionRefusal(readSession('always', at), at)).toMatchObject({ code: 'SESSION_CLOSED', detail: expect.stringContaining('the market clock cannot be read') });
    for (const name of ['constructor', '__proto__', '']) expect(said(name, '2024-06-03T15:00')).toMatch(/^SESSION_CLOSED/);
  });

  it('takes orders before and after the regular session where the session says so', () => {
    const states = ['07:59', '08:00', '13:30', '20:00', '23:59'].map((time) => `2024-06-03T${time}`);
    expect(states.map((at) => said('us-equities-extended', at).slice(0, 14))).toEqual(['SESSION_CLOSED', 'open', 'open', 'open', 'open']);
    expect(states.map((at) => said('us-equities', at).slice(0, 14))).toEqual(['SESSION_CLOSED', 'SESSION_CLOSED', 'open', 'SESSION_CLOSED', 'SESSION_CLOSED']);
    expect(text(read('us-equities-extended', '2024-06-03T15:00').closes_at_ms)).toBe('2024-06-04T00:00');
  });

  it('is stopped by a halt, and forgets it with the halt', () => {
    const halts = [{ halt_id: 'a', from_ms: utc('2024-06-03T15:00'), reason: 'limit up' }];
    expect(readSession('us-equities', utc('2024-06-03T15:01'), halts)).toMatchObject({ state: 'halted', code: 'SESSION_CLOSED', why: 'limit up' });
    expect(said('us-equities', '2024-06-03T15:01')).toBe('open');
  });

  it('answers the same whatever was asked before', () => {
    const fresh = new Map<string, unknown>();
    const asked = ['2024-06-03T15:00', '2024-06-03T15:01', '2024-06-04T15:00', '2024-06-03T15:00', '2029-06-03T15:00', '2024-06-02T15:00', '2024-06-03T19:59:59.999', '2024-06-03T20:00'];
    for (const at of asked) {
      const { name, ...answer } = read('us-equities', at);
      const { name: other, ...regular } = read('XNYS', at);
      expect([name, other, answer]).toEqual(['us-equities', 'XNYS', regular]);
      fresh.set(at, fresh.get(at) ?? answer);
      expect(fresh.get(at)).toEqual(answer);
    }
  });

  it('costs next to nothing when it is asked again', () => {
    const at = utc('2024-06-03T15:00');
    expect(readSession('us-equities', at)).toBe(readSession('us-equities', at + 1));
  });
});

describe('the catalogue', () => {
  it('keeps the names that instruments have used from the first release on', () => {
    expect([SESSIONS.get('us-equities')?.calendar.name, SESSIONS.get('always')?.calendar.name]).toEqual(['XNYS', 'ALWAYS']);
  });

  it('names every calendar and finds each session by its own name', () => {
    for (const [name, session] of SESSIONS) expect([name, session.trades.length > 0]).toEqual([session.name, true]);
    for (const calendar of CALENDARS) expect(SESSIONS.get(calendar.name)?.calendar).toBe(calendar);
    for (const { source, title, version } of CALENDARS) expect([source, title, version].every((one) => one.length > 3)).toBe(true);
  });

  // A decision records the version and not the data: whoever changes the data gives it another version and its line here.
  it('has the data that its versions had', () => {
    const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
    expect(Object.fromEntries(CALENDARS.map(({ name, version, title: _title, notes: _notes, source: _source, ...data }) => [`${name} ${version}`, digest(data)]))).toEqual({
      'XNYS 2026.1': 'fc7b1482e7524bc2', 'XNAS 2026.1': '1f93cea796ade576', 'XCBO 2026.1': 'c75816ca44dd4a97', 'XCBO-INDEX 2026.1': '2c27ada448d213bd', 'CMES 2026.1': 'd46538b875cd598e',
      'CMEG 2026.1': '61cce7e6a8504bc3', 'FX 2026.1': '208d25accea06833', 'CRYPTO 2026.1': 'f1c0614837049b24', 'XLON 2026.1': '1b3fcb9390fa4eab', 'XETR 2026.1': 'eae754c4876f90aa',
      'XPAR 2026.1': '8e96e1bbac321d83', 'XTKS 2026.1': '579571ee3deb0274', 'XHKG 2026.1': '3850ca05d63d5f8e', 'XNSE 2026.1': '02191d23f784df74', 'ALWAYS 2026.1': 'f1c0614837049b24',
    });
  });
});

describe('trading windows', () => {
  const session = (name: string) => {
    const found = SESSIONS.get(name);
    if (!found) throw new Error(name);
    return found;
  };
  const iso = (window: ReturnType<typeof windowOf>): readonly string[] => (window ? [window.open_ms, ...window.breaks.flatMap(({ from_ms, until_ms }) => [from_ms, until_ms]), window.close_ms].map(text) : []);

  it('are those of the trading day, with its breaks', () => {
    expect(iso(windowOf(session('us-equities'), '2024-03-08'))).toEqual(['2024-03-08T14:30', '2024-03-08T21:00']);
    expect(iso(windowOf(session('us-equities'), '2024-03-11'))).toEqual(['2024-03-11T13:30', '2024-03-11T20:00']);
    expect(iso(windowOf(session('us-equities'), '2024-07-03'))).toEqual(['2024-07-03T13:30', '2024-07-03T17:00']);
    expect(iso(windowOf(session('us-equities-extended'), '2024-07-03'))).toEqual(['2024-07-03T08:00', '2024-07-03T21:00']);
    expect(iso(windowOf(session('tokyo'), '2024-11-05'))).toEqual(['2024-11-05T00:00', '2024-11-05T02:30', '2024-11-05T03:30', '2024-11-05T06:30']);
    expect(iso(windowOf(session('always'), '2024-03-09'))).toEqual(['2024-03-09T00:00', '2024-03-10T00:00']);
    for (const date of ['2024-03-09', '2024-07-04', '2009-12-31', '2029-01-02', 'tomorrow']) expect([date, iso(windowOf(session('us-equities'), date))]).toEqual([date, []]);
  });

  it.each([
    ['us-equities', '2024-03-08T05:00', '2024-03-08T21:00'], ['us-equities', '2024-03-08T04:59:59', '2024-03-07T21:00'], ['us-equities', '2024-03-09T04:59:59', '2024-03-08T21:00'], ['us-equities', '2024-03-09T12:00', ''],
    ['fx', '2024-05-03T20:59:59', '2024-05-03T21:00'], ['fx', '2024-05-03T21:00', '2024-05-03T21:00'], ['fx', '2024-05-04T12:00', ''], ['fx', '2024-05-05T12:00', '2024-05-06T21:00'],
    ['fx', '2024-05-05T21:00', '2024-05-06T21:00'], ['fx', '2024-05-06T20:59:59', '2024-05-06T21:00'], ['fx', '2024-05-06T21:00', '2024-05-07T21:00'], ['fx', '2024-12-24T23:00', '2024-12-24T22:00'],
    ['cme-equity-index', '2024-05-06T21:30', '2024-05-07T21:00'], ['cme-equity-index', '2024-05-27T18:00', '2024-05-28T21:00'],
  ])('of an order of %s entered at %s ends at %s', (name, at, close) => {
    const fresh = windows(session(name));
    expect(text(fresh(utc(at))?.close_ms)).toBe(close);
    // The same when it was asked for other times before.
    for (const other of ['2024-05-06T12:00', '2024-03-08T12:00', '2024-05-05T23:00']) fresh(utc(other));
    expect(text(fresh(utc(at))?.close_ms)).toBe(close);
  });
});

describe('auction windows', () => {
  const iso = (window: ReturnType<typeof auctionWindow>): string => (window ? `${text(window.from_ms)} ${text(window.until_ms)}` : '');

  it('end before the opening and the close of the day, early ones too', () => {
    expect(iso(auctionWindow(XNYS, '2024-06-03', 'OPG'))).toBe('2024-06-03T08:00 2024-06-03T13:28');
    expect(iso(auctionWindow(XNYS, '2024-06-03', 'CLS'))).toBe('2024-06-03T13:30 2024-06-03T19:50');
    expect(iso(auctionWindow(XNAS, '2024-07-03', 'CLS')).slice(-5)).toBe('16:55');
    expect(iso(auctionWindow(XHKG, '2024-02-09', 'CLS'))).toBe('2024-02-09T04:00 2024-02-09T04:08');
  });

  it('are none where and when there is no auction, no session or no knowledge', () => {
    expect([auctionWindow(CRYPTO, '2024-06-03', 'OPG'), auctionWindow(XNYS, '2024-07-04', 'OPG'), auctionWindow(XNYS, '2029-01-02', 'OPG'), auctionWindow(XTKS, '2024-11-01', 'CLS')]).toEqual([undefined, undefined, undefined, undefined]);
    expect(iso(auctionWindow(XTKS, '2024-11-05', 'CLS'))).toBe('2024-11-05T06:25 2024-11-05T06:30');
  });
});
