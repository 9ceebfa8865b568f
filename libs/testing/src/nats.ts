import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface TestNats {
  /** `nats://127.0.0.1:port`; the same after a restart. */
  readonly url: string;
  readonly port: number;
  /** Where JetStream keeps its files. */
  readonly storeDir: string;
  readonly pid: () => number | undefined;
  /** Asks it to end and waits until it has; its files stay. */
  shutdown(): Promise<void>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: alive and mute. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port with the files as they are. Ends a running one first. */
  restart(): Promise<void>;
  /** Ends it, deletes all JetStream files and starts it again: a server that has forgotten everything. */
  wipe(): Promise<void>;
  /** Ends it and deletes its files. */
  stop(): Promise<void>;
}

export interface TestNatsOptions {
  /** Further lines of its configuration file. */
  readonly config?: readonly string[];
}

const START_MS_MAX = 10_000;
const run = promisify(execFile);

const rootOf = (from: string): string => {
  for (let dir = from; dirname(dir) !== dir; dir = dirname(dir)) if (existsSync(join(dir, 'nx.json'))) return dir;
  throw new Error(`no workspace above ${from}`);
};

let binary: Promise<string> | undefined;

/** The repository's own script knows where to look and how to fetch one. It is a module of its own kind, so it runs as a process. */
const findBinary = async (): Promise<string> => {
  const root = rootOf(import.meta.dirname);
  const { stdout } = await run(process.execPath, [join(root, 'scripts', 'nats-server.mjs')], { cwd: root });
  return stdout.trim();
};

const portFrom = (dir: string): number | undefined => {
  const file = readdirSync(dir).find((name) => name.endsWith('.ports'));
  if (file === undefined) return undefined;
  try {
    const ports = JSON.parse(readFileSync(join(dir, file), 'utf8')) as { readonly nats?: readonly string[] };
    const url = ports.nats?.[0];
    return url === undefined ? undefined : Number(new URL(url).port);
  } catch (error) {
    // Caught half written; the next look sees it whole.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const isUp = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

class Server {
  readonly #dir: string;
  readonly #bin: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #output = '';
  port = -1;

  constructor(bin: string, dir: string, args: readonly string[]) {
    this.#bin = bin;
    this.#dir = dir;
    this.#args = args;
  }

  get storeDir(): string {
    return join(this.#dir, 'store');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const portsDir = mkdtempSync(join(this.#dir, 'ports-'));
    const args = ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', this.storeDir, '--ports_file_dir', portsDir, ...this.#args];
    const child = spawn(this.#bin, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-4_000);
      });
    }
    const deadlineMs = performance.now() + START_MS_MAX;
    for (;;) {
      const port = portFrom(portsDir);
      if (port !== undefined) {
        this.port = port;
        return;
      }
      if (!isUp(child) || performance.now() > deadlineMs) {
        await this.end('SIGKILL');
        throw new Error(`nats-server did not start:\n${this.#output}`);
      }
      await delay(5);
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || !isUp(child)) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    // A frozen process takes a SIGTERM only when it runs again.
    if (signal !== 'SIGKILL') child.kill('SIGCONT');
    await gone;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}

/**
 * Starts a real nats-server with JetStream on a free port, in a directory of its own. Rejects with the server's output when it
 * does not start. The caller stops it.
 */
export const startTestNats = async (options: TestNatsOptions = {}): Promise<TestNats> => {
  const bin = await (binary ??= findBinary());
  const dir = mkdtempSync(join(tmpdir(), 'tally-nats-'));
  const args: string[] = [];
  if (options.config !== undefined) {
    writeFileSync(join(dir, 'nats.conf'), `${options.config.join('\n')}\n`);
    args.push('-c', join(dir, 'nats.conf'));
  }
  const server = new Server(bin, dir, args);
  mkdirSync(server.storeDir);
  await server.start();
  const { port } = server;
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir: server.storeDir,
    pid: () => server.pid,
    shutdown: () => server.end('SIGTERM'),
    kill: () => server.end('SIGKILL'),
    freeze: () => server.signal('SIGSTOP'),
    thaw: () => server.signal('SIGCONT'),
    restart: async () => {
      await server.end('SIGTERM');
      await server.start();
    },
    wipe: async () => {
      await server.end('SIGKILL');
      rmSync(server.storeDir, { recursive: true, force: true });
      mkdirSync(server.storeDir);
      await server.start();
    },
    stop: async () => {
      await server.end('SIGTERM');
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
