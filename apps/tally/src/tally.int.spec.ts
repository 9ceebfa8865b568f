import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { executionService, fillsService, intentsService, riskService } from '@tallystick/host';
import { startMiniSystem, type MiniSystem } from '@tallystick/host/testing';
import { eventually, startTestNats, type TestNats } from '@tallystick/testing';

const MAIN = join(__dirname, '../dist/main.js');
const GATEWAY = join(__dirname, '../../gateway/dist/main.js');
const TOKEN = 'operator-token-of-the-tests-0001';
const SECOND = 'second-operator-of-the-tests-0001';
const VIEWER = 'viewer-token-of-the-tests-000001';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('tally', () => {
  let nats: TestNats;
  let system: MiniSystem;
  let gateway: ChildProcess;
  let dataDir: string;
  let elsewhere: string;

  const start = (args: readonly string[], env: Record<string, string> = {}): ChildProcess =>
    spawn(process.execPath, [MAIN, ...args], { cwd: elsewhere, env: { PATH: process.env['PATH'] ?? '', TALLY_DATA_DIR: dataDir, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const collect = async (child: ChildProcess): Promise<Ended> => {
    const texts = { stdout: '', stderr: '' };
    child.stdout?.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...texts };
  };
  const tally = (...args: readonly string[]): Promise<Ended> => collect(start(args));
  const tallyJson = async (...args: readonly string[]): Promise<{ readonly code: number | null; readonly body: Record<string, unknown> }> => {
    const { code, stdout } = await tally(...args, '--json');
    return { code, body: JSON.parse(stdout) as Record<string, unknown> };
  };
  const trade = ['--account', 'paper-1', '--strategy', 'test'];

  beforeAll(async () => {
    elsewhere = mkdtempSync(join(tmpdir(), 'tally-cwd-'));
    nats = await startTestNats();
    system = await startMiniSystem({ natsUrl: nats.url, services: [] });
    const { world } = await system.start(intentsService);
    for (const definition of [riskService, executionService, fillsService]) await system.start(definition);
    ({ dataDir } = world.config);
    writeFileSync(join(dataDir, 'tokens.json'), JSON.stringify({ version: 1, tokens: [
      { name: 'operator', sha256: sha256(TOKEN), scopes: ['read', 'propose', 'reduce', 'operate'] }, { name: 'viewer', sha256: sha256(VIEWER), scopes: ['read'] },
      { name: 'second', sha256: sha256(SECOND), scopes: ['operate'] },
    ] }));
    gateway = spawn(process.execPath, [GATEWAY], {
      env: { PATH: process.env['PATH'] ?? '', TALLY_DATA_DIR: dataDir, TALLY_STORE_URL: world.config.storeUrl, TALLY_NATS_URL: world.config.natsUrl, TALLY_GATEWAY_PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    gateway.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const url = await eventually('the gateway is ready', () => /"url":"(http[^"]+)"/.exec(said)?.[1]);
    writeFileSync(join(dataDir, 'operator.json'), JSON.stringify({ url, token: TOKEN, store_url: world.config.storeUrl, read_model: join(dataDir, 'read-model', 'gateway.sqlite') }));
  });

  afterAll(async () => {
    if (gateway?.exitCode === null) {
      gateway.kill('SIGTERM');
      await once(gateway, 'exit');
    }
    await system?.stop();
    await nats?.stop();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  it('teaches what to do where there is nothing yet', async () => {
    const orders = await tally('order', 'list');
    expect(orders).toMatchObject({ code: 0, stdout: '' });
    expect(orders.stderr).toContain('tally intent submit');
    expect((await tally('position', 'list')).stderr).toContain('nothing has been filled');
    expect((await tally('dlq', 'list')).stderr).toContain('every command was handled');
  });

  it('submits an intent, shows what was decided, and its order until it is filled', async () => {
    const sent = await tallyJson('intent', 'submit', 'SPY', 'buy', '10', ...trade, '--key', 'first');
    expect(sent).toMatchObject({ code: 0, body: { status: 'accepted', repeated: false, decided: [{ symbol: 'SPY', qty: '10' }] } });
    const again = await tallyJson('intent', 'submit', 'SPY', 'buy', '10', ...trade, '--key', 'first');
    expect(again.body).toMatchObject({ repeated: true, request_id: sent.body['request_id'] });
    const [{ order_id: orderId = '' } = {}] = sent.body['orders'] as { order_id?: string }[];
    const order = await eventually('the order is filled', async () => {
      const { body } = await tallyJson('order', 'show', orderId);
      const shown = body['order'] as Record<string, unknown>;
      return shown['status'] === 'FILLED' ? shown : undefined;
    });
    expect(order).toMatchObject({ cum_qty: '10' });
    const timeline = await tally('order', 'timeline', orderId);
    expect(timeline.stdout).toMatch(/OrderApproved .*all passed[\s\S]*SubmissionClaimed[\s\S]*OrderFilled/);
    expect(timeline.stdout).not.toContain('\u001b[');
    const list = await tally('order', 'list', '--status', 'filled');
    expect(list.stdout.split('\n')[0]).toMatch(/^ORDER\s+ACCOUNT\s+STRATEGY/);
    expect(list.stdout).toContain(orderId);
    expect((await tally('position', 'list')).stdout).toMatch(/paper-1\s+\(all\)\s+SPY\s+10/);
    expect((await tallyJson('position', 'list', '--as-of', '0')).body['items']).toEqual([]);
    expect((await tally('account', 'show', 'paper-1')).stdout).toMatch(/EXPOSURE_LIMIT\s+firm/);
    expect((await tally('account', 'show')).stdout).toContain('paper-2');
    expect((await tally('intent', 'show', String(sent.body['intent_key']))).stdout).toContain('accepted');
    expect((await tally('intent', 'list')).stdout).toContain('buy 10 SPY FILLED');
  });

  it('ends with 3 when policy denies or the border refuses, and says why', async () => {
    const denied = await tally('intent', 'submit', 'SPY', 'buy', '5000', ...trade);
    expect(denied.code).toBe(3);
    expect(denied.stderr).toMatch(/was denied: .*ORDER_QTY_LIMIT[\s\S]*why:[\s\S]*fix:/);
    const refused = await tallyJson('intent', 'submit', 'SPY', 'buy', '1.5', ...trade);
    expect(refused).toMatchObject({ code: 3, body: { ok: false, error: { code: 'INTENT_REFUSED', request_id: expect.any(String), message: expect.stringContaining('nearest valid') } } });
    expect(await tallyJson('intent', 'submit', 'SPY', 'buy', '11', ...trade, '--key', 'first')).toMatchObject({ code: 3, body: { error: { code: 'INTENT_KEY_CONFLICT', fix: expect.stringContaining('--key') } } });
    const preview = await tally('intent', 'preview', 'SPY', 'buy', '5000', ...trade);
    expect(preview).toMatchObject({ code: 3, stdout: expect.stringMatching(/denied[\s\S]*ORDER_QTY_LIMIT\s+firm\s+NO\s+5000\s+1000/) });
    expect(preview.stderr).toContain('nothing was recorded, reserved or sent');
  });

  it('takes an intent from a file or stdin', async () => {
    const body = { version: 1, key: { policy: 'rebalance', rebalance_id: 'r1' }, strategy: { id: 'test', version: '1' }, account: 'paper-2', orders: [{ symbol: 'SPY', side: 'buy', qty: '1', order_type: 'market' }, { symbol: 'IBM', side: 'sell', qty: '2', order_type: 'limit', limit_price: '51' }] };
    const file = join(elsewhere, 'basket.json');
    writeFileSync(file, JSON.stringify(body));
    expect(await tallyJson('intent', 'submit', '--file', file)).toMatchObject({ code: 0, body: { decided: [{ account: 'paper-2' }, { account: 'paper-2' }] } });
    const child = start(['intent', 'submit', '-', '--json']);
    child.stdin?.end(JSON.stringify(body));
    expect(JSON.parse((await collect(child)).stdout)).toMatchObject({ repeated: true });
    const bad = start(['intent', 'submit', '-', '--json']);
    bad.stdin?.end('{"version": 1');
    expect(await collect(bad)).toMatchObject({ code: 2, stdout: expect.stringContaining('is not JSON') });
  });

  it('cancels a working order, and says when it is closed', async () => {
    const { body } = await tallyJson('intent', 'submit', 'SPY', 'buy', '5', '--limit', '98', ...trade);
    const [{ order_id: orderId = '' } = {}] = body['orders'] as { order_id?: string }[];
    const status = async (): Promise<unknown> => ((await tallyJson('order', 'show', orderId)).body['order'] as Record<string, unknown>)['status'];
    await eventually('the order works', async () => (await status()) === 'WORKING');
    expect(await tally('order', 'cancel', orderId, '--reason', 'test')).toMatchObject({ code: 0, stdout: expect.stringContaining('asked for') });
    await eventually('the order is canceled', async () => (await status()) === 'CANCELED');
    expect((await tally('order', 'cancel', orderId, '--reason', 'test')).stdout).toContain('nothing is left to cancel');
  });

  it('stops a scope in one step, shows what is left of it, and releases it by two', async () => {
    const sent = await tallyJson('intent', 'submit', 'SPY', 'buy', '10', ...trade, '--limit', '99.00');
    const [{ order_id: orderId = '' } = {}] = sent.body['orders'] as { order_id?: string }[];
    const drill = await eventually('the order works', async () => {
      const { body } = await tallyJson('kill', 'engage', 'strategy:test', '-c', '--drill', '-r', 'monthly');
      return (body['would_act_on'] as { status: string }[]).some(({ status }) => status === 'WORKING') ? body : undefined;
    });
    expect(drill).toMatchObject({ status: 'drilled', would_act_on: expect.arrayContaining([{ order_id: orderId, status: 'WORKING' }]) });
    expect((await tally('kill', 'status')).stdout).toContain('nothing is engaged');
    expect(await tally('kill', 'engage', '--scope', 'strategy:test', '--mode', 'stop_and_cancel', '--reason', 'runs away')).toMatchObject({ code: 0, stdout: 'strategy:test is engaged (stop_and_cancel)\n' });
    await eventually('nothing is left', async () => {
      const { stdout } = await tally('kill', 'status');
      return /complete\s+yes/.test(stdout) ? true : undefined;
    });
    expect((await tally('order', 'show', orderId)).stdout).toMatch(/CANCELED[\s\S]*kill of strategy:test: runs away/);
    expect((await tally('kill', 'engage', 'strategy:test', '-r', 'again')).stdout).toContain('engaged already');
    expect(await tally('kill', 'release', 'strategy:test', '-r', 'repaired')).toMatchObject({ code: 0, stdout: expect.stringContaining('still engaged') });
    expect(await tally('kill', 'release', 'strategy:test', '-r', 'repaired')).toMatchObject({ code: 3, stderr: expect.stringMatching(/proposed it already[\s\S]*fix: another operator/) });
    expect((await collect(start(['kill', 'release', 'strategy:test', '-r', 'repaired'], { TALLY_TOKEN: SECOND }))).stdout).toContain('released by operator:operator and operator:second');
    for (const wrong of [['kill', 'engage', '-r', 'x'], ['kill', 'engage', 'firm'], ['kill', 'engage', 'desk:x', '-r', 'x'], ['kill', 'engage', 'firm', '-m', 'all', '-r', 'x']]) expect((await tally(...wrong)).code).toBe(2);
    expect(await tally('kill', 'engage', 'firm', '-m', 'flatten', '-r', 'x')).toMatchObject({ code: 3, stderr: expect.stringContaining('does not flatten') });
  });

  it('writes the kill file of its host, whole, and adds to one that is there', async () => {
    const path = join(elsewhere, 'kill');
    const written = async (...args: readonly string[]): Promise<unknown> => {
      expect((await collect(start(['kill', 'engage', ...args, '--file'], { TALLY_KILL_FILE: path }))).code).toBe(0);
      return JSON.parse(readFileSync(path, 'utf8'));
    };
    expect(await written('account:paper-1', '-c')).toEqual({ scopes: ['account:paper-1'], mode: 'stop_and_cancel' });
    expect(await written('strategy:test', '-c')).toEqual({ scopes: ['account:paper-1', 'strategy:test'], mode: 'stop_and_cancel' });
    expect(await written('venue:paper')).toEqual({ scopes: ['firm'], mode: 'stop_new' });
  });

  it('says what is wrong, why and what to do, with an exit code of its own', async () => {
    expect(await tally('ordr', 'list')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Did you mean order?') });
    expect(await tallyJson('order', 'show', 'nonsense')).toMatchObject({ code: 2, body: { ok: false, error: { code: 'USAGE' } } });
    expect(await tallyJson('order', 'show', 'a'.repeat(32))).toMatchObject({ code: 1, body: { ok: false, error: { code: 'ORDER_UNKNOWN', fix: expect.stringContaining('order list') } } });
    expect(await tally('intent', 'submit', 'SPY', 'hold', '1', ...trade)).toMatchObject({ code: 2, stderr: expect.stringContaining('neither buy nor sell') });
    expect(await tally('intent', 'submit', 'SPY', 'buy', '1')).toMatchObject({ code: 2, stderr: expect.stringContaining('TALLY_STRATEGY') });
    expect(await collect(start(['status'], { TALLY_TOKEN: 'a-token-that-nobody-was-ever-given' }))).toMatchObject({ code: 4, stderr: expect.stringContaining('TOKEN_INVALID') });
    expect(await collect(start(['intent', 'submit', 'SPY', 'buy', '1', ...trade], { TALLY_TOKEN: VIEWER }))).toMatchObject({ code: 4, stderr: expect.stringContaining('needs the scope propose') });
    expect(await collect(start(['status', '--url', 'http://127.0.0.1:1']))).toMatchObject({ code: 1, stderr: expect.stringMatching(/GATEWAY_UNREACHABLE[\s\S]*fix: start the system/) });
    expect(await collect(start(['status'], { TALLY_DATA_DIR: elsewhere }))).toMatchObject({ code: 4, stderr: expect.stringContaining('TALLY_TOKEN') });
    expect(await tally('dlq', 'redrive')).toMatchObject({ code: 2 });
    expect(await tally('dlq', 'redrive', '99')).toMatchObject({ code: 1, stdout: expect.stringContaining('not_found') });
  });

  it('has help with examples for every command', async () => {
    const commands = ['intent preview', 'intent submit', 'intent show', 'intent list', 'order list', 'order show', 'order timeline', 'order cancel', 'position list', 'account show', 'status', 'kill engage', 'kill release', 'kill status', 'dlq list', 'dlq redrive', 'replay verify', 'store accept'];
    const helped = await Promise.all(commands.map((command) => tally(...command.split(' '), '--help')));
    for (const [n, help] of helped.entries()) expect([commands[n], help.code, help.stdout.includes(`Examples:\n  `)]).toEqual([commands[n], 0, true]);
    expect((await tally('--help')).stdout).toContain('Exit codes:');
  });

  it('watches until it is interrupted, with 130', async () => {
    const child = start(['status', '--watch', '--json']);
    const ended = collect(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stdout: expect.stringContaining('"version":1') });
  });

  it('verifies a replay: 0 same, 1 different with the row that differs, 2 unreadable', async () => {
    expect(await tally('status')).toMatchObject({ code: 0, stdout: expect.stringContaining('kill switch') });
    const same = await tally('replay', 'verify');
    expect(same).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d[\d ]* events, projections rebuilt, 0 differences/) });
    expect(await tallyJson('replay', 'verify')).toMatchObject({ code: 0, body: { outcome: 'same', tables: expect.any(Array) } });
    const changed = join(elsewhere, 'changed.sqlite');
    const copy = new DatabaseSync(join(dataDir, 'read-model', 'gateway.sqlite'), { readOnly: true });
    copy.exec(`VACUUM INTO '${changed}'`);
    copy.close();
    const edited = new DatabaseSync(changed);
    edited.exec("UPDATE positions SET realised_pnl = '1000000' WHERE valid_to IS NULL");
    edited.close();
    expect(await tally('replay', 'verify', '--read-model', changed)).toMatchObject({ code: 1, stdout: expect.stringMatching(/^different: table positions[\s\S]*"realised_pnl":"1000000"/) });
    expect(await tallyJson('replay', 'verify', '--read-model', join(elsewhere, 'none.sqlite'))).toMatchObject({ code: 2, body: { outcome: 'unreadable', code: 'READ_MODEL_UNREADABLE' } });
  });
});
