import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCertificate } from '@tallystick/testing';
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

interface Asked {
  readonly port: number;
  readonly certificate: string;
  /** `name:password`. */
  readonly user?: string;
  /** Whose tombstone is asked for. */
  readonly stream: string;
}

/** Status of one gRPC call, `Tombstone`. */
async function statusOf({ port, certificate, user, stream }: Asked): Promise<string> {
  const session = connect(`https://127.0.0.1:${port}`, { ca: certificate });
  const message = tombstoneOf(stream);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  try {
    return await new Promise((resolve, reject) => {
      session.on('error', reject);
      const call = session.request({
        ':method': 'POST', ':path': '/event_store.client.streams.Streams/Tombstone', 'content-type': 'application/grpc', te: 'trailers',
        ...(user !== undefined && { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
      });
      const answered = (headers: Readonly<Record<string, unknown>>): void => {
        if (headers['grpc-status'] !== undefined) resolve(String(headers['grpc-status']));
      };
      call.on('response', answered).on('trailers', answered).on('error', reject).resume();
      call.end(Buffer.concat([head, message]));
    });
  } finally {
    session.destroy();
  }
}

/** `Tombstone` of a stream, whatever its revision. */
function tombstoneOf(stream: string): Buffer {
  const name = Buffer.from(stream);
  const identifier = Buffer.concat([Buffer.from([0x1a, name.length]), name]);
  const options = Buffer.concat([Buffer.from([0x0a, identifier.length]), identifier, Buffer.from([0x22, 0])]);
  return Buffer.concat([Buffer.from([0x0a, options.length]), options]);
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

  it('listens for others only with TLS and users, keeps passwords to itself, and lets no service take an order out of the record', async () => {
    const exposed = start({ TALLY_STORE_HOST: '0.0.0.0' });
    expect((await exposed.exited).code).toBe(2);
    expect(exposed.lines.at(-1)).toMatchObject({ event: 'cannot_start', code: 'STORE_EXPOSED', remedy: expect.stringContaining('127.0.0.1') });
    const { certificate, key } = newCertificate();
    const file = (name: string, content: string): string => {
      writeFileSync(join(dataDir, name), content, { mode: 0o600 });
      return join(dataDir, name);
    };
    const env = {
      TALLY_STORE_HOST: '0.0.0.0', TALLY_STORE_TLS_CERT_FILE: file('cert.pem', certificate), TALLY_STORE_TLS_KEY_FILE: file('key.pem', key),
      TALLY_STORE_USERS_FILE: file('users', 'execution:hunter2\noperator:correct-horse admin\n'), TALLY_STORE_LOG_LEVEL: 'debug',
    };
    const server = start(env);
    const port = await server.port();
    const stream = 'order-abc';
    expect(await statusOf({ port, certificate, stream })).toBe('16');
    expect(await statusOf({ port, certificate, user: 'execution:hunter3', stream })).toBe('16');
    expect(await statusOf({ port, certificate, user: 'execution:hunter2', stream })).toBe('7');
    expect(await statusOf({ port, certificate, user: 'execution:hunter2', stream: 'scratch' })).toBe('0');
    expect(await statusOf({ port, certificate, user: 'operator:correct-horse', stream })).toBe('0');
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(server.lines.map(({ event }) => event)).toContain('store_access_denied');
    expect(JSON.stringify(server.lines)).not.toMatch(/hunter|correct-horse/);
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
