import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const SECRET_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** 192 bits: nobody guesses it, and it is still short enough to copy. */
const TOKEN_BYTES = 24;

const Secrets = z.strictObject({
  version: z.literal(1),
  /** Opens the paper venue's control door. */
  control_token: z.string(),
  /** The paper venue's tokens by account. */
  venue_tokens: z.record(z.string(), z.string()),
  /** Bearer tokens of the gateway's two demo operators. */
  operator_token: z.string(),
  viewer_token: z.string(),
  grafana_password: z.string(),
});
export type Secrets = z.infer<typeof Secrets>;

const token = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

/** Whole or not at all, and for its owner only. */
export const writePrivate = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  writeFileSync(`${path}.new`, text, { mode: SECRET_MODE });
  chmodSync(`${path}.new`, SECRET_MODE);
  renameSync(`${path}.new`, path);
};

/**
 * Secrets of this installation from `<dataDir>/secrets.json`; made when there is no such file, a token added for an account that has
 * none. Throws SECRETS_UNREADABLE with the file's name when it is not what it should be: making new ones would lock out what runs.
 */
export const ensureSecrets = (dataDir: string, accounts: readonly string[]): Secrets => {
  const path = join(dataDir, 'secrets.json');
  const known = existsSync(path) ? read(path) : undefined;
  // Parsed again, so that members stand in one order whether they were made or read.
  const secrets = Secrets.parse({
    ...(known ?? { version: 1, control_token: token(), operator_token: token(), viewer_token: token(), grafana_password: token() }),
    venue_tokens: { ...Object.fromEntries(accounts.map((account) => [account, token()])), ...known?.venue_tokens },
  });
  writePrivate(path, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
};

const read = (path: string): Secrets => {
  try {
    return Secrets.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Error(`SECRETS_UNREADABLE: ${path} is not what this command wrote: restore it, or move it away for new secrets`, { cause: error });
  }
};

/** What the gateway reads: who may use the API, and hashes, never a token. */
export const gatewayTokens = ({ operator_token, viewer_token }: Secrets): object => {
  const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
  return {
    version: 1,
    tokens: [
      { name: 'demo-operator', sha256: sha256(operator_token), scopes: ['read', 'propose', 'reduce', 'operate'] },
      { name: 'demo-viewer', sha256: sha256(viewer_token), scopes: ['read'] },
    ],
  };
};
