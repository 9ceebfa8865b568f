import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { z } from 'zod';
import { booleanVariable, integerVariable, loadConfig, secretVariable, variableOf } from './config.ts';
import { Secret } from './secret.ts';

const schema = z.object({
  natsUrl: z.url({ protocol: /^nats$/ }).default('nats://127.0.0.1:4222'),
  opsPort: integerVariable(0, 65_535),
  mode: z.enum(['paper', 'live']).default('paper'),
  apiToken: secretVariable().optional(),
  esdbUrl: z.string().optional(),
  fresh: booleanVariable().default(false),
});
const names = { esdbUrl: 'ESDB_URL' };

describe('the configuration', () => {
  it('is read from TALLY_ variables, with defaults, and empty ones as missing', () => {
    const loaded = loadConfig(schema, { TALLY_OPS_PORT: ' 9100 ', TALLY_MODE: '', ESDB_URL: 'esdb://x', TALLY_FRESH: 'yes' }, names);
    expect(loaded).toEqual({ ok: true, config: { natsUrl: 'nats://127.0.0.1:4222', opsPort: 9100, mode: 'paper', esdbUrl: 'esdb://x', fresh: true } });
    expect(variableOf('maxAckPending')).toBe('TALLY_MAX_ACK_PENDING');
  });

  it('names every variable that is wrong at once, and no value', () => {
    const loaded = loadConfig(schema, { TALLY_NATS_URL: 'http://user:hunter2@x', TALLY_MODE: 'hunter2', TALLY_FRESH: 'hunter2' }, names);
    expect(loaded).toMatchObject({ ok: false, code: 'CONFIG_INVALID' });
    if (loaded.ok) return;
    expect(loaded.issues.map(({ variable }) => variable).sort()).toEqual(['TALLY_FRESH', 'TALLY_MODE', 'TALLY_NATS_URL', 'TALLY_OPS_PORT']);
    expect(loaded.detail).toContain('TALLY_OPS_PORT: is missing');
    expect(JSON.stringify(loaded)).not.toContain('hunter2');
  });

  it.each(['-1', '65536', '1e3', '80.5', 'NaN', '0x50', '99999999999999999999'])('refuses %s as a port', (value) => {
    expect(loadConfig(schema, { TALLY_OPS_PORT: value }).ok).toBe(false);
  });

  it('never shows what a schema’s own message would quote', () => {
    const quoting = z.object({ apiToken: z.string().refine(() => false, { error: ({ input }) => `${String(input)} is wrong` }) });
    expect(JSON.stringify(loadConfig(quoting, { TALLY_API_TOKEN: 'hunter2' }))).not.toContain('hunter2');
  });

  it('keeps secrets out of everything that prints', () => {
    const loaded = loadConfig(schema, { TALLY_OPS_PORT: '1', TALLY_API_TOKEN: 'hunter2' });
    if (!loaded.ok) throw new Error(loaded.detail);
    const { apiToken } = loaded.config;
    expect(apiToken?.reveal()).toBe('hunter2');
    expect([JSON.stringify(loaded), inspect(loaded, { depth: 9, showHidden: true }), `${String(apiToken)}`, String(new Secret('hunter2'))].join()).not.toContain('hunter2');
  });
});
