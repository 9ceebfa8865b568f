import { describe, expect, it } from '@jest/globals';
import { checkExposure } from './exposure.ts';
import type { Exposure } from './exposure.ts';

const CLOSED: Exposure = { host: '0.0.0.0', hasTls: true, hasUsers: true, anonymous: false, insecure: false };

function said(exposure: Partial<Exposure>): string | undefined {
  const note = checkExposure({ ...CLOSED, ...exposure });
  return note && `${note.level} ${note.event}`;
}

describe('listening where other machines can reach it', () => {
  it('is taken with TLS and users', () => {
    expect(said({})).toBeUndefined();
  });

  it.each([
    ['no TLS', { hasTls: false }, 'no TLS'],
    ['no users', { hasUsers: false }, 'no users'],
    ['neither', { hasTls: false, hasUsers: false }, 'no TLS and no users'],
    ['users that nobody has to be', { anonymous: true }, 'no users'],
  ])('is refused with %s, and taken with a warning when somebody says so', (_, exposure, what) => {
    expect(() => said(exposure)).toThrow(expect.objectContaining({ code: 'STORE_EXPOSED', message: expect.stringContaining(what), remedy: expect.stringContaining('127.0.0.1') }));
    expect(said({ ...exposure, insecure: true })).toBe('warn store_insecure');
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'store.example', '127.0.0.1.example', 'localhost.example', '128.0.0.1'])('%s is such a place', (host) => {
    expect(() => said({ host, hasUsers: false })).toThrow(expect.objectContaining({ code: 'STORE_EXPOSED' }));
  });
});

describe('listening on loopback', () => {
  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST'])('%s needs nothing, and the log says that anybody may call', (host) => {
    expect(said({ host, hasTls: false, hasUsers: false })).toBe('info store_anonymous_on_loopback');
    expect(said({ host, anonymous: true })).toBe('info store_anonymous_on_loopback');
    expect(said({ host })).toBeUndefined();
  });

  it('warns of users without TLS, whom the official client cannot be', () => {
    expect(said({ host: '127.0.0.1', hasTls: false })).toBe('warn store_users_without_tls');
  });
});
