import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@tallystick/testing';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Summary } from './summary.ts';
import { isAlive, marketCsv, Standalone } from './testing/standalone-process.ts';

/** Nine processes that start on a machine which does other things. */
const UP_MS_MAX = 90_000;
const RUN_MS_MAX = 180_000;

const dirs: string[] = [];
const started: Standalone[] = [];
let market: string;

const start = (args: readonly string[], dataDir = mkdtempSync(join(tmpdir(), 'standalone-int-'))): Standalone => {
  dirs.push(dataDir);
  const standalone = new Standalone(dataDir, args);
  started.push(standalone);
  return standalone;
};
const isUp = async (standalone: Standalone): Promise<void> => {
  await eventually('everything is up', () => standalone.stdout.includes('npm run tally') || (standalone.stderr !== '' && Promise.reject(new Error(standalone.stderr))), UP_MS_MAX);
};
const replayed = async (...more: readonly string[]): Promise<{ readonly code: unknown; readonly summary: Summary; readonly standalone: Standalone }> => {
  const standalone = start(['--market', `csv:${market}`, '--speed', 'max', '--exit', '--json', '--port', '0', ...more]);
  const code = await standalone.exited;
  if (standalone.stdout === '') throw new Error(standalone.stderr);
  return { code, summary: JSON.parse(standalone.stdout) as Summary, standalone };
};

beforeAll(() => {
  const dir = mkdtempSync(join(tmpdir(), 'standalone-market-'));
  dirs.push(dir);
  market = join(dir, 'quotes.csv');
  writeFileSync(market, marketCsv(40));
});
afterEach(async () => {
  for (const standalone of started.splice(0)) {
    standalone.kill('SIGKILL');
    await standalone.exited;
  }
});
afterEach(() => {
  for (const dir of dirs.splice(1)) rmSync(dir, { recursive: true, force: true });
});

describe('one command for everything', () => {
  it('replays a market to its end, twice the same, also with the four services in one process', async () => {
    const first = await replayed();
    expect(first.summary.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(first.code).toBe(0);
    const { intents, orders, fills } = first.summary;
    expect(intents.accepted).toBeGreaterThan(3);
    expect(orders.by_state['FILLED']).toBeGreaterThan(0);
    expect(fills.partially_filled_orders).toBeGreaterThan(0);
    expect(first.standalone.runFile()).toMatchObject({ stopped: true, children: {} });
    const second = await replayed('--in-process');
    expect(second.summary.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(second.summary.digest).toBe(first.summary.digest);
    expect(second.summary.orders).toEqual(orders);
  }, RUN_MS_MAX);

  it('leaves nothing running when it is killed itself, strategies included', async () => {
    const standalone = start(['--market', `csv:${market}`, '--speed', '1', '--port', '0']);
    await isUp(standalone);
    await eventually('the strategies are listed', () => ['rebalance', 'signal'].every((name) => standalone.runFile()?.children[name]?.pid), UP_MS_MAX);
    const pids = standalone.pids();
    expect(pids.filter(isAlive)).toHaveLength(12);
    standalone.kill('SIGKILL');
    await eventually('nothing is left', () => pids.filter(isAlive).length === 0);
  }, RUN_MS_MAX);

  it('keeps operator.json for its owner, starts what dies again on the same port, and stops in order on SIGTERM', async () => {
    const standalone = start(['--market', `csv:${market}`, '--speed', '1', '--port', '0', '--profile', 'bare']);
    await isUp(standalone);
    const file = join(standalone.dataDir, 'operator.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { url, token } = JSON.parse(readFileSync(file, 'utf8')) as { readonly url: string; readonly token: string };
    expect(standalone.stdout).toContain(token);
    const status = (await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(status).toBe(200);
    const before = standalone.runFile()?.children['gateway'];
    process.kill(before?.pid ?? 0, 'SIGKILL');
    const after = await eventually('the gateway is back', () => {
      const now = standalone.runFile()?.children['gateway'];
      return now !== undefined && now.pid !== before?.pid && now.ready && now;
    }, UP_MS_MAX);
    expect(after).toMatchObject({ restarts: 1, ports: before?.ports });
    expect(standalone.stdout).toContain('gateway ended with SIGKILL: started again in 0.2 s');
    const pids = standalone.pids();
    standalone.kill('SIGTERM');
    expect(await standalone.exited).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
  }, RUN_MS_MAX);

  it('says in one line that its port is taken, and that its data directory is', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const refused = start(['--port', String(port)]);
    expect(await refused.exited).toBe(1);
    expect(refused.stderr).toBe(`tallystick: port ${port} is taken: stop what listens there, or choose another with --port\n`);
    server.close();

    const first = start(['--market', `csv:${market}`, '--port', '0', '--profile', 'bare']);
    await eventually('it has its directory', () => first.runFile() !== undefined, UP_MS_MAX);
    const second = start(['--port', '0'], first.dataDir);
    expect(await second.exited).toBe(1);
    expect(second.stderr).toBe(`tallystick: ${first.dataDir} is in use by another start (process ${first.pid}): stop that one, or choose another directory with --data\n`);
  }, RUN_MS_MAX);

  it('says what a child said that cannot start, and stops the others', async () => {
    const standalone = start(['--market', `lean:${tmpdir()}/`, '--day', '2012-01-04', '--port', '0']);
    expect(await standalone.exited).toBe(1);
    expect(standalone.stderr).toMatch(/^tallystick: paper-venue could not start \(exit code 1\): paper-venue: MARKET_[A-Z_]+: .*\n$/);
    expect(standalone.runFile()).toMatchObject({ stopped: true });
  }, RUN_MS_MAX);

  it('ends with 2 and one line for arguments that are wrong', async () => {
    const standalone = start(['--speed', 'quick']);
    expect(await standalone.exited).toBe(2);
    expect(standalone.stderr).toBe('tallystick: --speed quick is neither max nor a number above 0 and up to 100000 (see --help)\n');
  }, UP_MS_MAX);
});
