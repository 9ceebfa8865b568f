import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTally } from '../program.ts';

let elsewhere: string;
beforeEach(() => {
  elsewhere = mkdtempSync(join(tmpdir(), 'tally-cwd-'));
});
afterEach(() => rmSync(elsewhere, { recursive: true, force: true }));

const tally = async (...args: readonly string[]) => {
  const texts = { stdout: '', stderr: '' };
  const code = await runTally(['session', 'show', ...args], {
    streams: { stdout: { write: (text) => (texts.stdout += text) }, stderr: { write: (text) => (texts.stderr += text) } }, env: {}, cwd: elsewhere,
    readStdin: () => Promise.resolve(''), sleep: () => Promise.resolve(), uuid: () => 'id', nowMs: () => Date.parse('2024-11-29T15:00:00Z'), interrupted: new AbortController().signal,
  });
  return { code, ...texts };
};

describe('tally session show', () => {
  it('shows a session as it is now and its days, without any system', async () => {
    const { code, stdout } = await tally('us-equities', '--days', '4');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^state +open$/m);
    expect(stdout).toMatch(/^closes +2024-11-29 13:00 America\/New_York \(2024-11-29 18:00 UTC\)$/m);
    expect(stdout).toMatch(/^2024-11-29 +Fri +pre 04:00–09:30, open 09:30–13:00, post 13:00–17:00 +Day after Thanksgiving$/m);
    expect(stdout).toMatch(/^2024-12-01 +Sun +closed +weekend$/m);
    expect(stdout).not.toContain('2024-12-03');
  });

  it('shows any instant, by the name of a calendar in any case', async () => {
    for (const name of ['XTKS', 'xtks', 'tokyo', 'TOKYO']) {
      const { code, stdout } = await tally(name, '--at', '2024-11-05T02:45:00Z', '--days', '0');
      expect([code, /^state +lunch$/m.test(stdout), /^opens next +2024-11-05 12:30 Asia\/Tokyo/m.test(stdout), stdout.includes('DATE')]).toEqual([0, true, true, false]);
    }
  });

  it('says what the gate would say, and ends with 1 where the calendar does not know', async () => {
    const holiday = await tally('us-equities', '--at', '2024-11-28T15:00:00Z');
    expect([holiday.code, /^an order now +is refused with SESSION_CLOSED$/m.test(holiday.stdout), /^why +Thanksgiving Day$/m.test(holiday.stdout)]).toEqual([0, true, true]);
    const beyond = await tally('us-equities', '--at', '2029-02-01T15:00:00Z', '--days', '1');
    expect([beyond.code, /^an order now +is refused with CALENDAR_HORIZON$/m.test(beyond.stdout), /^2029-02-01 +Thu +not known/m.test(beyond.stdout)]).toEqual([1, true, true]);
  });

  it('shows every calendar without a name', async () => {
    const { code, stdout, stderr } = await tally('--at', '2024-12-25T15:00:00Z');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^XNYS +New York Stock Exchange +closed .*2010-01-01 to 2028-12-31 .*Christmas Day$/m);
    expect(stdout).toMatch(/^CRYPTO .* open /m);
    expect(stderr).toContain('us-equities-extended');
  });

  it('is for programs too', async () => {
    const { stdout } = await tally('fx', '--at', '2024-12-24T23:00:00Z', '--days', '2', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      asked: 'fx', session: 'fx', trades: ['open'], calendar: { name: 'FX' }, reading: { state: 'closed', code: 'SESSION_CLOSED', why: 'Christmas Day', next_open_ms: Date.parse('2024-12-25T22:00:00Z') },
      days: [{ date: '2024-12-24', weekday: 'Tue', known: true, phases: [{ state: 'open', from_ms: Date.parse('2024-12-23T22:00:00Z') }] }, { date: '2024-12-25', phases: [], why: 'Christmas Day' }],
    });
    expect(JSON.parse((await tally('--json')).stdout)).toMatchObject({ readings: expect.arrayContaining([expect.objectContaining({ name: 'XNYS', state: 'open' })]) });
  });

  it.each([
    ['a name that nobody knows', ['moon'], /no session, calendar or listed instrument "moon"[^]*known: us-equities/],
    ['a time without a zone', ['fx', '--at', '2024-12-24T23:00:00'], /is no time/],
    ['no time', ['fx', '--at', 'noon'], /is no time/],
    ['a day that is none', ['fx', '--at', '2024-13-45'], /is no time/],
    ['too many days', ['fx', '--days', '367'], /--days is at most 366/],
    ['days that are no number', ['fx', '--days', 'ten'], /--days is a whole number/],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await tally(...args);
    expect([code, message.test(stderr)]).toEqual([2, true]);
  });

  it('says when the read model that would know a symbol cannot be read', async () => {
    writeFileSync(join(elsewhere, 'operator.json'), JSON.stringify({ read_model: join(elsewhere, 'gone.sqlite') }));
    const { code, stderr } = await tally('SPY', '--data', elsewhere);
    expect([code, stderr.includes('READ_MODEL_UNREADABLE'), stderr.includes('gone.sqlite')]).toEqual([2, true, true]);
  });
});
