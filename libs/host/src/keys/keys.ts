import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Signer, Verifier } from '@tallystick/ports';
import { z } from 'zod';

/** What a key may sign. Made on first start, it is `paper` for ever: nothing signed with it can arm live. */
export type KeyPurpose = 'policy' | 'decision';

const PublicKeys = z.array(z.strictObject({ key_id: z.string(), purpose: z.enum(['policy', 'decision']), scope: z.enum(['paper', 'live']), public_key: z.string() }));
export type PublicKeyEntry = z.infer<typeof PublicKeys>[number];

const PRIVATE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const keysDir = (dataDir: string): string => join(dataDir, 'keys');
const publicFile = (dataDir: string): string => join(keysDir(dataDir), 'public.json');
const privateFile = (dataDir: string, purpose: KeyPurpose): string => join(keysDir(dataDir), `${purpose}.pem`);

const signerOf = (keyId: string, key: KeyObject): Signer => ({ keyId, sign: (bytes) => sign(null, bytes, key).toString('base64url') });

/** Ed25519 key pairs for policy and decisions in `<dataDir>/keys`, private ones mode 0600; existing ones are kept. */
export const ensureKeys = (dataDir: string): readonly PublicKeyEntry[] => {
  mkdirSync(keysDir(dataDir), { recursive: true, mode: DIRECTORY_MODE });
  if (existsSync(publicFile(dataDir))) return publicKeys(dataDir);
  const entries = (['policy', 'decision'] as const).map((purpose): PublicKeyEntry => {
    const pair = generateKeyPairSync('ed25519');
    writeFileSync(privateFile(dataDir, purpose), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: PRIVATE_MODE });
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
    return { key_id: `${purpose}-${publicKey.slice(-12)}`, purpose, scope: 'paper', public_key: publicKey };
  });
  writeFileSync(publicFile(dataDir), `${JSON.stringify(entries, null, 2)}\n`, { mode: PRIVATE_MODE });
  return entries;
};

/** Throws KEYS_UNREADABLE with the file's name when they are missing or not what they should be. */
export const publicKeys = (dataDir: string): readonly PublicKeyEntry[] => {
  try {
    return PublicKeys.parse(JSON.parse(readFileSync(publicFile(dataDir), 'utf8')));
  } catch (error) {
    throw new Error(`KEYS_UNREADABLE: ${publicFile(dataDir)}: ${error instanceof Error ? error.message : 'unreadable'}`, { cause: error });
  }
};

export const loadSigner = (dataDir: string, purpose: KeyPurpose): Signer => {
  const entry = publicKeys(dataDir).find((key) => key.purpose === purpose);
  if (!entry) throw new Error(`KEYS_UNREADABLE: no ${purpose} key in ${publicFile(dataDir)}`);
  return signerOf(entry.key_id, createPrivateKey(readFileSync(privateFile(dataDir, purpose))));
};

/** Knows the public keys only. `purpose` keeps a policy key from signing decisions and the other way round. */
export const loadVerifier = (dataDir: string): Verifier => {
  const keys = new Map(publicKeys(dataDir).map(({ key_id, public_key }) => [key_id, createPublicKey({ key: Buffer.from(public_key, 'base64url'), format: 'der', type: 'spki' })]));
  return {
    verify: (keyId, bytes, signature) => {
      const key = keys.get(keyId);
      return key !== undefined && verify(null, bytes, key, Buffer.from(signature, 'base64url'));
    },
  };
};
