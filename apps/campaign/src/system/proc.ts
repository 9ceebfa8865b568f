import { readdirSync, readFileSync } from 'node:fs';

export interface Proc {
  readonly pid: number;
  readonly command: string;
  readonly env: ReadonlyMap<string, string>;
}

const orNothing = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    // Gone meanwhile, or not ours to see.
    return undefined;
  }
};

const procOf = (pid: number): Proc | undefined => {
  const stat = orNothing(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const command = orNothing(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.replaceAll('\0', ' ').trim();
  if (stat === undefined || command === undefined || /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))) return undefined;
  const environ = orNothing(() => readFileSync(`/proc/${pid}/environ`, 'utf8')) ?? '';
  return { pid, command, env: new Map(environ.split('\0').map((pair): [string, string] => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)])) };
};

/** Set for everything the campaign starts, and passed on by what that starts. */
export const RUN_VARIABLE = 'TALLY_CAMPAIGN_RUN';
/** Strategies get a chosen environment from the supervisor; theirs names the installation they belong to. */
const NAMING = [RUN_VARIABLE, 'TALLY_INSTALLATION'];

/** Processes that belong to a data directory, or to any below it, by what their environment says. */
export const processesOf = (dir: string): readonly Proc[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).flatMap((name) => {
    const found = procOf(Number(name));
    const named = NAMING.map((variable) => found?.env.get(variable) ?? '');
    return found && named.some((value) => value === dir || value.startsWith(`${dir}/`)) ? [found] : [];
  });

/** Resident memory in KiB; 0 for a process that is gone. */
export const residentKib = (pid: number): number => Number(/^VmRSS:\s+(\d+)/m.exec(orNothing(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '')?.[1] ?? 0);

export const killProcess = (pid: number): boolean => orNothing(() => process.kill(pid, 'SIGKILL')) ?? false;
