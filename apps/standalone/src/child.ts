import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff, BUDGET_TEXT } from './backoff.ts';
import { ChildOutput, type ReadyLine } from './child-output.ts';
import { LogFile } from './log-file.ts';
import { Refusal } from './refusal.ts';

/** The order in which things are stopped. */
export const STAGES = ['supervisor', 'services', 'gateway', 'venue', 'bus', 'store'] as const;
export type Stage = (typeof STAGES)[number];

export interface ChildSpec {
  readonly name: string;
  readonly stage: Stage;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it listens, by purpose. */
  readonly ports: Readonly<Record<string, number>>;
  /** Ports of its health pages: it is ready when each says so. */
  readonly healthPorts: readonly number[];
  /** It says so on stdout, or answers on this port of 127.0.0.1. */
  readonly readyBy: 'line' | { readonly port: number };
  /** Exit codes that a new start will not change. */
  readonly finalCodes: readonly number[];
  /** For fault campaigns: `TALLY_FAILPOINTS` of its nth start; later ones have none. */
  readonly failpoints?: readonly string[];
}

export interface ChildWatch {
  readonly guard: (group: number) => void;
  readonly release: (group: number) => void;
  /** pid or state has changed. */
  readonly changed: () => void;
  readonly note: (text: string) => void;
  /** It will not be started again. */
  readonly gaveUp: (why: Refusal) => void;
}

/** A cold start on a machine that does other things; what takes longer hangs. */
const READY_MS_MAX = 60_000;
const LOOK_MS = 20;

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false)).once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const howItEnded = (code: number | null, signal: NodeJS.Signals | null): string => (signal === null ? `exit code ${code}` : signal);

/** One process: started, watched, started again when it dies, stopped. */
export class Child {
  private process: ChildProcess | undefined;
  private output: ChildOutput | undefined;
  private readonly backoff = new Backoff();
  private readonly log: LogFile;
  private readySinceMs: number | undefined;
  private stopping = false;
  private starts = 0;
  private settleFirst: { resolve: (ready: ReadyLine) => void; reject: (why: Refusal) => void } | undefined;
  private readonly retry = new AbortController();
  readyLine: ReadyLine | undefined;
  restarts = 0;

  constructor(
    readonly spec: ChildSpec,
    private readonly logDir: string,
    private readonly watch: ChildWatch,
  ) {
    this.log = new LogFile(`${logDir}/${spec.name}.log`, (error) => watch.note(`the log of ${spec.name} cannot be written: ${String(error)}`));
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  isReady(): boolean {
    return this.readySinceMs !== undefined;
  }

  /** Resolves at the first time it is ready. Rejects with a Refusal when it cannot start. */
  start(): Promise<ReadyLine> {
    return new Promise((resolve, reject) => {
      this.settleFirst = { resolve, reject };
      this.spawn();
    });
  }

  /** SIGTERM, and SIGKILL to it and whatever it started when it is not gone `withinMs` later. */
  async stop(withinMs: number): Promise<void> {
    this.stopping = true;
    this.retry.abort();
    const { process: child } = this;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const inTime = await Promise.race([gone.then(() => true), delay(withinMs, false, { ref: false })]);
    if (inTime) return;
    this.watch.note(`${this.spec.name} did not stop within ${(withinMs / 1_000).toFixed(1)} s: killed`);
    this.kill();
    await gone;
  }

  kill(): void {
    this.stopping = true;
    this.retry.abort();
    if (this.pid !== undefined) killGroup(this.pid);
  }

  private spawn(): void {
    const { command, args, failpoints = [] } = this.spec;
    const armed = failpoints[this.starts] ?? '';
    this.starts += 1;
    const env = armed === '' ? this.spec.env : { ...this.spec.env, TALLY_FAILPOINTS: armed };
    // A group of its own: Ctrl-C on the terminal reaches this process only, which then stops the others in order.
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const output = new ChildOutput((ready) => this.ready(child, ready));
    this.process = child;
    this.output = output;
    if (child.pid !== undefined) this.watch.guard(child.pid);
    for (const from of ['stdout', 'stderr'] as const) {
      child[from].on('data', (chunk: Buffer) => {
        this.log.write(chunk);
        output.add(from, chunk.toString('utf8'));
      });
    }
    // 'close' comes after the last of its output; but what it has started itself may hold that open for long.
    child.once('exit', (code, signal) => void Promise.race([new Promise((resolve) => child.once('close', resolve)), delay(LOOK_MS * 5)]).then(() => this.ended(child, code, signal)));
    child.once('error', (error) => this.fail(new Refusal(`${this.spec.name} could not be started: ${error.message}`)));
    if (this.spec.readyBy !== 'line') void this.knock(child, this.spec.readyBy.port);
    if (this.settleFirst) {
      void delay(READY_MS_MAX, undefined, { ref: false }).then(() => this.fail(new Refusal(`${this.spec.name} was not ready within ${READY_MS_MAX / 1_000} s: ${this.output?.lastWords() || 'it says nothing'} (see ${this.log.path})`)));
    }
    this.watch.changed();
  }

  private async knock(child: ChildProcess, port: number): Promise<void> {
    while (this.process === child && child.exitCode === null && child.signalCode === null) {
      if (await answers(port)) return this.ready(child, { event: 'ready', port });
      await delay(LOOK_MS);
    }
  }

  private ready(child: ChildProcess, line: ReadyLine): void {
    if (this.process !== child || this.readySinceMs !== undefined) return;
    this.readySinceMs = performance.now();
    this.readyLine = line;
    this.settleFirst?.resolve(line);
    this.settleFirst = undefined;
    this.watch.changed();
  }

  private fail(why: Refusal): void {
    this.settleFirst?.reject(why);
    this.settleFirst = undefined;
  }

  private ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (child.pid !== undefined && !groupExists(child.pid)) this.watch.release(child.pid);
    const ranMs = this.readySinceMs === undefined ? 0 : performance.now() - this.readySinceMs;
    this.readySinceMs = undefined;
    this.watch.changed();
    if (this.stopping) return;
    const words = this.output?.lastWords() ?? '';
    const said = words === '' ? `see ${this.log.path}` : words;
    if (this.settleFirst && signal === null && this.spec.finalCodes.includes(code ?? 0)) {
      this.fail(new Refusal(`${this.spec.name} could not start (exit code ${code}): ${said}`));
      return;
    }
    const waitMs = this.backoff.ended(performance.now(), ranMs);
    if (waitMs === undefined) {
      const why = new Refusal(`${this.spec.name} ended more than ${BUDGET_TEXT}, the last time with ${howItEnded(code, signal)}: ${said}`);
      this.fail(why);
      this.watch.gaveUp(why);
      return;
    }
    this.restarts += 1;
    this.watch.note(`${this.spec.name} ended with ${howItEnded(code, signal)}${signal === null && words !== '' ? ` (${words})` : ''}: started again in ${(waitMs / 1_000).toFixed(1)} s`);
    void delay(waitMs, undefined, { signal: this.retry.signal }).then(() => this.spawn(), () => undefined);
  }
}

const groupExists = (group: number): boolean => {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    // ESRCH: nobody is left in it.
    return false;
  }
};

export const killGroup = (group: number): void => {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // ESRCH: it was quicker.
  }
};
