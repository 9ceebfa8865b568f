import type { EmbeddedStoreOptions } from '@tallystick/eventstore-embedded';

export const HELP = `Usage: eventstore [--help]

The embedded single-node event store: EventStoreDB's gRPC protocol over a durable log in one directory.
Settings come from the environment.

  TALLY_STORE_DATA_DIR         where the log lies; created when missing (required)
  TALLY_STORE_HOST             address to listen on (default 127.0.0.1)
  TALLY_STORE_PORT             gRPC port, 0 for any free one (default 2113)
  TALLY_STORE_HTTP_PORT        port of /healthz, /readyz and /metrics, 0 for any free one (default: none)
  TALLY_STORE_ADVERTISED_HOST  what gossip tells clients to connect to (default: the host)
  TALLY_STORE_ADVERTISED_PORT  likewise (default: the port)
  TALLY_STORE_LOG_LEVEL        debug, info, warn or error (default info)

Log lines are JSON on standard output; {"event":"ready","port":...} says that it serves.
SIGTERM and SIGINT stop it: what was accepted is answered first.

Exit codes: 0 stopped, 2 cannot start (locked, damaged or unusable; the last log line says what to do),
64 wrong settings, 74 the disk failed to sync.
`;

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

export interface Settings {
  readonly store: Omit<EmbeddedStoreOptions, 'log' | 'onFatal'>;
  readonly level: Level;
}

export type SettingsOutcome = { readonly ok: true; readonly settings: Settings } | { readonly ok: false; readonly code: 'SETTING_INVALID'; readonly detail: string };

/** Reads the settings from environment variables. Refuses with `SETTING_INVALID` and the variable's name. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): SettingsOutcome {
  const dataDir = env['TALLY_STORE_DATA_DIR'];
  if (dataDir === undefined || dataDir === '') return invalid('TALLY_STORE_DATA_DIR is not set');
  const ports: { port?: number; httpPort?: number; advertisedPort?: number } = { port: 2113 };
  for (const [key, name] of [['port', 'TALLY_STORE_PORT'], ['httpPort', 'TALLY_STORE_HTTP_PORT'], ['advertisedPort', 'TALLY_STORE_ADVERTISED_PORT']] as const) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) return invalid(`${name} is not a port: ${text}`);
    ports[key] = Number(text);
  }
  const level = env['TALLY_STORE_LOG_LEVEL'] ?? 'info';
  if (!isLevel(level)) return invalid(`TALLY_STORE_LOG_LEVEL is none of ${LEVELS.join(', ')}: ${level}`);
  const host = env['TALLY_STORE_HOST'];
  const advertisedHost = env['TALLY_STORE_ADVERTISED_HOST'];
  return { ok: true, settings: { level, store: { dataDir, ...(host && { host }), ...(advertisedHost && { advertisedHost }), ...ports } } };
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
