import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '../test/server-process.ts';

let dataDir: string;
const servers: ServerProcess[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'eventstore-app-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.end('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

function start(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): ServerProcess {
  const server = new ServerProcess({ TALLY_STORE_DATA_DIR: dataDir, ...env }, args);
  servers.push(server);
  return server;
}

describe('the event store as a process', () => {
  it('refuses a directory that another server has, in one clear line, and takes it after a kill', async () => {
    const first = start();
    await first.port();
    const second = start();
    expect((await second.exited).code).toBe(2);
    expect(second.lines).toHaveLength(1);
    expect(second.lines[0]).toMatchObject({ level: 'error', event: 'cannot_start', code: 'STORE_LOCKED' });
    await first.end('SIGKILL');
    expect(await start().port()).toBeGreaterThan(0);
  });

  it('refuses a damaged log with exit code 2 and says what to do', async () => {
    const first = start();
    await first.port();
    await first.end('SIGKILL');
    const path = join(dataDir, '00000001.log');
    const bytes = readFileSync(path);
    // In the first record.
    bytes[200]! ^= 4;
    writeFileSync(path, bytes);
    const second = start();
    expect((await second.exited).code).toBe(2);
    expect(second.lines.at(-1)).toMatchObject({ event: 'cannot_start', code: 'STORE_DAMAGED', remedy: expect.stringContaining('restore') });
  });

  it('stops on SIGTERM with code 0 and starts again', async () => {
    const first = start({ TALLY_STORE_HTTP_PORT: '0' });
    await first.port();
    const http = first.lines.find((line) => line['event'] === 'ready')!['http_port'];
    expect((await fetch(`http://127.0.0.1:${String(http)}/readyz`)).status).toBe(200);
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const second = start();
    expect(await second.port()).toBeGreaterThan(0);
  });

  it('prints help and refuses wrong settings by name', async () => {
    const help = start({}, ['--help']);
    expect((await help.exited).code).toBe(0);
    expect(help.lines.some((line) => String(line['text']).includes('TALLY_STORE_DATA_DIR'))).toBe(true);
    const wrong = start({ TALLY_STORE_PORT: 'many' });
    expect((await wrong.exited).code).toBe(64);
    expect(wrong.lines[0]).toMatchObject({ code: 'SETTING_INVALID', detail: expect.stringContaining('TALLY_STORE_PORT') });
  });
});
