import { describe, expect, it } from '@jest/globals';
import { checkExposure } from './exposure.ts';
import type { Exposure } from './exposure.ts';

const CLOSED: Exposure = { host: '0.0.0.0', hasTls: true, hasUsers: true, anonymous: false, insecure: false };

function said(exposure: Partial<Exposure>): string[] {
  const lines: string[] = [];
  checkExposure({ ...CLOSED, ...exposure }, { write: (level, event) => void lines.push(`${level} ${event}`) });
  return lines;
}

describe('listening where other machines can reach it', () => {
  it('is taken with TLS and users', () => {
    expect(said({})).toEqual([]);
  });

  it.each([
    ['no TLS', { hasTls: false }, 'no TLS'],
    ['no users', { hasUsers: false }, 'no users'],
    ['neither', { hasTls: false, hasUsers: false }, 'no TLS and no users'],
    ['users that nobody has to be', { anonymous: true }, 'no users'],
  ])('is refused with %s, and taken with a warning when somebody says so', (_, exposure, what) => {
    expect(() => said(exposure)).toThrow(expect.objectContaining({ code: 'STORE_EXPOSED', message: expect.stringContaining(what), remedy: expect.stringContaining('127.0.0.1') }));
    expect(said({ ...exposure, insecure: true })).toEqual(['warn store_insecure']);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'store.example', '127.0.0.1.example', 'localhost.example', '128.0.0.1'])('%s is such a place', (host) => {
    expect(() => said({ host, hasUsers: false })).toThrow(expect.objectContaining({ code: 'STORE_EXPOSED' }));
  });
});

describe('listening on loopback', () => {
  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST'])('%s needs nothing, and the log says that anybody may call', (host) => {
    expect(said({ host, hasTls: false, hasUsers: false })).toEqual(['info store_anonymous_on_loopback']);
    expect(said({ host, anonymous: true })).toEqual(['info store_anonymous_on_loopback']);
    expect(said({ host })).toEqual([]);
  });

  it('warns of users without TLS, whom the official client cannot be', () => {
    expect(said({ host: '127.0.0.1', hasTls: false })).toEqual(['warn store_users_without_tls']);
  });
});
