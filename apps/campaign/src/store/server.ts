import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { asJson, text, type Json } from '../oracle/json.ts';
import { RUN_VARIABLE } from '../system/proc.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerOptions {
  /** The project: its built server is run. */
  readonly root: string;
  readonly dataDir: string;
  /** Whose processes these are. */
  readonly runDir: string;
  /** 0: any free one. */
  readonly port?: number;
  /** A command that runs the server: a tracer. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export type Started = { readonly ok: true; readonly port: number } | { readonly ok: false; readonly exit: Exit; readonly code: string; readonly said: string };

/** Waits are long because machines are slow: nothing is judged by how long it took. */
const WAIT_MS_MAX = 60_000;

/** The event store as a process of its own: the one that users run. */
export class StoreServer {
  readonly lines: Json[] = [];
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  private stderr = '';
  private readonly child: ChildProcess;
  private readonly ready: Promise<number>;

  constructor({ root, dataDir, runDir, port = 0, through = [], env = {} }: ServerOptions) {
    const [command = process.execPath, ...args] = [...through, process.execPath, join(root, 'apps/eventstore/dist/main.js')];
    this.child = spawn(command, args, {
      env: { PATH: process.env['PATH'] ?? '', [RUN_VARIABLE]: runDir, TALLY_STORE_DATA_DIR: dataDir, TALLY_STORE_PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString('utf8')));
    let isReady: (port: number) => void;
    this.ready = new Promise((resolve) => (isReady = resolve));
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        const said: Json = line.startsWith('{') ? asJson(JSON.parse(line)) : { text: line };
        this.lines.push(said);
        if (said['event'] === 'ready') isReady(Number(said['port']));
      });
    }
    this.exited = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        this.exit = exit;
        resolve(exit);
      };
      this.child.once('error', (error) => {
        this.stderr += error.message;
        ended({ code: -1, signal: null });
      });
      this.child.once('close', (code, signal) => ended({ code, signal }));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** It serves, or it has ended: then with the code of its last word. */
  async started(): Promise<Started> {
    const port = await this.within('start', Promise.race([this.ready, this.exited]));
    if (typeof port === 'number') return { ok: true, port };
    const last = this.lines.findLast((line) => line['event'] === 'cannot_start');
    return { ok: false, exit: port, code: text(last, 'code'), said: last === undefined ? this.stderr.slice(-400) : JSON.stringify(last) };
  }

  /** Its port; throws when it did not start. */
  async port(): Promise<number> {
    const started = await this.started();
    if (!started.ok) throw new Error(`the store did not start: ${started.said}`);
    return started.port;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<Exit> {
    this.child.kill(signal);
    return this.within(`end by ${signal}`, this.exited);
  }

  said(event: string): readonly Json[] {
    return this.lines.filter((line) => line['event'] === event);
  }

  /** What it wrote to standard error: nothing, when all is well. */
  complaint(): string {
    return this.stderr.trim();
  }

  private async within<T>(what: string, work: Promise<T>): Promise<T> {
    const done = new AbortController();
    const late = delay(WAIT_MS_MAX, undefined, { signal: done.signal, ref: false }).then(
      () => {
        this.child.kill('SIGKILL');
        throw new Error(`the store did not ${what} within ${WAIT_MS_MAX / 1_000} s: ${JSON.stringify(this.lines.at(-1))}`);
      },
      () => new Promise<never>(() => undefined),
    );
    try {
      return await Promise.race([work, late]);
    } finally {
      done.abort();
    }
  }
}
