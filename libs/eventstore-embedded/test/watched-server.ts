import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { EmbeddedStoreOptions } from '../src/index.ts';

const INDEX = pathToFileURL(join(__dirname, '..', 'src', 'index.ts')).href;
/** Serves with the options of its first argument, and prints its ports and whatever it logs. */
const PROGRAM = `
  import { startEmbeddedStore } from ${JSON.stringify(INDEX)};
  const print = (line) => process.stdout.write(JSON.stringify(line) + '\\n');
  const store = await startEmbeddedStore({ ...JSON.parse(process.argv[1]), log: { write: (level, event, fields) => print({ level, event, fields }) } });
  process.on('SIGTERM', () => store.stop().then(() => process.exit(0)));
  print({ event: 'ready', port: store.port, httpPort: store.httpPort });
`;

export interface WatchedLine {
  readonly level?: string;
  readonly event: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly port?: number;
  readonly httpPort?: number;
}

/** A server in a process of its own with its log, its metrics and its memory in sight. */
export class WatchedServer {
  readonly lines: WatchedLine[] = [];
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;
  private readonly readyLine: Promise<WatchedLine>;

  constructor(options: Omit<EmbeddedStoreOptions, 'log' | 'onFatal' | 'users'>) {
    const given = JSON.stringify({ httpPort: 0, ...options });
    this.child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, given], { stdio: ['ignore', 'pipe', 'inherit'] });
    let isReady: (line: WatchedLine) => void;
    this.readyLine = new Promise((resolve) => {
      isReady = resolve;
    });
    createInterface({ input: this.child.stdout! }).on('line', (text) => {
      const line = JSON.parse(text) as WatchedLine;
      this.lines.push(line);
      if (line.event === 'ready') isReady(line);
    });
    this.ended = new Promise((resolve) => this.child.on('close', () => resolve()));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Resolves when it serves; throws when it ended instead. */
  async ready(): Promise<{ readonly port: number; readonly httpPort: number }> {
    const line = await Promise.race([this.readyLine, this.ended.then(() => undefined)]);
    if (line === undefined) throw new Error(`the server did not start: ${JSON.stringify(this.lines.at(-1))}`);
    return { port: line.port!, httpPort: line.httpPort! };
  }

  /** A sample without labels, by the name behind `tally_store_`. */
  async metric(name: string): Promise<number> {
    const { httpPort } = await this.ready();
    const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    const match = new RegExp(`^tally_store_${name} (\\S+)$`, 'm').exec(text);
    if (match === null) throw new Error(`no metric ${name}`);
    return Number(match[1]);
  }

  logged(event: string): readonly WatchedLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }
}
