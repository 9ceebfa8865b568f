import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StoreError } from './errors.ts';

export interface HttpFace {
  /** Why it cannot append now; undefined when it can. */
  notReady(): string | undefined;
  metrics(): string;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `/healthz` (the process lives), `/readyz` (it can append: 503 and the reason when not), `/metrics` (Prometheus text). */
export function startHttp(face: HttpFace, host: string, port: number): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    if (path === '/healthz') response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
    else if (path === '/readyz') {
      const reason = face.notReady();
      const body = reason === undefined ? { status: 'ready' } : { status: 'not_ready', reason };
      response.writeHead(reason === undefined ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } else if (path === '/metrics') response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(face.metrics());
    else response.writeHead(404).end();
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new StoreError('STORE_UNUSABLE', `cannot listen on ${host}:${port}: ${error.message}`, 'Free the port or choose another.')),
    );
    server.listen(port, host, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
