import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Asks over the process's own channel; rejects when it is gone. */
  ask<T>(question: string): Promise<T>;
  stop(): Promise<void>;
}

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 5_000;
const ANSWER_MS_MAX = 60_000;

const running = new Set<ChildProcess>();

/** The last thing a run does, however it ends: nothing it started is left behind when this resolves. */
export const killChildren = async (): Promise<void> => {
  const gone = [...running].map((child) => once(child, 'exit'));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(gone);
};

/** Has a process killed with all others when the run ends. */
export const watchChild = (child: ChildProcess): void => {
  running.add(child);
  child.once('exit', () => running.delete(child));
};

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await gone;
  clearTimeout(late);
};

const pidOf = (child: ChildProcess, name: string): number => {
  if (child.pid === undefined) throw new Error(`${name} could not be started`);
  return child.pid;
};

export interface StartOptions {
  readonly name: string;
  readonly entry: string;
  /** Where its output goes, `<name>.log`. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

export interface Started<R> {
  readonly child: Child;
  readonly ready: R;
}

let asked = 0;

/** Starts one of this package's processes and waits for the message that says it serves. Rejects with the end of its log. */
export const startChild = async <R>({ name, entry, dir, env, nodeOptions = [] }: StartOptions): Promise<Started<R>> => {
  const logFile = join(dir, `${name}.log`);
  const log = openSync(logFile, 'a');
  const process_ = fork(entry, [], { env: { ...process.env, ...env }, execArgv: [...nodeOptions], stdio: ['ignore', log, log, 'ipc'] });
  watchChild(process_);
  const answers = new Map<number, (answer: unknown) => void>();
  const ready = await Promise.race([
    new Promise<R>((resolve) => process_.on('message', (message: { readonly ready?: R; readonly id?: number; readonly answer?: unknown }) => {
      if (message.ready !== undefined) resolve(message.ready);
      else answers.get(message.id ?? -1)?.(message.answer);
    })),
    once(process_, 'exit').then(() => undefined),
    delay(START_MS_MAX, undefined, { ref: false }),
  ]);
  if (ready === undefined) {
    process_.kill('SIGKILL');
    throw new Error(`${name} did not start:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
  }
  const ask = async <T>(question: string): Promise<T> => {
    const id = (asked += 1);
    const answer = await Promise.race([
      new Promise<{ readonly value: T }>((resolve) => {
        answers.set(id, (value) => resolve({ value: value as T }));
        process_.send({ id, question });
      }),
      delay(ANSWER_MS_MAX, undefined, { ref: false }),
    ]);
    answers.delete(id);
    if (answer === undefined) throw new Error(`${name} did not answer ${question}:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
    return answer.value;
  };
  return { child: { name, pid: pidOf(process_, name), ask, stop: () => stop(process_) }, ready };
};

/** A process that says `{"event":"ready",...}` on its standard output. Gives that line. */
export const startPrinting = async (name: string, entry: string, dir: string, env: Readonly<Record<string, string>>, nodeOptions: readonly string[] = []): Promise<Started<Record<string, unknown>>> => {
  const logFile = join(dir, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [...nodeOptions, entry], { env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
  watchChild(child);
  const pid = pidOf(child, name);
  for (let waitedMs = 0; waitedMs < START_MS_MAX && child.exitCode === null; waitedMs += 10) {
    const line = readFileSync(logFile, 'utf8').split('\n').find((text) => text.includes('"event":"ready"'));
    if (line !== undefined) {
      return { ready: JSON.parse(line) as Record<string, unknown>, child: { name, pid, stop: () => stop(child), ask: () => Promise.reject(new Error(`${name} has no channel`)) } };
    }
    await delay(10);
  }
  throw new Error(`${name} did not start:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
};

/** Starts nats-server with JetStream in a directory of its own, as `npm start` does. */
export const startNats = async (binary: string, dir: string): Promise<{ readonly child: Child; readonly url: string }> => {
  const ports = mkdtempSync(join(dir, 'nats-ports-'));
  mkdirSync(join(dir, 'nats'));
  const log = openSync(join(dir, 'nats.log'), 'a');
  const child = spawn(binary, ['-a', '127.0.0.1', '-p', '-1', '-js', '-sd', join(dir, 'nats'), '--ports_file_dir', ports], { stdio: ['ignore', log, log] });
  watchChild(child);
  const pid = pidOf(child, 'nats-server');
  for (let waitedMs = 0; waitedMs < START_MS_MAX && child.exitCode === null; waitedMs += 10) {
    const url = natsUrlIn(ports);
    if (url !== undefined) return { url, child: { name: 'nats', pid, stop: () => stop(child), ask: () => Promise.reject(new Error('nats-server has no channel')) } };
    await delay(10);
  }
  throw new Error(`nats-server did not start:\n${readFileSync(join(dir, 'nats.log'), 'utf8').slice(-2_000)}`);
};

const natsUrlIn = (dir: string): string | undefined => {
  const file = readdirSync(dir).find((name) => name.endsWith('.ports'));
  if (file === undefined) return undefined;
  try {
    return (JSON.parse(readFileSync(join(dir, file), 'utf8')) as { readonly nats?: readonly string[] }).nats?.[0];
  } catch (error) {
    // Caught half written; the next look sees it whole.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** The last lines of what each process wrote, for a run that failed. */
export const lastWords = (dir: string): string =>
  globSync('*/*.log', { cwd: dir }).map((file) => ({ file, lines: readFileSync(join(dir, file), 'utf8').trim().split('\n').slice(-LAST_LINES) }))
    .filter(({ file, lines }) => !file.includes('/store/') && lines.join('') !== '')
    .map(({ file, lines }) => `--- ${file}\n${lines.map((line) => line.slice(0, LAST_CHARS)).join('\n')}\n`).join('');

const LAST_LINES = 5;
const LAST_CHARS = 400;
