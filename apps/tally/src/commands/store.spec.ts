import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedStore, type EmbeddedStore } from '@tallystick/eventstore-embedded';
import { runTally } from '../program.ts';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let data: string;
let store: string;
let elsewhere: string;
let running: EmbeddedStore | undefined;

const start = async (): Promise<void> => {
  running = await startEmbeddedStore({ dataDir: store });
};
const stop = async (): Promise<void> => {
  await running?.stop();
  running = undefined;
};

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'tally-store-'));
  elsewhere = mkdtempSync(join(tmpdir(), 'tally-cwd-'));
  store = join(data, 'store');
  writeFileSync(join(data, 'operator.json'), '{}');
  await start();
});
afterEach(async () => {
  await stop();
  for (const dir of [data, elsewhere]) rmSync(dir, { recursive: true, force: true });
});

const tally = async (args: readonly string[], { env = {}, clockMs = () => 0, interrupted = new AbortController().signal }: { env?: Record<string, string>; clockMs?: () => number; interrupted?: AbortSignal } = {}): Promise<Ended> => {
  const texts = { stdout: '', stderr: '' };
  const code = await runTally(args, {
    streams: { stdout: { write: (text) => (texts.stdout += text) }, stderr: { write: (text) => (texts.stderr += text) } }, env, cwd: elsewhere,
    readStdin: () => Promise.resolve(''), sleep: () => Promise.resolve(), uuid: () => 'id', nowMs: clockMs, interrupted,
  });
  return { code, ...texts };
};
const ofData = (...args: readonly string[]): Promise<Ended> => tally(['store', ...args, '--data', data]);
const json = async (...args: readonly string[]): Promise<{ readonly code: number; readonly body: Record<string, unknown> }> => {
  const { code, stdout } = await ofData(...args, '--json');
  return { code, body: JSON.parse(stdout) as Record<string, unknown> };
};
const flipLastByte = (path: string): void => {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
};

