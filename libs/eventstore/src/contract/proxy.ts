import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** A TCP proxy in front of a store: for what networks do and servers do not. */
export class Proxy {
  /** Takes what the store answers and passes nothing on. */
  swallowing = false;
  swallowedBytes = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly deaf = new WeakSet<Socket>();

  private constructor(server: Server) {
    this.server = server;
  }

  /** In front of the single host of an `esdb://` url without TLS. */
  static async before(url: string): Promise<Proxy> {
    const { host = '', port = '2113' } = /^esdb:\/\/(?:[^@]*@)?(?<host>[^:/?]+)(?::(?<port>\d+))?/.exec(url)?.groups ?? {};
    const server = createServer();
    const proxy = new Proxy(server);
    server.on('connection', (client) => proxy.join(client, connect({ host, port: Number(port) })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `esdb://127.0.0.1:${(this.server.address() as AddressInfo).port}?tls=false`;
  }

  /** Takes what the store answers on the connections there are, for good; new ones are let through. */
  deafen(): void {
    for (const socket of this.sockets) this.deaf.add(socket);
  }

  /** Breaks every connection there is; new ones are let through. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(client: Socket, store: Socket): void {
    for (const [socket, other] of [
      [client, store],
      [store, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => store.write(bytes));
    store.on('data', (bytes) => {
      if (this.swallowing || this.deaf.has(store)) this.swallowedBytes += bytes.length;
      else client.write(bytes);
    });
  }
}
