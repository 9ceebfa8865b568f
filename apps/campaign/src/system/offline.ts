import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { text } from '../oracle/json.ts';
import { readLog } from '../oracle/log.ts';
import type { Halves } from '../oracle/agreement.ts';
import { ask } from '../wire/http.ts';
import { RUN_VARIABLE } from './proc.ts';

export interface AfterwardsOptions {
  readonly root: string;
  readonly dataDir: string;
  readonly market: string;
}

export interface Afterwards extends Halves {
  /** Of `tally replay verify`: exit code and what it printed. */
  readonly verify: { readonly code: number; readonly output: string };
}

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 5_000;

interface Started {
  readonly port: number;
  stop(): Promise<void>;
}

const start = async (entry: string, env: Readonly<Record<string, string>>): Promise<Started> => {
  const child: ChildProcess = spawn(process.execPath, [entry], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  const untilMs = performance.now() + READY_MS_MAX;
  for (;;) {
    const ready = said.split('\n').find((line) => line.includes('"ready"') && line.includes('"port"'));
    if (ready !== undefined) {
      return {
        port: Number(text(JSON.parse(ready), 'port')),
        stop: async () => {
          child.kill('SIGTERM');
          await Promise.race([exited, delay(STOP_MS_MAX, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
        },
      };
    }
    if (child.exitCode !== null || performance.now() > untilMs) {
      child.kill('SIGKILL');
      throw new Error(`${entry} did not start: ${said.slice(-400)}`);
    }
    await delay(20);
  }
};

const runOnce = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<{ readonly code: number; readonly output: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [...args], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.once('error', (error) => resolve({ code: -1, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? -1, output: output.trim() }));
  });

/**
 * Log and book of a system that has ended, each from its own files: store and venue are started again on them, so that what is judged
 * is what was durable. The system's directory is left as it was.
 */
export const readAfterwards = async ({ root, dataDir, market }: AfterwardsOptions): Promise<Afterwards> => {
  const operator: unknown = JSON.parse(readFileSync(join(dataDir, 'operator.json'), 'utf8'));
  const secrets: unknown = JSON.parse(readFileSync(join(dataDir, 'secrets.json'), 'utf8'));
  const tokens = Object.entries(JSON.parse(readFileSync(join(dataDir, 'venue-tokens.json'), 'utf8')) as Record<string, string>);
  const control = text(secrets, 'control_token');
  const started: Started[] = [];
  try {
    const store = await start(join(root, 'apps/eventstore/dist/main.js'), { [RUN_VARIABLE]: dataDir, TALLY_STORE_DATA_DIR: join(dataDir, 'store'), TALLY_STORE_PORT: '0', TALLY_STORE_HTTP_PORT: '0', TALLY_STORE_LOG_LEVEL: 'info' });
    started.push(store);
    const venue = await start(join(root, 'apps/paper-venue/dist/main.js'), {
      [RUN_VARIABLE]: dataDir, TALLY_VENUE_DATA_DIR: join(dataDir, 'venue'), TALLY_VENUE_PORT: '0', TALLY_VENUE_CONTROL_TOKEN: control, TALLY_VENUE_TOKENS: tokens.map(([account, token]) => `${account}=${token}`).join(','), TALLY_MARKET: market,
    });
    started.push(venue);
    const storeUrl = `esdb://127.0.0.1:${store.port}?tls=false`;
    const log = await readLog(storeUrl);
    const book = await ask({ method: 'GET', url: `http://127.0.0.1:${venue.port}/v1/book`, headers: { authorization: `Bearer ${control}` } });
    if (book.status !== 200) throw new Error(`the venue's book cannot be read: ${book.status} ${book.text.slice(0, 200)}`);
    const verify = await runOnce([join(root, 'apps/tally/dist/main.js'), 'replay', 'verify', '--store-url', storeUrl, '--read-model', text(operator, 'read_model')], {});
    return { log, book: book.body, verify };
  } finally {
    for (const each of started) await each.stop();
  }
};
