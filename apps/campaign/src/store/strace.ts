import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runTool } from './tools.ts';
import { parseTrace, type Trace } from './trace.ts';

/** What the server's safety rests on: writes of log and mark, their syncs, the making and cutting of files, and answers (`writev`). */
const CALLS = ['pwrite64', 'fdatasync', 'fsync', 'ftruncate', 'rename', 'writev'];
/** A whole entry of the mark, and enough of a record to see what it is. */
const SHOWN_BYTES = 48;
const END_MS_MAX = 30_000;

export type Tool = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly reason: string };

/** Prints the error code of a sync that the tracer made fail. */
const PROBE = "const fs = require('node:fs'); const fd = fs.openSync(process.argv[1], 'w'); try { fs.fdatasyncSync(fd); console.log('none'); } catch (error) { console.log(error.code); }";

const probe = async (root: string): Promise<Tool> => {
  const found = await runTool(process.execPath, [join(root, 'scripts/strace.mjs')]);
  const path = found.stdout.trim();
  if (found.code !== 0) return { ok: false, reason: found.stderr.trim().split('\n').at(-1)?.replace(/^tallystick: /, '') ?? 'no strace found' };
  const dir = mkdtempSync(join(tmpdir(), 'tally-strace-'));
  try {
    const tried = await runTool(path, ['-D', '-f', '-o', join(dir, 'trace'), '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=1', process.execPath, '-e', PROBE, join(dir, 'file')]);
    if (tried.stdout.trim() === 'EIO') return { ok: true, path };
    return { ok: false, reason: `${path} cannot inject faults into a process here: ${(tried.stderr || tried.stdout).trim().split('\n').at(-1) ?? ''}` };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

let found: Promise<Tool> | undefined;

/** An strace that can do what is asked of it on this machine: tried once, on a process of its own. */
export const straceTool = (root: string): Promise<Tool> => (found ??= probe(root));

export interface Tracing {
  /** strace's own words: `fdatasync:signal=SIGKILL:when=7`. Several may be given. */
  readonly inject: readonly string[];
  /** Where the trace goes. */
  readonly output: string;
  /** Only calls on these files; then the trace does not tell what was synced. */
  readonly only?: readonly string[];
  readonly calls?: readonly string[];
}

/**
 * The command to run a server through. strace counts calls thread by thread, so asynchronous ones are made by one thread: `when=N` is then
 * the Nth of all of them. (`--seccomp-bpf` would be faster, but swallows injected signals.)
 */
export const traced = (path: string, { inject, output, only = [], calls = [] }: Tracing): { readonly through: readonly string[]; readonly env: Readonly<Record<string, string>> } => ({
  through: [
    path, '-D', '-f', '-y', '-xx', '-s', String(SHOWN_BYTES), '-o', output, '-e', `trace=${[...CALLS, ...calls].join(',')}`,
    ...only.flatMap((file) => ['-P', file]), ...inject.flatMap((what) => ['-e', `inject=${what}`]),
  ],
  env: { UV_THREADPOOL_SIZE: '1' },
});

/** What was traced of a server that has ended, when all of it is written. */
export const readTrace = async (output: string, pid: number): Promise<Trace> => {
  const untilMs = performance.now() + END_MS_MAX;
  for (;;) {
    const trace = parseTrace(readFileSync(output, 'utf8'), pid);
    if (trace.ended) return trace;
    if (performance.now() > untilMs) throw new Error(`the trace ${output} has no end`);
    await delay(5);
  }
};
