import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildExit, ProcessPort, ProcessRef, Spawned, SpawnRequest } from '@tallystick/services';

export interface ChildProcessOptions {
  /** Output of each instance is appended to `<instance>.log` here. */
  readonly logDir: string;
  /** What every child gets beside its own; nothing else of this process's environment. Default: PATH, HOME, LANG, TZ, NODE_OPTIONS and NODE_EXTRA_CA_CERTS. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Told apart from the instances of another installation on this machine; goes into the environment too. Default: `logDir`. */
  readonly installation?: string;
}

const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];
const PROC = '/proc';
/** Linux counts start times in these, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;
/** Start times move with the machine's clock, and are told in hundredths. */
const START_TOLERANCE_MS = 2_000;
/** Field 22 of stat, counted from the one after the state. */
const STAT_STARTTIME = 18;

const NOT_OURS = new Set(['ENOENT', 'EACCES', 'EPERM', 'ESRCH']);

const orAbsent = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    // Gone meanwhile, or somebody else's: not one of ours that runs.
    if (typeof error === 'object' && error !== null && 'code' in error && NOT_OURS.has(String(error.code))) return undefined;
    throw error;
  }
};

const bootTimeMs = (): number => Number(/^btime (\d+)$/m.exec(readFileSync(join(PROC, 'stat'), 'utf8'))?.[1] ?? 0) * 1_000;

/** Start time by the machine's clock; `undefined` for a process that does not run, a zombie among them. */
const startedAtMs = (pid: number): number | undefined => {
  const stat = orAbsent(() => readFileSync(join(PROC, String(pid), 'stat'), 'utf8'));
  if (stat === undefined) return undefined;
  // The name in parentheses may hold anything; what follows it does not.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  return bootTimeMs() + (Number(fields[STAT_STARTTIME]) / TICKS_PER_SECOND) * 1_000;
};

const environmentOf = (pid: number): ReadonlyMap<string, string> | undefined => {
  const text = orAbsent(() => readFileSync(join(PROC, String(pid), 'environ'), 'utf8'));
  if (text === undefined || text === '') return undefined;
  return new Map(text.split('\0').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, Math.max(0, at)), pair.slice(at + 1)];
  }));
};

/** False when nobody was there to take it. */
const send = (pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean =>
  orAbsent(() => process.kill(pid, signal)) ?? false;

const inherited = (): Record<string, string> =>
  Object.fromEntries(INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])));

/**
 * Child processes on Linux. Each leads a process group, writes to a file rather than to a pipe, and so outlives this process; its
 * environment carries instance, run and installation, by which it is found again. Throws `PROC_MISSING` where there is no /proc.
 */
export const childProcesses = (options: ChildProcessOptions): ProcessPort => {
  if (!existsSync(join(PROC, 'self', 'stat'))) throw new Error('PROC_MISSING: child processes are told apart by /proc, which this machine does not have');
  const installation = options.installation ?? options.logDir;
  mkdirSync(options.logDir, { recursive: true, mode: 0o700 });

  const isRunning = ({ pid, startedAtMs: recorded, runId }: ProcessRef): boolean => {
    const started = startedAtMs(pid);
    if (started === undefined) return false;
    // The run id is surer than the time: a clock that was set must not make a running process look like another one.
    const found = environmentOf(pid)?.get('TALLY_RUN_ID');
    return found === undefined ? Math.abs(started - recorded) <= START_TOLERANCE_MS : found === runId;
  };

  const begin = (request: SpawnRequest, output: number): Promise<Spawned> =>
    new Promise((resolve) => {
      const child = spawn(request.file, [...request.args], {
        detached: true, stdio: ['ignore', output, output], ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env: { ...(options.env ?? inherited()), ...request.env, TALLY_INSTANCE: request.instanceId, TALLY_RUN_ID: request.runId, TALLY_INSTALLATION: installation },
      });
      const exited = new Promise<ChildExit>((end) => {
        child.once('exit', (code, signal) => end({ ...(code === null ? {} : { exitCode: code }), ...(signal === null ? {} : { signal }) }));
      });
      child.once('error', (error) => resolve({ ok: false, code: 'SPAWN_FAILED', detail: error.message }));
      child.once('spawn', () => {
        const pid = child.pid ?? 0;
        // It may have ended already; then its start is as good as now.
        resolve({ ok: true, process: { pid, startedAtMs: startedAtMs(pid) ?? Date.now(), runId: request.runId }, exited });
      });
      child.unref();
    });

  return {
    isRunning,
    spawn: async (request) => {
      const output = openSync(join(options.logDir, `${request.instanceId}.log`), 'a', 0o600);
      try {
        return await begin(request, output);
      } finally {
        closeSync(output);
      }
    },
    signal: (target, signal) => isRunning(target) && send(-target.pid, signal),
    kill: (target) => isRunning(target) && send(target.pid, 'SIGKILL'),
    find: (instanceId) => {
      const found: ProcessRef[] = [];
      for (const name of readdirSync(PROC)) {
        if (!/^\d+$/.test(name)) continue;
        const environment = environmentOf(Number(name));
        if (environment?.get('TALLY_INSTANCE') !== instanceId || environment.get('TALLY_INSTALLATION') !== installation) continue;
        const started = startedAtMs(Number(name));
        if (started !== undefined) found.push({ pid: Number(name), startedAtMs: started, runId: environment.get('TALLY_RUN_ID') ?? '' });
      }
      return found.sort((a, b) => a.startedAtMs - b.startedAtMs || a.pid - b.pid);
    },
  };
};
