import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type Line = Readonly<Record<string, unknown>>;

const MAIN = join(__dirname, '..', 'src', 'main.ts');

/** The server as a process of its own, run from its sources. */
export class ServerProcess {
  readonly lines: Line[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  private readonly child: ChildProcess;
  private readonly ready: Promise<Line>;

  constructor(env: Readonly<Record<string, string>>, args: readonly string[] = []) {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TALLY_')));
    this.child = spawn(process.execPath, ['--conditions=@tallystick/source', MAIN, ...args], {
      env: { ...inherited, TALLY_STORE_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let isReady: (line: Line) => void;
    this.ready = new Promise((resolve) => {
      isReady = resolve;
    });
    createInterface({ input: this.child.stdout! }).on('line', (text) => {
      const line: Line = text.startsWith('{') ? (JSON.parse(text) as Line) : { text };
      this.lines.push(line);
      if (line['event'] === 'ready') isReady(line);
    });
    this.exited = new Promise((resolve) => this.child.on('close', (code, signal) => resolve({ code, signal })));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Port of the server that began to serve; throws when it ended instead. */
  async port(): Promise<number> {
    const line = await Promise.race([this.ready, this.exited.then(() => undefined)]);
    if (line === undefined) throw new Error(`the server did not start: ${JSON.stringify(this.lines.at(-1))}`);
    return Number(line['port']);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<{ code: number | null; signal: string | null }> {
    this.child.kill(signal);
    return this.exited;
  }
}
