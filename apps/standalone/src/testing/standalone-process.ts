import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(dirname(dirname(dirname(import.meta.dirname))));
const MAIN = join(root, 'apps/standalone/dist/main.js');

export interface RunFile {
  readonly pid: number;
  readonly stopped: boolean;
  readonly sentinel: number;
  readonly children: Readonly<Record<string, { readonly pid: number; readonly ready: boolean; readonly restarts: number; readonly ports: Readonly<Record<string, number>> }>>;
}

/** The standalone as users have it: a process of its own, from the built files. */
export class Standalone {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | NodeJS.Signals>;
  private readonly child: ChildProcess;

  constructor(
    readonly dataDir: string,
    args: readonly string[],
  ) {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: this test runs what was built (npm run build)`);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TALLY_') && !name.startsWith('npm_') && name !== 'ESDB_URL'));
    this.child = spawn(process.execPath, [MAIN, '--data', dataDir, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exited = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(signal ?? code ?? -1)));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** `undefined` before it was written. */
  runFile(): RunFile | undefined {
    const path = join(this.dataDir, 'run.json');
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RunFile) : undefined;
  }

  /** Everything it has started and still knows of, its sentinel too. */
  pids(): readonly number[] {
    const run = this.runFile();
    return run === undefined ? [] : [run.sentinel, ...Object.values(run.children).map(({ pid }) => pid)].filter((pid) => pid > 0);
  }
}

/** A zombie does not run: its parent has not asked yet. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // ESRCH, or gone between the two.
    return false;
  }
};

/** Tuesday 8 October 2013, 15:25 in New York: a basket at half past, half an hour of trading, and the close. */
const START_MS = Date.UTC(2013, 9, 8, 19, 25, 0);

/** Prices that go up and down, so that averages cross; sizes so small that larger orders fill in parts. */
export const marketCsv = (minutes: number): string => {
  const rows = ['time,symbol,bid,bid_size,ask,ask_size,last'];
  for (let s = 0; s <= minutes * 60; s += 5) {
    const swing = (period: number): number => Math.round(60 * Math.sin((2 * Math.PI * s) / period));
    for (const [symbol, base, period] of [['SPY', 16_500, 480], ['IBM', 18_000, 720]] as const) {
      const bid = base + swing(period);
      rows.push(`${START_MS + s * 1_000},${symbol},${(bid / 100).toFixed(2)},100,${((bid + 2) / 100).toFixed(2)},100,${((bid + 1) / 100).toFixed(2)}`);
    }
  }
  return `${rows.join('\n')}\n`;
};
