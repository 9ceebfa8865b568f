import { describe, expect, it } from '@jest/globals';
import { tokenDirectory, tokenHash } from './tokens.ts';

const TOKEN = 'a-token-of-at-least-22-chars';
const clock = { nowMs: () => 1000, monotonicMs: () => 0 };
const file = (...tokens: object[]): string => JSON.stringify({ version: 1, tokens });

describe('the tokens', () => {
  it('are known by their hash alone', () => {
    const directory = tokenDirectory(file({ name: 'operator', sha256: tokenHash(TOKEN), scopes: ['read', 'propose'] }), clock);
    expect(directory.holderOf(TOKEN)).toEqual({ name: 'operator', scopes: ['read', 'propose'] });
    expect(directory.holderOf(`${TOKEN}x`)).toBeUndefined();
    expect(directory.holderOf(tokenHash(TOKEN))).toBeUndefined();
  });

  it('end when they expire, and are no token when they are short or hold spaces', () => {
    const directory = tokenDirectory(file(
      { name: 'ended', sha256: tokenHash(TOKEN), scopes: ['read'], expires_at_ms: 1000 }, { name: 'short', sha256: tokenHash('short'), scopes: ['read'] },
      { name: 'empty', sha256: tokenHash(''), scopes: ['admin'] }), clock);
    for (const token of [TOKEN, 'short', '']) expect(directory.holderOf(token)).toBeUndefined();
  });

  it.each([['nothing', ''], ['no version', '{"tokens":[]}'], ['a token in the clear', file({ name: 'x', token: TOKEN, scopes: ['read'] })], ['an unknown scope', file({ name: 'x', sha256: tokenHash(TOKEN), scopes: ['withdraw'] })]])('are refused with %s in their file, without its words', (_what, text) => {
    const read = () => tokenDirectory(text, clock);
    expect(read).toThrow('TOKENS_INVALID');
    expect(read).not.toThrow(TOKEN);
  });
});
