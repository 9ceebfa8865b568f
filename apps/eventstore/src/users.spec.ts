import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseUsers, readSecret } from './users.ts';

describe('the file of users', () => {
  it('has lines of name, password and perhaps a role', () => {
    const outcome = parseUsers('# services\nintents:s3cret:with:colons\n\n  auditor:two read\r\noperator:three admin\n');
    expect(outcome.ok && [...outcome.value]).toEqual([
      ['intents', { password: 's3cret:with:colons', role: 'service' }],
      ['auditor', { password: 'two', role: 'read' }],
      ['operator', { password: 'three', role: 'admin' }],
    ]);
  });

  it('or is JSON', () => {
    const outcome = parseUsers('\n{"intents": {"password": "a b"}, "operator": {"password": "c", "role": "admin"}}');
    expect(outcome.ok && [...outcome.value]).toEqual([['intents', { password: 'a b', role: 'service' }], ['operator', { password: 'c', role: 'admin' }]]);
  });

  it.each([
    ['nothing', '# nobody\n', 'there is no user in it'],
    ['a line without a password', 'a:hunter2\nintents\n', 'line 2 has no user name'],
    ['a line with an empty password', 'intents: service\n', 'line 1 has no user name'],
    ['a line with more than a role', 'intents:hunter2 read hunter2\n', 'line 1 has no user name'],
    ['a role there is not', 'intents:hunter2 root\n', 'role of line 1'],
    ['a user twice', 'a:hunter2\na:hunter2\n', 'line 2 is there twice'],
    ['JSON that is none', '{"intents": {"password": "hunter2"', 'not JSON'],
    ['JSON without a password', '{"intents": {}}', 'user intents has no password'],
    ['JSON with an empty password', '{"intents": {"password": ""}}', 'user intents has no password'],
    ['JSON with a password of another kind', '{"intents": "hunter2"}', 'user intents has no password'],
    ['JSON with a role there is not', '{"intents": {"password": "hunter2", "role": 1}}', 'role of user intents'],
    ['JSON with a colon in a name', '{"in:tents": {"password": "hunter2"}}', 'a colon'],
  ])('is refused with %s, and no password is told', (_, text, detail) => {
    const outcome = parseUsers(text);
    expect(outcome).toMatchObject({ ok: false, detail: expect.stringContaining(detail) });
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
  });
});

describe('a file with a secret', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'eventstore-users-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is refused when everybody can read it, and read when not', () => {
    const path = join(dir, 'users');
    writeFileSync(path, 'a:hunter2');
    chmodSync(path, 0o644);
    expect(readSecret('TALLY_X', path)).toEqual({ ok: false, detail: expect.stringMatching(/^TALLY_X: .*chmod/) });
    chmodSync(path, 0o640);
    expect(readSecret('TALLY_X', path)).toEqual({ ok: true, value: 'a:hunter2' });
  });

  it('is named with its variable when it is not there', () => {
    expect(readSecret('TALLY_X', join(dir, 'none'))).toMatchObject({ ok: false, detail: expect.stringMatching(/^TALLY_X cannot be read: .*ENOENT/) });
  });
});
