import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { codeOf, Refusal } from './refusal.ts';

/**
 * Below the range that systems take for outgoing connections: there a client that knocks on a port nobody listens on can be given
 * that very port, connect to itself, and keep a restarted server from it.
 */
const PORT_MIN = 10_240;
const PORT_MAX = 32_767;
/** With so many misses in a row it is not chance. */
const TRIES_MAX = 200;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (['EADDRINUSE', 'EACCES'].includes(codeOf(error)) ? resolve(false) : reject(error)));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** A port of 127.0.0.1 that nobody has, and none of `taken`, to which it is added. */
export const freePort = async (taken: Set<number>): Promise<number> => {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(PORT_MIN, PORT_MAX);
    if (taken.has(port)) continue;
    // Before it is looked at: whoever looks at the same time takes another.
    taken.add(port);
    if (await isFree(port)) return port;
  }
  throw new Refusal('no free port was found on 127.0.0.1');
};

/** `port` itself, any free one for 0. Refuses one that is taken. */
export const wantedPort = async (port: number, taken: Set<number>): Promise<number> => {
  if (port === 0) return freePort(taken);
  if (!(await isFree(port))) throw new Refusal(`port ${port} is taken: stop what listens there, or choose another with --port`);
  taken.add(port);
  return port;
};
