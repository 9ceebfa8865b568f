import { describe, expect, it } from '@jest/globals';
import { resolveSettings } from './settings.ts';

const ENV = { TALLY_NATS_URL: 'nats://a:1, nats://b:2', TALLY_STRATEGY: 'strat', TALLY_STRATEGY_VERSION: '1.2.0', TALLY_ACCOUNT: 'acc', TALLY_INSTANCE: 'strat-acc', TALLY_RUN_ID: 'run-9' };

describe('settings of a connection', () => {
  it('come from the environment that the supervisor sets', () => {
    expect(resolveSettings({}, ENV)).toEqual({
      servers: ['nats://a:1', 'nats://b:2'], credentials: undefined, strategy: { id: 'strat', version: '1.2.0' }, account: 'acc', mode: 'paper', instanceId: 'strat-acc', runId: 'run-9',
    });
  });

  it('are overruled by options', () => {
    const resolved = resolveSettings({ url: 'nats://c:3', token: 's3cret', strategy: { id: 'other', version: '2' }, account: 'acc-2', mode: 'live', instanceId: 'i', runId: 'r' }, ENV);
    expect(resolved).toEqual({ servers: ['nats://c:3'], credentials: { kind: 'token', token: 's3cret' }, strategy: { id: 'other', version: '2' }, account: 'acc-2', mode: 'live', instanceId: 'i', runId: 'r' });
  });

  it('trade on paper and under the name of the strategy unless told otherwise', () => {
    const { TALLY_INSTANCE: _instance, TALLY_RUN_ID: _run, ...env } = ENV;
    expect(resolveSettings({}, env)).toMatchObject({ mode: 'paper', instanceId: 'strat', runId: undefined });
  });

  it('name everything that is wrong at once', () => {
    const wrong = (): unknown => resolveSettings({}, { TALLY_STRATEGY: 'a.b', TALLY_MODE: 'both', TALLY_NATS_TOKEN_FILE: '/nowhere/token' });
    expect(wrong).toThrow(expect.objectContaining({ code: 'SETTINGS_INVALID' }));
    for (const part of [/no bus/, /TALLY_STRATEGY\) "a\.b"/, /TALLY_STRATEGY_VERSION/, /TALLY_ACCOUNT\) is missing/, /TALLY_MODE\) "both"/, /TALLY_NATS_TOKEN_FILE/]) expect(wrong).toThrow(part);
  });
});
