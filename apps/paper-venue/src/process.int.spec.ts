import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

/** The built program: what the tests of sources cannot show is that it runs as Node runs it, and what a kill leaves. */
const MAIN = join(__dirname, '../dist/main.js');
const OPEN = Date.parse('2024-01-03T14:30:00Z');
const AUTH = { acc: 'secret-of-acc', control: 'secret-of-control' };

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

let dir: string;
const children = new Set<ChildProcess>();
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tally-paper-venue-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  rmSync(dir, { recursive: true, force: true });
});

const launch = (env: Record<string, string> = {}, args: readonly string[] = []): { child: ChildProcess; ready: Promise<number | undefined>; ended: Running['ended'] } => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', TALLY_VENUE_PORT: '0', TALLY_VENUE_DATA_DIR: join(dir, 'data'), TALLY_VENUE_TOKENS: `acc=${AUTH.acc}`, TALLY_VENUE_CONTROL_TOKEN: AUTH.control, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ready = new Promise<number | undefined>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const port = /"event":"ready","port":(\d+)/.exec(stdout)?.[1];
      if (port) resolve(Number(port));
    });
    child.on('close', () => resolve(undefined));
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return { child, ready, ended };
};

const start = async (env: Record<string, string> = {}): Promise<Running> => {
  const { child, ready, ended } = launch(env);
  const port = await ready;
  if (port === undefined) throw new Error((await ended).stderr);
  return { child, port, ended };
};

const call = async ({ port }: Running, method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
  const token = path.startsWith('/control') || path === '/v1/book' ? AUTH.control : AUTH.acc;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { authorization: `Bearer ${token}` }, ...(body ? { body: JSON.stringify(body) } : {}) });
  return (await response.json()) as Record<string, unknown>;
};

const play = async (running: Running, from: number, to: number): Promise<void> => {
  for (let turn = from; turn < to; turn += 1) {
    await call(running, 'POST', '/control/step', { until_ms: OPEN + turn * 60_000 });
    for (const [index, symbol] of ['ALFA', 'ECHO'].entries()) {
      await call(running, 'POST', '/v1/orders', {
        client_order_id: `t${turn}-${index}`, account: 'acc', symbol, side: turn % 3 === 0 ? 'sell' : 'buy', qty: String(300 + turn * 50), order_type: 'market', time_in_force: 'DAY',
      });
    }
  }
};

describe('the paper venue\'s process', () => {
  it('killed at any moment goes on as if it had not been', async () => {
    const whole = await start({ TALLY_VENUE_DATA_DIR: join(dir, 'whole') });
    await play(whole, 1, 13);
    await call(whole, 'POST', '/control/step', { until_ms: 9e12 });
    const expected = await call(whole, 'GET', '/v1/book');
    whole.child.kill('SIGTERM');

    let running = await start();
    for (const turn of [1, 4, 7, 10]) {
      await play(running, turn, turn + 3);
      running.child.kill('SIGKILL');
      await running.ended;
      running = await start();
    }
    await call(running, 'POST', '/control/step', { until_ms: 9e12 });
    const seen = await call(running, 'GET', '/v1/book');
    expect(seen).toEqual(expected);
    expect((seen['executions'] as unknown[]).length).toBeGreaterThan(30);
  });

  it('killed in the middle of a step has all of each commit or none, and reaches the same book', async () => {
    const whole = await start({ TALLY_VENUE_DATA_DIR: join(dir, 'whole') });
    const script = async (running: Running): Promise<void> => {
      await call(running, 'POST', '/control/step', { until_ms: OPEN });
      for (let n = 0; n < 20; n += 1) {
        await call(running, 'POST', '/v1/orders', {
          client_order_id: `o${n}`, account: 'acc', symbol: 'CARLO', side: n % 2 === 0 ? 'buy' : 'sell', qty: '900000', order_type: 'market', time_in_force: 'DAY',
        });
      }
    };
    await script(whole);
    await call(whole, 'POST', '/control/step', { until_ms: OPEN + 7_200_000 });
    const expected = await call(whole, 'GET', '/v1/book');

    let running = await start();
    await script(running);
    for (const least of [1_000, 3_000, 5_000]) {
      const step = call(running, 'POST', '/control/step', { until_ms: OPEN + 7_200_000 }).catch(() => undefined);
      let sequence = 0;
      while (sequence < least) sequence = Number((await call(running, 'GET', '/healthz'))['sequence']);
      expect(sequence).toBeLessThan(7_000);
      running.child.kill('SIGKILL');
      await Promise.all([step, running.ended]);
      running = await start();
    }
    await call(running, 'POST', '/control/step', { until_ms: OPEN + 7_200_000 });
    expect(await call(running, 'GET', '/v1/book')).toEqual(expected);
  });

  it('ends on SIGTERM with 0, also while somebody follows the reports', async () => {
    const running = await start();
    const stream = await fetch(`http://127.0.0.1:${running.port}/v1/accounts/acc/reports`, { headers: { authorization: `Bearer ${AUTH.acc}` } });
    running.child.kill('SIGTERM');
    const { code, stdout } = await running.ended;
    expect([code, stdout.includes('"event":"stopped"')]).toEqual([0, true]);
    await stream.text();
  });

  it('refuses a data directory in use, a taken port, data that is not there and wrong settings in one line', async () => {
    const running = await start();
    const csv = join(dir, 'bad.csv');
    writeFileSync(csv, 'time,symbol,bid,bid_size,ask,ask_size\n1704292200000,A,x,1,1,1\n');
    const table: readonly [Record<string, string>, number, RegExp][] = [
      [{}, 1, /^paper-venue: VENUE_DATA_LOCKED: .*another paper venue/],
      [{ TALLY_VENUE_DATA_DIR: join(dir, 'b'), TALLY_VENUE_PORT: String(running.port) }, 1, /^paper-venue: EADDRINUSE: port \d+ is taken/],
      [{ TALLY_MARKET: 'lean:/nowhere' }, 1, /^paper-venue: MARKET_DATA_MISSING: \/nowhere/],
      [{ TALLY_MARKET: `csv:${csv}` }, 1, /^paper-venue: MARKET_DATA_UNREADABLE: .*bad\.csv line 2: bid "x"/],
      [{ TALLY_VENUE_TOKENS: '', TALLY_VENUE_PORT: 'x' }, 2, /^paper-venue: SETTINGS_INVALID: .*TALLY_VENUE_PORT.*TALLY_VENUE_TOKENS/],
    ];
    for (const [env, exitCode, message] of table) {
      const { code, stderr } = await launch(env).ended;
      expect(stderr).toMatch(message);
      expect([code, stderr.trimEnd().split('\n').length]).toEqual([exitCode, 1]);
    }
  });

  it('explains itself without settings', async () => {
    const { code, stdout } = await launch({}, ['--help']).ended;
    expect([code, stdout.includes('TALLY_VENUE_DATA_DIR')]).toEqual([0, true]);
  });
});
