import { readFileSync } from 'node:fs';
import { CATEGORIES } from '@tallystick/contracts';
import type { EmbeddedStoreOptions, StoreUser, TlsFiles } from '@tallystick/eventstore-embedded';
import { parseUsers, readSecret } from './users.ts';
import type { Outcome } from './users.ts';

export const HELP = `Usage: eventstore [--help]

The embedded single-node event store: EventStoreDB's gRPC protocol over a durable log in one directory.
Settings come from the environment.

  TALLY_STORE_DATA_DIR         where the log lies; created when missing (required)
  TALLY_STORE_HOST             address to listen on (default 127.0.0.1); any that is not loopback wants TLS and users
  TALLY_STORE_PORT             gRPC port, 0 for any free one (default 2113)
  TALLY_STORE_HTTP_PORT        port of /healthz, /readyz and /metrics, 0 for any free one (default: none)
  TALLY_STORE_ADVERTISED_HOST  what gossip tells clients to connect to (default: the host)
  TALLY_STORE_ADVERTISED_PORT  likewise (default: the port)
  TALLY_STORE_TLS_CERT_FILE    PEM: the certificate, then any intermediate ones (default: no TLS)
  TALLY_STORE_TLS_KEY_FILE     PEM: its key, not readable by everybody
  TALLY_STORE_USERS_FILE       who may call, not readable by everybody (default: anybody, on loopback alone)
  TALLY_STORE_INSECURE         yes: listen where others can reach it without TLS or users
  TALLY_STORE_WRITE_TIMEOUT_MS how long an append may wait for its answer (default 2000)
  TALLY_STORE_LOG_LEVEL        debug, info, warn or error (default info)

The file of users has lines "name:password role", or JSON {"name": {"password": "...", "role": "service"}}. Roles: service (the default),
read (appends nothing), admin (may also delete events of the product's own streams or hide them by metadata, which nobody else may).
The official client sends user and password over TLS alone.

Log lines are JSON on standard output; {"event":"ready","port":...} says that it serves.
SIGTERM and SIGINT stop it: what was accepted is answered first.

Exit codes: 0 stopped, 2 cannot start (locked, damaged, unusable or exposed; the last log line says what to do),
64 wrong settings, 74 the disk failed to sync.
`;

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];
/** Ten minutes: more than any client waits. */
const WRITE_TIMEOUT_MS_MAX = 600_000;

export interface Settings {
  readonly store: Omit<EmbeddedStoreOptions, 'log' | 'onFatal'>;
  readonly level: Level;
}

export type SettingsOutcome = { readonly ok: true; readonly settings: Settings } | { readonly ok: false; readonly code: 'SETTING_INVALID'; readonly detail: string };

type Env = Readonly<Record<string, string | undefined>>;

/** Reads the settings from environment variables and the files they name. Refuses with `SETTING_INVALID` and the variable's name. */
export function readSettings(env: Env): SettingsOutcome {
  const dataDir = env['TALLY_STORE_DATA_DIR'];
  if (dataDir === undefined || dataDir === '') return invalid('TALLY_STORE_DATA_DIR is not set');
  const ports = readPorts(env);
  if (!ports.ok) return invalid(ports.detail);
  const access = readAccess(env);
  if (!access.ok) return invalid(access.detail);
  const level = env['TALLY_STORE_LOG_LEVEL'] ?? 'info';
  if (!isLevel(level)) return invalid(`TALLY_STORE_LOG_LEVEL is none of ${LEVELS.join(', ')}: ${level}`);
  const timeout = env['TALLY_STORE_WRITE_TIMEOUT_MS'] ?? '';
  const writeTimeoutMs = timeout === '' ? undefined : Number(timeout);
  if (writeTimeoutMs !== undefined && (!/^\d{1,6}$/.test(timeout) || writeTimeoutMs < 1 || writeTimeoutMs > WRITE_TIMEOUT_MS_MAX)) {
    return invalid(`TALLY_STORE_WRITE_TIMEOUT_MS is not a whole number from 1 to ${WRITE_TIMEOUT_MS_MAX}: ${timeout}`);
  }
  const host = env['TALLY_STORE_HOST'];
  const advertisedHost = env['TALLY_STORE_ADVERTISED_HOST'];
  const protectedPrefixes = Object.values(CATEGORIES).map(({ prefix }) => prefix);
  return {
    ok: true,
    settings: {
      level,
      store: {
        dataDir, protectedPrefixes, ...ports.value, ...access.value,
        ...(host && { host }), ...(advertisedHost && { advertisedHost }), ...(writeTimeoutMs !== undefined && { writeTimeoutMs }),
      },
    },
  };
}

interface Ports {
  port: number;
  httpPort?: number;
  advertisedPort?: number;
}

function readPorts(env: Env): Outcome<Ports> {
  const ports: Ports = { port: 2113 };
  for (const [key, name] of [['port', 'TALLY_STORE_PORT'], ['httpPort', 'TALLY_STORE_HTTP_PORT'], ['advertisedPort', 'TALLY_STORE_ADVERTISED_PORT']] as const) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) return { ok: false, detail: `${name} is not a port: ${text}` };
    ports[key] = Number(text);
  }
  return { ok: true, value: ports };
}

interface Access {
  readonly tls?: TlsFiles;
  readonly users?: ReadonlyMap<string, StoreUser>;
  readonly insecure?: boolean;
}

function readAccess(env: Env): Outcome<Access> {
  const tls = readTls(env['TALLY_STORE_TLS_CERT_FILE'] ?? '', env['TALLY_STORE_TLS_KEY_FILE'] ?? '');
  if (!tls.ok) return tls;
  const insecure = env['TALLY_STORE_INSECURE'] ?? '';
  if (!['', 'no', 'yes'].includes(insecure)) return { ok: false, detail: `TALLY_STORE_INSECURE is neither yes nor no: ${insecure}` };
  const access: Access = { ...(tls.value && { tls: tls.value }), ...(insecure === 'yes' && { insecure: true }) };
  const path = env['TALLY_STORE_USERS_FILE'] ?? '';
  if (path === '') return { ok: true, value: access };
  const text = readSecret('TALLY_STORE_USERS_FILE', path);
  if (!text.ok) return text;
  const users = parseUsers(text.value);
  return users.ok ? { ok: true, value: { ...access, users: users.value } } : { ok: false, detail: `TALLY_STORE_USERS_FILE: in ${path}, ${users.detail}` };
}

function readTls(certificateFile: string, keyFile: string): Outcome<TlsFiles | undefined> {
  if (certificateFile === '' && keyFile === '') return { ok: true, value: undefined };
  if (certificateFile === '' || keyFile === '') return { ok: false, detail: 'TALLY_STORE_TLS_CERT_FILE and TALLY_STORE_TLS_KEY_FILE are only of use together' };
  const key = readSecret('TALLY_STORE_TLS_KEY_FILE', keyFile);
  if (!key.ok) return key;
  try {
    return { ok: true, value: { certificate: readFileSync(certificateFile, 'utf8'), key: key.value } };
  } catch (error) {
    return { ok: false, detail: `TALLY_STORE_TLS_CERT_FILE cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

export function isAtLeast(level: Level, threshold: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(threshold);
}

function isLevel(text: string): text is Level {
  return LEVELS.some((level) => level === text);
}

function invalid(detail: string): SettingsOutcome {
  return { ok: false, code: 'SETTING_INVALID', detail };
}
