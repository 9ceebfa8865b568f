import { createHash, timingSafeEqual } from 'node:crypto';
import type { ProcessClock } from '@tallystick/ports';
import { z } from 'zod';
import type { TokenDirectory } from './gateway-ports.ts';

export const TOKEN_SCOPES = ['read', 'propose', 'reduce', 'operate', 'approve', 'admin'] as const;

/**
 * `tokens.json` of the data directory: who may use the API, and the sha256 of each token, never a token. Scopes do not imply each
 * other. Times are process time, UTC.
 */
export const TokensFile = z.strictObject({
  version: z.literal(1),
  tokens: z.array(
    z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      scopes: z.array(z.enum(TOKEN_SCOPES)).min(1),
      expires_at_ms: z.int().min(0).optional(),
    }),
  ),
});
export type TokensFile = z.infer<typeof TokensFile>;

export const tokenHash = (token: string): string => createHash('sha256').update(token, 'utf8').digest('hex');

/** 128 bits at the least, in printable characters without spaces; a longer one than this is no token of ours. */
const TOKEN_TEXT = /^[\x21-\x7e]{22,512}$/;

/**
 * Holders by their tokens. Compares the hash with every entry, each in constant time, so that the time an answer takes tells nothing
 * about how close a guess came. Throws TOKENS_INVALID where the text is not a tokens file.
 */
export const tokenDirectory = (text: string, clock: ProcessClock): TokenDirectory => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error('TOKENS_INVALID: not JSON', { cause: error });
  }
  const file = TokensFile.safeParse(json);
  if (!file.success) throw new Error(`TOKENS_INVALID: ${file.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`).join('; ')}`);
  const entries = file.data.tokens.map((entry) => ({ ...entry, digest: Buffer.from(entry.sha256, 'hex') }));
  return {
    holderOf: (token) => {
      const digest = createHash('sha256').update(token, 'utf8').digest();
      const matches = entries.filter((entry) => timingSafeEqual(entry.digest, digest));
      const [found] = TOKEN_TEXT.test(token) ? matches : [];
      if (!found || (found.expires_at_ms !== undefined && found.expires_at_ms <= clock.nowMs())) return undefined;
      return { name: found.name, scopes: found.scopes };
    },
  };
};
