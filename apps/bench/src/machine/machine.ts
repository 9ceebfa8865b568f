import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { percentile } from './numbers.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly virtual: string;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly node: string;
  readonly nats_server: string;
  /** Append of 600 bytes with fdatasync, ms, where the store keeps its log. */
  readonly fsync_p50_ms: number;
  readonly fsync_p99_ms: number;
}

const SYNCS = 300;
const APPEND_BYTES = 600;

const syncTimes = (dir: string): readonly number[] => {
  const path = join(dir, 'sync-probe');
  const file = openSync(path, 'w');
  const bytes = Buffer.alloc(APPEND_BYTES, 'x');
  const times: number[] = [];
  try {
    for (let i = 0; i < SYNCS; i += 1) {
      const before = performance.now();
      writeSync(file, bytes);
      fdatasyncSync(file);
      times.push(performance.now() - before);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  return times;
};

const outputOf = (command: string, args: readonly string[]): string => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // Not installed here: a machine is described by what can be asked.
    return 'unknown';
  }
};

/** What the numbers were measured on; a number without it means nothing. `dir` is on the disk that is measured. */
export const describeMachine = (dir: string, natsBinary: string): Machine => {
  const syncs = syncTimes(dir);
  return {
    cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, virtual: outputOf('systemd-detect-virt', []), memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: `${release()} ${arch()}`, node: process.version, nats_server: outputOf(natsBinary, ['--version']),
    fsync_p50_ms: percentile(syncs, 0.5), fsync_p99_ms: percentile(syncs, 0.99),
  };
};

/** Linux counts CPU time in hundredths of a second. */
const TICK_US = 10_000;

/** CPU time of a process with all its threads, us; 0 when it is gone. */
export const cpuOf = (pid: number): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold blanks; user and system time are the 12th and 13th fields after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_US;
  } catch {
    return 0;
  }
};

/** Resident memory of a process, bytes; 0 when it is gone. */
export const residentOf = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
};

/** Busy time of all cores since boot, us. Time stolen by the host counts: it is not ours. */
const busyUs = (): number => {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '').split(' ').map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_US;
};

export interface CpuSample {
  readonly atMs: number;
  readonly busyUs: number;
  readonly byProcess: ReadonlyMap<string, number>;
}

/** CPU of named processes, several pids under one name added up. */
export const sampleCpu = (processes: readonly { readonly name: string; readonly pid: number }[]): CpuSample => {
  const byProcess = new Map<string, number>();
  for (const { name, pid } of processes) byProcess.set(name, (byProcess.get(name) ?? 0) + cpuOf(pid));
  return { atMs: performance.now(), busyUs: busyUs(), byProcess };
};

export interface CpuUse {
  readonly us: Readonly<Record<string, number>>;
  /** Share of all cores that others used in between, 0 to 1. */
  readonly others: number;
}

export const cpuBetween = (before: CpuSample, after: CpuSample): CpuUse => {
  const us: Record<string, number> = {};
  let ours = 0;
  for (const [name, value] of after.byProcess) {
    us[name] = value - (before.byProcess.get(name) ?? 0);
    ours += us[name];
  }
  const available = (after.atMs - before.atMs) * 1_000 * cpus().length;
  return { us, others: Math.max(0, (after.busyUs - before.busyUs - ours) / available) };
};
