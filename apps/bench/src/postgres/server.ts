import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { watchChild } from '../machine/children.ts';

export interface PostgresServer {
  readonly pid: number;
  readonly version: string;
  readonly connection: { readonly host: string; readonly port: number; readonly user: string; readonly database: string };
  stop(): Promise<void>;
}

export type StartedPostgres = { readonly ok: true; readonly server: PostgresServer } | { readonly ok: false; readonly reason: string };

const PLACES = '/usr/lib/postgresql';
const START_MS_MAX = 20_000;

/** Where Debian puts the server, newest version first. */
const binaries = (): string | undefined => {
  if (!existsSync(PLACES)) return undefined;
  const versions = readdirSync(PLACES).filter((version) => existsSync(join(PLACES, version, 'bin/postgres'))).sort((a, b) => Number(b) - Number(a));
  return versions[0] === undefined ? undefined : join(PLACES, versions[0], 'bin');
};

const idOf = (flag: string, user: string): number => Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));

/** The server refuses to run as root: then it runs as the user that the package made, or as nobody. */
const serverUser = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', user), gid: idOf('-g', user) };
    } catch {
      // No such user here; the next may be.
    }
  }
  return undefined;
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** A server of its own with its defaults (synced commits among them), on loopback; its output goes to `dir`. Says why when there can be none. */
export const startPostgres = async (dir: string): Promise<StartedPostgres> => {
  const bin = binaries();
  if (bin === undefined) return { ok: false, reason: `no PostgreSQL server in ${PLACES} (apt-get install postgresql)` };
  const user = serverUser();
  if (process.getuid?.() === 0 && user === undefined) return { ok: false, reason: 'PostgreSQL does not run as root, and there is no other user' };
  // Beside the run's directory, which the other user may not enter.
  const home = mkdtempSync(join(tmpdir(), 'tally-bench-postgres-'));
  if (user) chownSync(home, user.uid, user.gid);
  const data = join(home, 'data');
  const as = user ?? {};
  try {
    execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-locale'], { ...as, cwd: home, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin' } });
  } catch (error) {
    return { ok: false, reason: `initdb failed: ${error instanceof Error ? error.message.slice(0, 300) : String(error)}` };
  }
  const port = await freePort();
  const log = openSync(join(dir, 'postgres.log'), 'a');
  const child = spawn(join(bin, 'postgres'), ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', home, '-c', 'synchronous_commit=on', '-c', 'fsync=on'], { ...as, cwd: home, stdio: ['ignore', log, log], env: { PATH: '/usr/bin:/bin' } });
  watchChild(child);
  process.once('exit', () => rmSync(home, { recursive: true, force: true }));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const gone = once(child, 'exit');
    // Fast shutdown: open sessions are ended.
    child.kill('SIGINT');
    await gone;
  };
  const version = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).trim();
  for (let waitedMs = 0; waitedMs < START_MS_MAX && child.exitCode === null; waitedMs += 50) {
    try {
      execFileSync(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port), '-q']);
      return { ok: true, server: { pid: child.pid ?? 0, version, connection: { host: '127.0.0.1', port, user: 'bench', database: 'postgres' }, stop } };
    } catch {
      // Not yet.
      await delay(50);
    }
  }
  await stop();
  return { ok: false, reason: 'PostgreSQL did not start' };
};
