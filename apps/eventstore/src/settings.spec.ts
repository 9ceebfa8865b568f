import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CATEGORIES } from '@tallystick/contracts';
import { HELP, readSettings } from './settings.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'eventstore-settings-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string, mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const read = (env: Readonly<Record<string, string>>): ReturnType<typeof readSettings> => readSettings({ TALLY_STORE_DATA_DIR: '/data', ...env });

describe('the settings', () => {
  it('protect the streams of every category, and leave the rest to the defaults', () => {
    expect(read({})).toEqual({
      ok: true,
      settings: { level: 'info', store: { dataDir: '/data', port: 2113, protectedPrefixes: Object.values(CATEGORIES).map(({ prefix }) => prefix) } },
    });
  });

  it('take certificate, key and users from files', () => {
    const outcome = read({
      TALLY_STORE_TLS_CERT_FILE: file('cert', 'certificate', 0o644), TALLY_STORE_TLS_KEY_FILE: file('key', 'key'),
      TALLY_STORE_USERS_FILE: file('users', 'risk:a\nops:b admin\n'), TALLY_STORE_HOST: '0.0.0.0', TALLY_STORE_WRITE_TIMEOUT_MS: '500', TALLY_STORE_INSECURE: 'no',
    });
    expect(outcome.ok && outcome.settings.store).toMatchObject({
      host: '0.0.0.0', writeTimeoutMs: 500, tls: { certificate: 'certificate', key: 'key' },
      users: new Map([['risk', { password: 'a', role: 'service' }], ['ops', { password: 'b', role: 'admin' }]]),
    });
    expect(outcome.ok && outcome.settings.store.insecure).toBeUndefined();
  });

  it('are open to others only in so many words', () => {
    const outcome = read({ TALLY_STORE_INSECURE: 'yes' });
    expect(outcome.ok && outcome.settings.store.insecure).toBe(true);
    expect(read({ TALLY_STORE_INSECURE: 'true' })).toMatchObject({ ok: false, detail: expect.stringContaining('TALLY_STORE_INSECURE') });
  });

  it.each([
    ['TALLY_STORE_DATA_DIR', ''], ['TALLY_STORE_PORT', '70000'], ['TALLY_STORE_HTTP_PORT', '-1'], ['TALLY_STORE_ADVERTISED_PORT', 'x'], ['TALLY_STORE_LOG_LEVEL', 'loud'],
    ['TALLY_STORE_WRITE_TIMEOUT_MS', '0'], ['TALLY_STORE_WRITE_TIMEOUT_MS', '1.5'], ['TALLY_STORE_WRITE_TIMEOUT_MS', '600001'], ['TALLY_STORE_WRITE_TIMEOUT_MS', '2s'],
    ['TALLY_STORE_TLS_CERT_FILE', '/nowhere'], ['TALLY_STORE_TLS_KEY_FILE', '/nowhere'], ['TALLY_STORE_USERS_FILE', '/nowhere'],
  ])('are refused by name: %s=%s', (name, value) => {
    expect(read({ [name]: value })).toEqual({ ok: false, code: 'SETTING_INVALID', detail: expect.stringContaining(name) });
  });

  it('are refused when a secret can be read by everybody, or the certificate is not there', () => {
    const key = file('key', 'key');
    const open = { key: file('open-key', 'key', 0o604), users: file('open-users', 'a:hunter2', 0o644) };
    expect(read({ TALLY_STORE_TLS_CERT_FILE: file('cert', 'c'), TALLY_STORE_TLS_KEY_FILE: open.key })).toMatchObject({ detail: expect.stringContaining('TALLY_STORE_TLS_KEY_FILE') });
    expect(read({ TALLY_STORE_USERS_FILE: open.users })).toMatchObject({ detail: expect.stringContaining('chmod') });
    expect(read({ TALLY_STORE_TLS_CERT_FILE: join(dir, 'none'), TALLY_STORE_TLS_KEY_FILE: key })).toMatchObject({ detail: expect.stringContaining('TALLY_STORE_TLS_CERT_FILE') });
    expect(read({ TALLY_STORE_USERS_FILE: file('users', 'hunter2') })).toMatchObject({ ok: false, detail: expect.not.stringContaining('hunter2') });
  });

  it('are all in the help', () => {
    for (const name of ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'USERS_FILE', 'INSECURE', 'WRITE_TIMEOUT_MS']) expect(HELP).toContain(`TALLY_STORE_${name}`);
  });
});
