import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const INDEX = pathToFileURL(join(__dirname, '..', 'src', 'index.ts')).href;
/** Serves with the options of its first argument and prints the port. */
const PROGRAM = `
  import { startEmbeddedStore } from ${JSON.stringify(INDEX)};
  const store = await startEmbeddedStore(JSON.parse(process.argv[1]));
  process.on('SIGTERM', () => store.stop().then(() => process.exit(0)));
  console.log(store.port);
`;

export interface ServerProcessOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  readonly segmentBytesMax?: number;
}

/** A server in a process of its own, run from its sources. */
export class ServerProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private readonly printed: Promise<string>;

  constructor(dataDir: string, options: ServerProcessOptions = {}) {
    this.child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, JSON.stringify({ dataDir, ...options })], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.ended = new Promise((resolve) => this.child.on('close', () => resolve()));
    this.printed = new Promise((resolve) => this.child.stdout!.once('data', (data: Buffer) => resolve(data.toString())));
  }

  async port(): Promise<number> {
    const text = await Promise.race([this.printed, this.ended.then(() => undefined)]);
    if (text === undefined) throw new Error('the server did not start');
    return Number(text);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }
}
