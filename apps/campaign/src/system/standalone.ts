import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asJson, at, text, type Json } from '../oracle/json.ts';
import { ask } from '../wire/http.ts';
import { killProcess, processesOf, RUN_VARIABLE } from './proc.ts';

/** Instances run under the supervisor, which keeps them in no list of the standalone's. */
export const STRATEGY_INSTANCES = ['rebalance', 'signal'] as const;

export interface StandaloneOptions {
  readonly root: string;
  readonly dataDir: string;
  readonly market: string;
  readonly profile: 'demo' | 'bare';
  readonly speed: string;
  /** Ends with the market and gives its summary. */
  readonly exit: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number | null;
  /** What `--json` printed; `undefined` when it printed none. */
  readonly summary: Json | undefined;
}

export interface MarketPosition {
  readonly startMs: number;
  readonly endMs: number;
  readonly timeMs: number;
}

const OUTPUT_KEPT = 16_384;
const LOOK_MS = 25;
const READY_MS_MAX = 90_000;

/** The product as users run it: one command and the processes that it starts. What it writes is kept for when something is wrong. */
export class Standalone {
  private readonly child: ChildProcess;
  private readonly ended: Promise<Ended>;
  private said = '';
  private output = '';

  constructor(private readonly options: StandaloneOptions) {
    const { root, dataDir, market, profile, speed, exit, env } = options;
    const args = [join(root, 'apps/standalone/dist/main.js'), '--data', dataDir, '--fresh', '--market', market, '--profile', profile, '--speed', speed, '--port', '0', '--json', ...(exit ? ['--exit'] : [])];
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && (!name.startsWith('TALLY_') && name !== 'ESDB_URL')));
    this.child = spawn(process.execPath, args, { cwd: root, env: { ...inherited, ...env, [RUN_VARIABLE]: dataDir }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString('utf8')));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.said = (this.said + chunk.toString('utf8')).slice(-OUTPUT_KEPT)));
    this.ended = new Promise((resolve) => {
      this.child.once('error', () => resolve({ code: null, summary: undefined }));
      this.child.once('close', (code) => resolve({ code, summary: summaryIn(this.output) }));
    });
  }

  get dataDir(): string {
    return this.options.dataDir;
  }

  isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The last lines it wrote. */
  lastWords(): string {
    return this.said.trim().split('\n').slice(-4).join(' | ').slice(-800);
  }

  run(): Json {
    return asJson(readJson(join(this.options.dataDir, 'run.json')));
  }

  port(name: string, purpose: string): number {
    return Number(text(this.run(), 'children', name, 'ports', purpose));
  }

  restarts(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(asJson(this.run()['children'])).map(([name, child]) => [name, Number(text(child, 'restarts'))]));
  }

  /** Of a process that runs now; `undefined` while it is away. */
  pid(name: string): number | undefined {
    if ((STRATEGY_INSTANCES as readonly string[]).includes(name)) {
      return processesOf(this.options.dataDir).find(({ env, command }) => env.get('TALLY_INSTANCE') === name && env.has('TALLY_RUN_ID') && command.includes('strategies'))?.pid;
    }
    const child = at(this.run(), 'children', name);
    return at(child, 'ready') === true ? Number(text(child, 'pid')) : undefined;
  }

  kill(name: string): boolean {
    const pid = this.pid(name);
    return pid !== undefined && killProcess(pid);
  }

  secrets(): Json {
    return asJson(readJson(join(this.options.dataDir, 'secrets.json')));
  }

  venueUrl(): string {
    return `http://127.0.0.1:${this.port('paper-venue', 'http')}`;
  }

  gatewayUrl(): string {
    return text(readJson(join(this.options.dataDir, 'operator.json')), 'url');
  }

  storeUrl(): string {
    return `esdb://127.0.0.1:${this.port('eventstore', 'grpc')}?tls=false`;
  }

  async marketPosition(): Promise<MarketPosition | undefined> {
    const { status, body } = await ask({ method: 'GET', url: `${this.venueUrl()}/control/market`, headers: { authorization: `Bearer ${text(this.secrets(), 'control_token')}` }, timeoutMs: 2_000 });
    return status === 200 ? { startMs: Number(text(body, 'start_ms')), endMs: Number(text(body, 'end_ms')), timeMs: Number(text(body, 'position', 'time_ms')) } : undefined;
  }

  async book(): Promise<unknown> {
    const { status, body, text: said } = await ask({ method: 'GET', url: `${this.venueUrl()}/v1/book`, headers: { authorization: `Bearer ${text(this.secrets(), 'control_token')}` } });
    if (status !== 200) throw new Error(`the venue's book cannot be read: ${status} ${said.slice(0, 200)}`);
    return body;
  }

  /** Resolves when `condition` gives something; rejects when it does not in time, or when the system ended meanwhile. */
  async until<T>(what: string, withinMs: number, condition: () => Promise<T | undefined> | T | undefined): Promise<T> {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      const found = await condition();
      if (found !== undefined) return found;
      if (!this.isRunning()) throw new Error(`the system ended while waiting for ${what}: ${this.lastWords()}`);
      if (performance.now() > untilMs) throw new Error(`not within ${withinMs / 1_000} s: ${what}; it says: ${this.lastWords()}`);
      await delay(LOOK_MS);
    }
  }

  /** Every process is up and every health page says ready. */
  async ready(): Promise<void> {
    await this.until('everything to be ready', READY_MS_MAX, () => (/^Gateway\s/m.test(this.said) ? true : undefined));
  }

  async readyAgain(name: string): Promise<void> {
    await this.until(`${name} to be back`, READY_MS_MAX, async () => {
      if (this.pid(name) === undefined) return undefined;
      const ops = this.port(name, 'ops');
      if (!Number.isFinite(ops) || ops === 0) return true;
      return (await ask({ method: 'GET', url: `http://127.0.0.1:${ops}/readyz`, timeoutMs: 2_000 })).status === 200 ? true : undefined;
    });
  }

  /** How it ended by itself. Rejects, and kills it, when it does not `withinMs`. */
  async end(withinMs: number): Promise<Ended> {
    const late = new AbortController();
    const ended = await Promise.race([this.ended, delay(withinMs, undefined, { signal: late.signal, ref: false }).catch(() => undefined)]);
    late.abort();
    if (ended) return ended;
    const words = this.lastWords();
    await this.destroy();
    throw new Error(`it did not end within ${withinMs / 1_000} s; it said: ${words}`);
  }

  /** As Ctrl-C does. */
  async stop(): Promise<Ended> {
    if (this.isRunning()) this.child.kill('SIGTERM');
    return this.end(30_000);
  }

  /** At once, with everything that belongs to it, whatever state it is in. */
  async destroy(): Promise<void> {
    if (this.isRunning()) {
      this.child.kill('SIGKILL');
      await this.ended;
    }
    for (const { pid } of processesOf(this.options.dataDir)) killProcess(pid);
  }

  /** What is still there of it once it ended, given the moment that killed processes need to be gone. */
  async leftBehind(): Promise<readonly string[]> {
    for (let look = 0; look < 40; look += 1) {
      if (processesOf(this.options.dataDir).length === 0) return [];
      await delay(LOOK_MS);
    }
    return processesOf(this.options.dataDir).map(({ pid, command }) => `${pid} ${command.slice(0, 120)}`);
  }
}

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Not written yet.
    return undefined;
  }
};

const summaryIn = (output: string): Json | undefined => {
  try {
    return asJson(JSON.parse(output));
  } catch {
    // It ended before it had one.
    return undefined;
  }
};
