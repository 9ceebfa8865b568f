import { writeSync } from 'node:fs';
import { StoreError, startEmbeddedStore } from '@tallystick/eventstore-embedded';
import type { EmbeddedStore, StoreLog } from '@tallystick/eventstore-embedded';
import { HELP, isAtLeast, readSettings } from './settings.ts';
import type { Level } from './settings.ts';

const EXIT_CANNOT_START = 2;
const EXIT_USAGE = 64;
const EXIT_IO_ERROR = 74;
const STDOUT = 1;

/** Written at once and whole, so that the last line before an exit is not lost. */
function line(level: Level, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  writeSync(STDOUT, `${JSON.stringify({ time_ms: Date.now(), level, service: 'eventstore', event, ...fields })}\n`);
}

function stopOnSignals(store: EmbeddedStore): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      line('info', 'stopping', { signal });
      store.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          line('error', 'stop_failed', { detail: String(error) });
          process.exit(EXIT_IO_ERROR);
        },
      );
    });
  }
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    writeSync(STDOUT, HELP);
    return;
  }
  const outcome = readSettings(process.env);
  if (!outcome.ok) {
    line('error', 'settings_refused', { code: outcome.code, detail: outcome.detail });
    process.exit(EXIT_USAGE);
  }
  const { store: options, level: threshold } = outcome.settings;
  const log: StoreLog = {
    write: (level, event, fields) => {
      if (isAtLeast(level, threshold)) line(level, event, fields);
    },
  };
  const store = await startEmbeddedStore({ ...options, log });
  stopOnSignals(store);
  writeSync(STDOUT, `${JSON.stringify({ event: 'ready', port: store.port, ...(store.httpPort !== undefined && { http_port: store.httpPort }) })}\n`);
}

main().catch((error: unknown) => {
  const known = error instanceof StoreError;
  line('error', 'cannot_start', {
    code: known ? error.code : 'STORE_UNUSABLE',
    detail: error instanceof Error ? error.message : String(error),
    ...(known && { remedy: error.remedy }),
  });
  process.exit(EXIT_CANNOT_START);
});
