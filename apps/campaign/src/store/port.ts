import { createServer } from 'node:net';

/** Below the range from which systems take ports for outgoing connections, so that nobody takes it while the server is down. */
const LEAST = 20_000;
const MOST = 29_999;
const TRIES_MAX = 50;

const taken = new Set<number>();

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** A port that stays ours over the restarts of a server: its clients come back to it by themselves. */
export const reservePort = async (): Promise<number> => {
  for (let i = 0; i < TRIES_MAX; i += 1) {
    const port = LEAST + Math.floor(Math.random() * (MOST - LEAST + 1));
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
  throw new Error(`no free port between ${LEAST} and ${MOST}`);
};
