import { describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { prepareDataDir } from './data-dir.ts';
import { makePlan, natsConfig, type Plan, type PlanInputs } from './plan.ts';

const root = mkdtempSync(join(tmpdir(), 'standalone-plan-'));
const ENTRIES = ['eventstore', 'paper-venue', 'intents', 'risk', 'execution', 'fills', 'supervisor', 'gateway', 'strategies'].map((app) => `apps/${app}/dist/main.js`);
for (const entry of [...ENTRIES, 'apps/standalone/dist/services.js']) {
  mkdirSync(dirname(join(root, entry)), { recursive: true });
  writeFileSync(join(root, entry), '');
}
const data = prepareDataDir(mkdtempSync(join(tmpdir(), 'standalone-data-')));
const planOf = (changes: Partial<PlanInputs> = {}): Plan => makePlan({
  root, data, natsServer: '/bin/nats-server', inProcess: false, demo: true, env: { PATH: '/bin', npm_lifecycle_event: 'start' }, market: { market: 'lean:/days', day: '2013-10-08' },
  ports: { nats: 1, store: 2, storeHttp: 3, venue: 4, gateway: 5, ops: { intents: 11, risk: 12, execution: 13, fills: 14, supervisor: 15, gateway: 16 } }, ...changes,
});
const envOf = (plan: Plan, name: string): Readonly<Record<string, string>> => plan.children.find((child) => child.name === name)?.env ?? {};

describe('the plan of a start', () => {
  it('has a process per service, and the strategies through the supervisor', () => {
    const plan = planOf();
    expect(plan.children.map(({ name }) => name)).toEqual(['nats-server', 'eventstore', 'paper-venue', 'intents', 'risk', 'execution', 'fills', 'supervisor', 'gateway']);
    const instances = JSON.parse(envOf(plan, 'supervisor')['TALLY_INSTANCES'] ?? '') as readonly { readonly instance_id: string; readonly account: string }[];
    expect(instances).toMatchObject([{ instance_id: 'rebalance', account: 'paper-1' }, { instance_id: 'signal', account: 'paper-2' }]);
    expect(envOf(planOf({ demo: false }), 'supervisor')['TALLY_INSTANCES']).toBe('[]');
  });

  it('puts the four services into one process when asked', () => {
    expect(planOf({ inProcess: true }).children.map(({ name }) => name)).toEqual(['nats-server', 'eventstore', 'paper-venue', 'services', 'supervisor', 'gateway']);
  });

  it('starts no event store where there is one, and points everybody at it', () => {
    const plan = planOf({ env: { ESDB_URL: 'esdb://elsewhere:2113' }, ports: { nats: 1, store: undefined, storeHttp: undefined, venue: 4, gateway: 5, ops: { intents: 11, risk: 12, execution: 13, fills: 14, supervisor: 15, gateway: 16 } } });
    expect(plan.children.map(({ name }) => name)).not.toContain('eventstore');
    expect(plan.storeUrl).toBe('esdb://elsewhere:2113');
    expect(envOf(plan, 'risk')).toMatchObject({ ESDB_URL: 'esdb://elsewhere:2113', TALLY_STORE_URL: 'esdb://elsewhere:2113' });
  });

  it('keeps the venue\'s control token from everybody but the venue, and operators\' tokens from all', () => {
    const { control_token: control, operator_token: operator } = data.secrets;
    for (const { name, env, args } of planOf().children) {
      const text = JSON.stringify([env, args]);
      expect([name, text.includes(control)]).toEqual([name, name === 'paper-venue']);
      expect(text.includes(operator)).toBe(false);
    }
  });

  it('passes the caller\'s environment on, without what npm says, and so that "ready" is always logged', () => {
    const env = envOf(planOf({ env: { PATH: '/bin', npm_config_x: '1', TALLY_LOG_LEVEL: 'error', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o' } }), 'risk');
    expect(env).toMatchObject({ PATH: '/bin', TALLY_LOG_LEVEL: 'info', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o' });
    expect(env).not.toHaveProperty('npm_config_x');
  });

  it('names what was not built, and what to do', () => {
    rmSync(join(root, 'apps/fills/dist/main.js'));
    expect(() => planOf()).toThrow('apps/fills/dist/main.js is missing: run npm run build');
    writeFileSync(join(root, 'apps/fills/dist/main.js'), '');
  });

  it('lets messages of 64 KiB and their headers through nats-server, on this machine only', () => {
    const text = natsConfig(4222, '/data/with "quotes"');
    expect(text).toContain('host: 127.0.0.1');
    expect(text).toContain('max_payload: 73728');
    expect(text).toContain('store_dir: "/data/with \\"quotes\\""');
  });

  it('arms failpoints of the named service alone, a set of them for each of its starts', () => {
    const { children } = planOf({ env: { PATH: '/bin', TALLY_FAILPOINTS_EXECUTION: ';execution.claimed=kill@1; execution.queried=kill' } });
    expect(children.filter(({ failpoints }) => failpoints !== undefined).map(({ name, failpoints }) => [name, failpoints])).toEqual([['execution', ['', 'execution.claimed=kill@1', 'execution.queried=kill']]]);
    expect(JSON.stringify(children.map(({ env }) => env))).not.toContain('FAILPOINTS');
  });
});
