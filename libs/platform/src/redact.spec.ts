import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSecretKey, redactFields, redactText } from './redact.ts';
import { Secret } from './secret.ts';

const SEED = `SUA${'B2'.repeat(27)}X`;

describe('what goes into a log', () => {
  it.each(['token', 'apiToken', 'access_token', 'client-secret', 'Authorization', 'password', 'DB_PASSWORD', 'key', 'private_key', 'signingKey', 'apiKey', 'api_key', 'nkey', 'seed', 'credentials', 'set-cookie', 'jwt'])(
    'hides the value of %s',
    (key) => {
      expect(isSecretKey(key)).toBe(true);
      expect(redactFields({ [key]: 'hunter2' })).toEqual({ [key]: '[redacted]' });
    },
  );

  it.each(['intent_key', 'key_id', 'token_count', 'token_hash', 'partition_key', 'author', 'monkey', 'order_id', 'secret_id'])('shows the value of %s', (key) => {
    expect(redactFields({ [key]: 'x-1' })).toEqual({ [key]: 'x-1' });
  });

  it('shows the seed of a simulation, which is a number', () => {
    expect(redactFields({ seed: 42 })).toEqual({ seed: 42 });
  });

  it.each([
    ['a bearer token', 'sent Authorization: Bearer abcdefgh12345678', 'abcdefgh12345678'],
    ['an nkey seed', `seed ${SEED} refused`, SEED],
    ['a PEM block', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----', 'MC4CAQ'],
    ['a PEM block cut short', 'x -----BEGIN EC PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw', 'MC4CAQ'],
    ['a JSON web token', 'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xxxxx.c2lnbmF0dXJl', 'eyJzdWIi'],
    ['credentials in an address', 'dial nats://user:hunter2@127.0.0.1:4222 failed', 'hunter2'],
    ['a password in a sentence', 'login with password=hunter2 failed', 'hunter2'],
    ['a token in JSON text', '{"token":"hunter2-long"}', 'hunter2-long'],
  ])('hides %s by its shape, anywhere in a text', (_what, text, secret) => {
    expect(redactText(text)).not.toContain(secret);
    expect(JSON.stringify(redactFields({ detail: text, list: [{ deep: text }], error: new Error(text) }))).not.toContain(secret);
  });

  it('leaves words around it readable', () => {
    expect(redactText('dial nats://user:hunter2@host:1 failed')).toBe('dial nats://[redacted]@host:1 failed');
    expect(redactText('basic understanding of orders')).toBe('basic understanding of orders');
  });

  it('shows a Secret as such', () => {
    expect(redactFields({ given: new Secret('hunter2') })).toEqual({ given: '[secret]' });
  });

  it('copes with circles, depth, length and things that are not data', () => {
    const circle: Record<string, unknown> = { n: 1n, f: () => 1, bytes: new Uint8Array(3), nan: Number.NaN };
    circle['self'] = circle;
    expect(redactFields({ circle })).toEqual({ circle: { n: '1', f: '[function]', bytes: '[3 bytes]', nan: 'NaN', self: '[circular]' } });
    expect(redactText('x'.repeat(100_000)).length).toBeLessThan(2_100);
    expect(JSON.stringify(redactFields({ list: Array(1_000).fill('x') })).length).toBeLessThan(1_000);
  });

  it('is JSON, whatever it was', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.anything()), (fields) => void JSON.stringify(redactFields(fields))));
  });
});
