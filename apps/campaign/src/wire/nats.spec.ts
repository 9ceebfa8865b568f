import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { RawNats } from './nats.ts';

const servers: Server[] = [];
const clients: RawNats[] = [];
const sockets = new Set<Socket>();

/** A server that answers each publish by what `reply` gives, byte for byte, in as many pieces as it likes. */
const serve = async (reply: (replyTo: string, body: string) => readonly string[]): Promise<RawNats> => {
  const server = createServer((socket) => {
    sockets.add(socket);
    let seen = '';
    socket.write('INFO {"max_payload":65536}\r\n');
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      if (seen.includes('PING\r\n')) {
        seen = seen.replace('PING\r\n', '');
        socket.write('PONG\r\n');
      }
      const match = /PUB \S+ (\S+) (\d+)\r\n/.exec(seen);
      if (!match || seen.length < match.index + match[0].length + Number(match[2]) + 2) return;
      const body = seen.slice(match.index + match[0].length, match.index + match[0].length + Number(match[2]));
      seen = '';
      for (const piece of reply(match[1] ?? '', body)) socket.write(piece);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new RawNats((server.address() as AddressInfo).port);
  servers.push(server);
  clients.push(client);
  return client;
};

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

describe('the plain client', () => {
  it('gives the answer, in pieces or with headers', async () => {
    const nats = await serve((to, body) => [`MSG ${to} 1 ${body.length}\r\n${body.slice(0, 2)}`, `${body.slice(2)}\r\n`]);
    expect(await nats.request('s', Buffer.from('hello'), 1_000)).toEqual({ kind: 'answer', body: Buffer.from('hello') });
    const withHeaders = await serve((to) => [`HMSG ${to} 1 12 14\r\nNATS/1.0\r\n\r\nok\r\n`]);
    expect(await withHeaders.request('s', Buffer.from('x'), 1_000)).toEqual({ kind: 'answer', body: Buffer.from('ok') });
  });

  it('says that nobody listens, that time is up, and that the server hung up', async () => {
    const nobody = await serve((to) => [`HMSG ${to} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`]);
    expect(await nobody.request('s', Buffer.from('x'), 1_000)).toEqual({ kind: 'no_responders' });
    const silent = await serve(() => []);
    expect(await silent.request('s', Buffer.from('x'), 50)).toEqual({ kind: 'timeout' });
    const rude = await serve(() => {
      setTimeout(() => sockets.forEach((socket) => socket.destroy()), 10);
      return ['-ERR \'Maximum Payload Violation\'\r\n'];
    });
    expect(await rude.request('s', Buffer.from('x'), 1_000)).toEqual({ kind: 'refused', detail: '-ERR \'Maximum Payload Violation\'' });
  });
});
