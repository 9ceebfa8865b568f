import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { prepareConfig, recordConfig } from './config.ts';
import { prepare, ROLES } from './prepare.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tally-prepare-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const config = { get dataDir() { return dir; }, paperAccounts: ['paper-1', 'paper-2'] };
const filesOf = (under: string): readonly string[] =>
  readdirSync(join(dir, under), { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1)).sort();
const contents = (): Readonly<Record<string, string>> => Object.fromEntries(filesOf('.').map((file) => [file, readFileSync(join(dir, file), 'utf8')]));

describe('prepare', () => {
  it('gives each process what it needs and no more', () => {
    prepare(config);
    const roles = Object.fromEntries(ROLES.map((role) => [role, filesOf(`roles/${role}`).map((file) => file.slice(`roles/${role}/`.length))]));
    expect(roles).toEqual({
      bootstrap: ['keys/policy.pem', 'keys/public.json'],
      intents: ['keys/public.json'],
      risk: ['keys/decision.pem', 'keys/public.json', 'venue-tokens.json'],
      execution: ['keys/public.json', 'venue-tokens.json'],
      fills: ['keys/public.json', 'venue-tokens.json'],
      supervisor: ['keys/public.json'],
      gateway: ['keys/public.json', 'tokens.json'],
    });
  });

  it('writes everything for its owner only', () => {
    prepare(config);
    expect(filesOf('.').filter((file) => (statSync(join(dir, file)).mode & 0o777) !== 0o600)).toEqual([]);
    expect(ROLES.filter((role) => (statSync(join(dir, 'roles', role)).mode & 0o777) !== 0o700)).toEqual([]);
  });

  it('gives the gateway hashes, never a token', () => {
    prepare(config);
    const { operator_token: operator, viewer_token: viewer } = JSON.parse(readFileSync(join(dir, 'secrets.json'), 'utf8')) as Record<string, string>;
    const tokens = readFileSync(join(dir, 'roles/gateway/tokens.json'), 'utf8');
    expect([tokens.includes(operator ?? ''), tokens.includes(viewer ?? '')]).toEqual([false, false]);
  });

  it('hands out the same when it runs again, what was taken away included', () => {
    prepare(config);
    const before = contents();
    rmSync(join(dir, 'roles'), { recursive: true });
    prepare(config);
    expect(contents()).toEqual(before);
  });

  it('adds a token for a new account and keeps those there are', () => {
    prepare(config);
    const before = JSON.parse(readFileSync(join(dir, 'roles/execution/venue-tokens.json'), 'utf8')) as Record<string, string>;
    prepare({ ...config, dataDir: dir, paperAccounts: ['paper-2', 'paper-3'] });
    const after = JSON.parse(readFileSync(join(dir, 'roles/execution/venue-tokens.json'), 'utf8')) as Record<string, string>;
    expect(after).toMatchObject(before);
    expect(Object.keys(after).sort()).toEqual(['paper-1', 'paper-2', 'paper-3']);
  });

  it('makes no new secrets over a file that it cannot read', () => {
    prepare(config);
    writeFileSync(join(dir, 'secrets.json'), '{"version":1}');
    expect(() => prepare(config)).toThrow('SECRETS_UNREADABLE');
    expect(readFileSync(join(dir, 'secrets.json'), 'utf8')).toBe('{"version":1}');
    expect(existsSync(join(dir, 'secrets.json.new'))).toBe(false);
  });
});

describe('settings', () => {
  it('name everything that is missing or wrong, without values', () => {
    expect(recordConfig({ TALLY_PAPER_VENUE_URL: 'hunter2' })).toMatchObject({ ok: false, detail: expect.stringMatching(/TALLY_DATA_DIR.*\n.*TALLY_STORE_URL.*\n.*TALLY_PAPER_VENUE_URL.*\n.*TALLY_VENUE_CONTROL_TOKEN/) });
    expect(JSON.stringify(recordConfig({ TALLY_PAPER_VENUE_URL: 'hunter2' }))).not.toContain('hunter2');
  });

  it.each(['', 'a b', 'a,', 'a=b', 'a\nTALLY_X=1'])('refuses %j as accounts or takes the default', (accounts) => {
    const read = prepareConfig({ TALLY_DATA_DIR: '/x', TALLY_PAPER_ACCOUNTS: accounts });
    expect(read.ok).toBe(accounts === '');
  });
});
