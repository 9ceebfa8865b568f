import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The store the contract is run against: ours as a process of its own, or, with ESDB_URL, one that runs already. */
export interface Target {
  readonly url: string;
  /** Whether this suite may kill it. */
  readonly owned: boolean;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM: the server ends its calls and closes its log. */
  shutDown(): Promise<void>;
  /** On the same port and data. */
  start(): Promise<void>;
  dispose(): Promise<void>;
}

// Whoever starts it may be killed: it ends with its standard input.
const SERVER = `
import { startEmbeddedStore } from '@tallystick/eventstore-embedded';
const store = await startEmbeddedStore({ dataDir: process.env.STORE_DATA_DIR, port: Number(process.env.STORE_PORT) });
process.stdin.resume().on('end', () => process.exit(0));
process.on('SIGTERM', () => store.stop().then(() => process.exit(0)));
console.log(JSON.stringify({ port: store.port }));
`;

export async function openTarget(): Promise<Target> {
  const given = process.env['ESDB_URL'];
  if (given !== undefined && given !== '') return foreign(given);
  const server = new ServerProcess();
  await server.start();
  return server;
}

function foreign(url: string): Target {
  const never = (): Promise<never> => Promise.reject(new Error('this store is not ours to stop'));
  return { url, owned: false, kill: never, shutDown: never, start: never, dispose: () => Promise.resolve() };
}

export class ServerProcess implements Target {
  readonly owned = true;
  private readonly dataDir = mkdtempSync(join(tmpdir(), 'tally-contract-'));
  private child: ChildProcess | undefined;
  private port = 0;

  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--conditions=@tallystick/source', '--input-type=module', '-e', SERVER], {
      cwd: join(__dirname, '../../../..'),
      env: { ...process.env, NODE_OPTIONS: '', STORE_DATA_DIR: this.dataDir, STORE_PORT: String(this.port) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child = child;
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const line = await Promise.race([once(lines, 'line'), once(child, 'exit')]);
    if (typeof line[0] !== 'string') throw new Error(`the embedded store did not start (exit ${String(line[0])})`);
    this.port = (JSON.parse(line[0]) as { port: number }).port;
  }

  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  shutDown(): Promise<void> {
    return this.end('SIGTERM');
  }

  async dispose(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}
