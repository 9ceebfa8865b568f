import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureKeys } from '@tallystick/host';
import type { PrepareConfig } from './config.ts';
import { ensureSecrets, gatewayTokens, writePrivate, type Secrets } from './secrets.ts';

const DIRECTORY_MODE = 0o700;
/** `node` in the image: what containers run as when root, whom they never run as, has prepared. */
const IMAGE_UID = 1000;

/**
 * What each process may know, beside the public keys that all verify with: risk signs decisions, bootstrap signs the policy, execution
 * alone logs in to the venue. Risk and fills are given a venue without a token: they encode and interpret, they never call.
 */
const HAND_OUT: Readonly<Record<string, { readonly privateKey?: 'policy' | 'decision'; readonly venueTokens?: 'all' | 'none'; readonly gatewayTokens?: boolean }>> = {
  bootstrap: { privateKey: 'policy' },
  intents: {},
  risk: { privateKey: 'decision', venueTokens: 'none' },
  execution: { venueTokens: 'all' },
  fills: { venueTokens: 'none' },
  supervisor: {},
  gateway: { gatewayTokens: true },
};

/** Directories that containers write into: the paper venue's book, and what execution knows of the log. */
const WRITTEN = ['venue', 'anchors'];

/** Names of the processes that get a directory. */
export const ROLES: readonly string[] = Object.keys(HAND_OUT);

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const venueTokensText = ({ venue_tokens: tokens }: Secrets): string => Object.entries(tokens).map(([account, token]) => `${account}=${token}`).join(',');

/** For the paper venue, which is told in its environment, and for `docker-compose --env-file`. */
const environmentFiles = (dataDir: string, secrets: Secrets): void => {
  const venue = [`TALLY_VENUE_TOKENS=${venueTokensText(secrets)}`, `TALLY_VENUE_CONTROL_TOKEN=${secrets.control_token}`];
  const control = [`TALLY_VENUE_CONTROL_TOKEN=${secrets.control_token}`];
  writePrivate(join(dataDir, 'roles', 'paper-venue.env'), `${venue.join('\n')}\n`);
  writePrivate(join(dataDir, 'roles', 'control.env'), `${control.join('\n')}\n`);
  const { uid, gid } = containerUser();
  writePrivate(join(dataDir, 'compose.env'), `${[`TALLY_UID=${uid}`, `TALLY_GID=${gid}`, ...venue, `TALLY_GRAFANA_PASSWORD=${secrets.grafana_password}`].join('\n')}\n`);
};

/** Containers run as whoever owns the files they read. */
const containerUser = (): { readonly uid: number; readonly gid: number } => {
  const uid = process.getuid?.() ?? IMAGE_UID;
  return uid === 0 ? { uid: IMAGE_UID, gid: IMAGE_UID } : { uid, gid: process.getgid?.() ?? IMAGE_UID };
};

const giveToContainers = (dir: string): void => {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = containerUser();
  for (const path of ['', ...readdirSync(dir, { recursive: true, encoding: 'utf8' })]) chownSync(join(dir, path), uid, gid);
};

/**
 * Keys and secrets in `dataDir`, made where missing, and a directory per process under `roles/` holding what that one needs and no more.
 * Nothing that is there is changed, so that a second run hands out the same. Returns what was written where, without any value.
 */
export const prepare = ({ dataDir, paperAccounts }: PrepareConfig): readonly string[] => {
  ensureKeys(dataDir);
  const secrets = ensureSecrets(dataDir, paperAccounts);
  const publicKeys = readFileSync(join(dataDir, 'keys', 'public.json'), 'utf8');
  for (const [role, gets] of Object.entries(HAND_OUT)) {
    const dir = join(dataDir, 'roles', role);
    mkdirSync(dir, { recursive: true, mode: DIRECTORY_MODE });
    chmodSync(dir, DIRECTORY_MODE);
    writePrivate(join(dir, 'keys', 'public.json'), publicKeys);
    if (gets.privateKey) writePrivate(join(dir, 'keys', `${gets.privateKey}.pem`), readFileSync(join(dataDir, 'keys', `${gets.privateKey}.pem`), 'utf8'));
    if (gets.venueTokens) writePrivate(join(dir, 'venue-tokens.json'), json(gets.venueTokens === 'all' ? secrets.venue_tokens : {}));
    if (gets.gatewayTokens) writePrivate(join(dir, 'tokens.json'), json(gatewayTokens(secrets)));
  }
  for (const dir of WRITTEN) mkdirSync(join(dataDir, dir), { recursive: true, mode: DIRECTORY_MODE });
  environmentFiles(dataDir, secrets);
  for (const dir of ['roles', ...WRITTEN]) giveToContainers(join(dataDir, dir));
  return [
    `keys and secrets     ${dataDir}/keys, ${dataDir}/secrets.json (operator_token opens the gateway)`,
    `a directory each     ${dataDir}/roles: ${ROLES.join(', ')}`,
    `docker-compose       --env-file ${dataDir}/compose.env`,
  ];
};