describe('tally store', () => {
  it('info shows a running store, and a stopped one', async () => {
    const { code, stdout } = await ofData('info');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`directory +${store}\nlog +[0-9a-f-]{36}\n`));
    expect(stdout).toMatch(/events +1\n[\s\S]*first event +\d{4}-\d\d-\d\d [\s\S]*server running +yes, process \d+/);
    expect(await json('info')).toMatchObject({ code: 0, body: { events: 1, position: 1, running: true, pid: process.pid } });
    await stop();
    expect((await ofData('info')).stdout).toMatch(/server running +no/);
  });

  it('finds the store by --dir, --data, the environment, or the nearest .data, in that order', async () => {
    const named = { env: { TALLY_STORE_DATA_DIR: join(elsewhere, 'none') } };
    expect((await tally(['store', 'info'], named)).stderr).toContain(join(elsewhere, 'none'));
    expect((await tally(['store', 'info', '--data', data], named)).code).toBe(0);
    expect((await tally(['store', 'info', '--dir', store, '--data', elsewhere], named)).code).toBe(0);
    expect((await tally(['store', 'info'], { env: { TALLY_DATA_DIR: data } })).code).toBe(0);
    await stop();
    cpSync(data, join(elsewhere, '.data'), { recursive: true });
    expect((await tally(['store', 'info'])).stdout).toContain(join(elsewhere, '.data', 'store'));
    rmSync(join(elsewhere, '.data'), { recursive: true });
    expect(await tally(['store', 'info'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/error: USAGE[\s\S]*--data/) });
  });

  it('check ends with 0 clean, 1 damaged, 2 unreadable, and says what and where', async () => {
    expect(await ofData('check')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^clean: 1 events in 1 records, 1 streams, 1 segments, \d+ bytes\n$/), stderr: expect.stringContaining('a server runs') });
    await stop();
    expect(await json('check')).toMatchObject({ code: 0, body: { outcome: 'clean', running: false, findings: [], tail: { events: 0 } } });
    flipLastByte(join(store, '00000001.log'));
    const damaged = await ofData('check');
    expect(damaged).toMatchObject({ code: 1, stdout: expect.stringMatching(/^damaged: .*00000001\.log at byte 64: the checksum of the record is wrong\n {2}fix: .*restore/) });
    expect(await json('check')).toMatchObject({ code: 1, body: { outcome: 'damaged', findings: [{ file: join(store, '00000001.log'), byte: 64 }] } });
    expect(await tally(['store', 'check', '--dir', elsewhere])).toMatchObject({ code: 2, stderr: expect.stringMatching(/error: NO_STORE[\s\S]*fix:/) });
    expect(JSON.parse((await tally(['store', 'check', '--dir', elsewhere, '--json'])).stdout)).toMatchObject({ ok: false, error: { code: 'NO_STORE' } });
  });

  it('backs up a running store, refuses to overwrite, and restores it into a place where nothing is yet', async () => {
    expect(await ofData('backup', 'first')).toMatchObject({ code: 0, stdout: expect.stringMatching(`^backed up: 1 events, \\d+ bytes, to ${join(elsewhere, 'first')}\n$`) });
    expect(await json('backup', 'second')).toMatchObject({ code: 0, body: { backup: join(elsewhere, 'second'), manifest: { version: 1, events: 1, tool_version: expect.stringMatching(/^v\d/) } } });
    expect(await ofData('backup', 'first')).toMatchObject({ code: 1, stderr: expect.stringContaining('BACKUP_EXISTS') });
    expect(await ofData('backup', 'no/such/place')).toMatchObject({ code: 2, stderr: expect.stringContaining('mount') });
    const restored = await tally(['store', 'restore', 'first', '--data', 'new']);
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining(join(elsewhere, 'new', 'store')), stderr: expect.stringMatching(/position 1[\s\S]*sends nothing until you have reconciled/) });
    expect(readdirSync(join(elsewhere, 'new', 'store')).sort()).toEqual(['00000001.log', 'high-water-mark', 'restored.json']);
    expect((await tally(['store', 'info', '--dir', 'new/store'])).stdout).toMatch(/restored +.* at position 1, from /);
    // Other commands still need a system that was started there.
    expect(await tally(['status', '--data', 'new'])).toMatchObject({ code: 2, stderr: expect.stringContaining('SETTINGS_MISSING') });
  });

  it('restores over a store only when it is stopped, and when it is told what that costs', async () => {
    await ofData('backup', 'first');
    expect(await ofData('restore', 'first', '--replace')).toMatchObject({ code: 1, stderr: expect.stringContaining('STORE_LOCKED') });
    await stop();
    expect(await ofData('restore', 'first')).toMatchObject({ code: 1, stderr: expect.stringMatching(/STORE_EXISTS[\s\S]*--replace/) });
    const replaced = await ofData('restore', 'first', '--replace');
    expect(replaced).toMatchObject({ code: 0, stdout: expect.stringMatching(/^restored: 1 events[^\n]*\nwhat was there is in .*store\.replaced-\d{8}T\d{9}Z\n$/) });
    // A log of its own in the place: the backup has nothing of it.
    rmSync(store, { recursive: true });
    await start();
    await stop();
    expect(await ofData('restore', 'first', '--replace')).toMatchObject({ code: 1, stderr: expect.stringMatching(/BACKUP_OLDER[\s\S]*another log[\s\S]*--lose-newer/) });
    expect(await json('restore', 'first', '--replace', '--lose-newer')).toMatchObject({ code: 0, body: { events: 1, restored: { replaced: { relation: 'other', newer_events: 1 } } } });
    expect((await ofData('check')).code).toBe(0);
  });

  it('refuses a backup that is damaged or none, and changes nothing', async () => {
    await ofData('backup', 'first');
    flipLastByte(join(elsewhere, 'first', '00000001.log'));
    expect(await tally(['store', 'restore', 'first', '--dir', 'new'])).toMatchObject({ code: 1, stderr: expect.stringContaining('BACKUP_DAMAGED') });
    mkdirSync(join(elsewhere, 'empty'));
    expect(await tally(['store', 'restore', 'empty', '--dir', 'new'])).toMatchObject({ code: 2, stderr: expect.stringContaining('NO_BACKUP') });
    expect(existsSync(join(elsewhere, 'new'))).toBe(false);
  });

  it('tells of long work once a second on stderr, and ends with 130 when it is interrupted', async () => {
    let clockMs = 0;
    const slow = await tally(['store', 'check', '--dir', store], { clockMs: () => (clockMs += 1_500) });
    expect(slow).toMatchObject({ code: 0, stderr: expect.stringMatching(/^checked: \d+ bytes of \d+ bytes\n/) });
    expect((await tally(['store', 'check', '--dir', store])).stderr).not.toContain('checked:');
    const stopped = new AbortController();
    stopped.abort();
    expect((await tally(['store', 'backup', 'third', '--dir', store], { interrupted: stopped.signal })).code).toBe(130);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('has help with examples for every command', async () => {
    for (const command of ['info', 'check', 'backup', 'restore']) {
      const help = await tally(['store', command, '--help']);
      expect([command, help.code, help.stdout.includes('Examples:\n  tally store')]).toEqual([command, 0, true]);
    }
  });
});
