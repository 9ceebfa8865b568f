import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedStore } from '@tallystick/eventstore-embedded';

export interface TestStore {
  /** `esdb://127.0.0.1:port?tls=false`; the same after a restart. */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** Stops it in order and starts it again on the same port and files. */
  restart(): Promise<void>;
  /** Stops it, deletes all its files and starts it again: an empty log. */
  wipe(): Promise<void>;
  /** Stops it; its files stay until `stop`. */
  shutdown(): Promise<void>;
  /** Stops it and deletes its files. */
  stop(): Promise<void>;
}

/** Starts the embedded event store in this process, on a free port, in a directory of its own. The caller stops it. */
export const startTestStore = async (): Promise<TestStore> => {
  // Loaded only here: most specs of this package's users need no store.
  const { startEmbeddedStore } = await import('@tallystick/eventstore-embedded');
  const dir = mkdtempSync(join(tmpdir(), 'tally-store-'));
  const dataDir = join(dir, 'data');
  // A failed sync must fail the test that sees it, not end the whole run.
  const onFatal = (error: Error): void => {
    throw error;
  };
  let running: EmbeddedStore | undefined = await startEmbeddedStore({ dataDir, onFatal });
  const { port, connectionString } = running;
  const shutdown = async (): Promise<void> => {
    const store = running;
    running = undefined;
    await store?.stop();
  };
  const start = async (): Promise<void> => {
    running = await startEmbeddedStore({ dataDir, port, onFatal });
  };
  return {
    url: connectionString,
    port,
    dataDir,
    shutdown,
    restart: async () => {
      await shutdown();
      await start();
    },
    wipe: async () => {
      await shutdown();
      rmSync(dataDir, { recursive: true, force: true });
      await start();
    },
    stop: async () => {
      await shutdown();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
