import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startEmbeddedStore } from '../../src/index.ts';
import type { EmbeddedStore } from '../../src/index.ts';
import { ServerProcess } from '../server-process.ts';
import { newDirectory } from '../support.ts';
import type { Host } from './ports.ts';

/** Some ten appends: a run writes several segments. */
const SEGMENT_BYTES_MAX = 8_000;

const urlOf = (port: number): string => `esdb://127.0.0.1:${port}?tls=false`;

const dropIndexOf = (dataDir: string): void => {
  for (const name of readdirSync(dataDir)) if (name.endsWith('.idx')) rmSync(join(dataDir, name));
};

/** The server as a process of its own. */
export const processHost = (): Host => {
  const dataDir = newDirectory();
  let server: ServerProcess | undefined;
  let port = 0;
  return {
    start: async () => {
      server = new ServerProcess(dataDir, { port, segmentBytesMax: SEGMENT_BYTES_MAX });
      port = await server.port();
      return urlOf(port);
    },
    end: async (how) => {
      await server?.end(how);
      server = undefined;
    },
    dropIndex: () => dropIndexOf(dataDir),
    remove: async () => {
      await server?.end('SIGKILL');
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};

/** The server in this process: quicker to start by far, and never killed. */
export const localHost = (): Host => {
  const dataDir = newDirectory();
  let store: EmbeddedStore | undefined;
  let port = 0;
  return {
    start: async () => {
      store = await startEmbeddedStore({ dataDir, port, segmentBytesMax: SEGMENT_BYTES_MAX });
      port = store.port;
      return urlOf(port);
    },
    end: async () => {
      await store?.stop();
      store = undefined;
    },
    dropIndex: () => dropIndexOf(dataDir),
    remove: async () => {
      await store?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};
