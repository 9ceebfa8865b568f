import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, startTestNats, startTestStore, type TestNats, type TestStore } from '@tallystick/testing';
import { z } from 'zod';
import { prepare } from './prepare.ts';
import { readCompose, readEnvFile } from './testing/compose-file.ts';
import { localCompose, type LocalCompose } from './testing/local-compose.ts';

/** Ten Node processes start at once on two cores, which others may be using: measured 5 s alone, 47 s under heavy load. */
const UP_MS = 180_000;
/** Less than a test may take, so that what was waited for is named. */
const WITHIN_MS = 120_000;
const ROOT = join(__dirname, '../../..');
const SERVICES = ['conductor', 'intents', 'risk', 'execution', 'fills', 'supervisor', 'gateway'];

let dir: string;
let nats: TestNats;
let store: TestStore;
let compose: LocalCompose | undefined;
let token: string;
const local = (): LocalCompose => {
  if (!compose) throw new Error('nothing is set up');
  return compose;
};

const readyz = async (hostPort: string): Promise<boolean> => (await fetch(`http://${local().addressOf(hostPort)}/readyz`)).ok;
/** 9:30 in New York on the simulated day, and a minute, so that everything is quoted. */
const OPEN_SECONDS = Date.UTC(2024, 0, 3, 14, 31) / 1000;
const marketIsOpen = async (): Promise<boolean> => {
  const page = await (await fetch(`http://${local().addressOf('paper-venue:7410')}/metrics`)).text();
  return Number(/^tally_paper_venue_market_time_seconds (\S+)$/m.exec(page)?.[1]) >= OPEN_SECONDS;
};
const call = async (method: string, path: string, body?: { readonly key: string; readonly intent: object }): Promise<unknown> => {
  const response = await fetch(`http://${local().addressOf('gateway:8787')}${path}`, {
    method, headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json', 'idempotency-key': body.key } : {}) },
    ...(body ? { body: JSON.stringify(body.intent) } : {}),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tally-compose-'));
  [nats, store] = await Promise.all([startTestNats(), startTestStore()]);
  prepare({ dataDir: dir, paperAccounts: ['paper-1', 'paper-2'] });
  token = (JSON.parse(readFileSync(join(dir, 'secrets.json'), 'utf8')) as { readonly operator_token: string }).operator_token;
  const services = readCompose(join(ROOT, 'docker-compose.yml'), { ...readEnvFile(join(dir, 'compose.env')), TALLY_COMPOSE_DATA: dir, TALLY_SPEED: '60' });
  compose = await localCompose({ root: ROOT, services, engines: { 'nats:4222': `127.0.0.1:${nats.port}`, 'eventstore:2113': `127.0.0.1:${store.port}` } });
}, UP_MS);

afterAll(async () => {
  await compose?.stop();
  await nats.stop();
  await store.stop();
  rmSync(dir, { recursive: true, force: true });
}, UP_MS);

describe('the services of docker-compose.yml, with what the file gives them', () => {
  it('are bootstrapped once, and nothing changes when they are again', async () => {
    local().start('paper-venue');
    const first = await local().run('bootstrap');
    expect(first).toMatchObject({ code: 0 });
    expect(first.output).toContain('"policy":"paper"');
    expect(await local().run('bootstrap')).toMatchObject({ code: 0 });
  }, UP_MS);

  it('come up ready', async () => {
    for (const name of SERVICES) local().start(name);
    for (const name of SERVICES) await eventually(`${name} ready: ${local().outputOf(name).slice(-500)}`, () => readyz(`${name}:9100`), WITHIN_MS);
  }, UP_MS);

  it('fill an order that comes through the gateway', async () => {
    await eventually('the conductor has moved the market past its opening', marketIsOpen, WITHIN_MS);
    const { instruments } = z.object({ instruments: z.array(z.string()) }).parse(JSON.parse(local().outputOf('bootstrap').trim().split('\n').at(-1) ?? ''));
    const intent = {
      version: 1, key: { policy: 'explicit', key: 'compose-1' }, strategy: { id: 'manual', version: '1' }, account: 'paper-1', mode: 'paper', market_sequence: 1,
      orders: [{ symbol: instruments[0], side: 'buy', qty: '100', order_type: 'market', time_in_force: 'DAY' }],
    };
    const receipt = z.object({ status: z.literal('accepted'), orders: z.array(z.object({ order_id: z.string() })) }).parse(await call('POST', '/v1/intents', { key: 'compose-1', intent }));
    const order = await eventually('the order is filled', async () => {
      const { order: view } = z.object({ order: z.looseObject({ status: z.string() }) }).parse(await call('GET', `/v1/orders/${receipt.orders[0]?.order_id ?? ''}`));
      if (view.status !== 'FILLED') throw new Error(JSON.stringify(view));
      return view;
    }, WITHIN_MS);
    expect(order).toMatchObject({ account: 'paper-1' });
  }, UP_MS);

  it('run the two strategies under the supervisor, and give them their turns', async () => {
    await eventually('a strategy proposes', async () => {
      const { items } = z.object({ items: z.array(z.unknown()) }).parse(await call('GET', '/v1/intents?limit=200'));
      return items.some((item) => /"(signal|rebalance)"/.test(JSON.stringify(item)));
    }, WITHIN_MS);
  }, UP_MS);

  it('know no more than they need', () => {
    const secrets = JSON.parse(readFileSync(join(dir, 'secrets.json'), 'utf8')) as { readonly venue_tokens: Readonly<Record<string, string>> };
    const fileOf = (role: string): string => readFileSync(join(dir, 'roles', role, 'venue-tokens.json'), 'utf8');
    expect(JSON.parse(fileOf('execution'))).toEqual(secrets.venue_tokens);
    expect([JSON.parse(fileOf('risk')), JSON.parse(fileOf('fills'))]).toEqual([{}, {}]);
  });

  it('say no secret in what they print', () => {
    const secrets = JSON.parse(readFileSync(join(dir, 'secrets.json'), 'utf8')) as { readonly venue_tokens: Readonly<Record<string, string>> } & Readonly<Record<string, unknown>>;
    const values = [...Object.values(secrets).filter((value) => typeof value === 'string'), ...Object.values(secrets.venue_tokens)];
    expect(values).toHaveLength(6);
    for (const name of ['paper-venue', 'bootstrap', ...SERVICES]) for (const value of values) expect([name, local().outputOf(name).includes(value)]).toEqual([name, false]);
  });

  it('stop when asked to', async () => {
    const codes = await local().stop();
    expect(codes).toEqual(Object.fromEntries(['paper-venue', 'bootstrap', ...SERVICES].map((name) => [name, 0])));
  }, UP_MS);
});
