import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '@tallystick/ports';
import type { HealthReport } from './health.ts';
import type { MetricsRegistry } from './metrics.ts';

export interface OpsServerOptions {
  /** Default `127.0.0.1`: metrics are for the machine or the pod, not for the world. */
  readonly host?: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly registry: Pick<MetricsRegistry, 'text' | 'contentType'>;
  readonly health: () => Promise<HealthReport> | HealthReport;
  readonly ready: () => Promise<HealthReport> | HealthReport;
  readonly log: Log;
}

export interface OpsServer {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

// A scrape is one short request; whoever dribbles holds a socket no longer than this.
const REQUEST_MS_MAX = 5_000;
// A scraper, a probe and a person.
const CONNECTIONS_MAX = 64;

type Page = { readonly status: number; readonly type: string; readonly body: string };

const json = (status: number, body: unknown): Page => ({ status, type: 'application/json', body: `${JSON.stringify(body)}\n` });
const reportPage = (report: HealthReport): Page => json(report.ok ? 200 : 503, report);

const pageFor = async (path: string, options: OpsServerOptions): Promise<Page> => {
  switch (path) {
    case '/metrics':
      return { status: 200, type: options.registry.contentType, body: await options.registry.text() };
    case '/healthz':
      return reportPage(await options.health());
    case '/readyz':
      return reportPage(await options.ready());
    default:
      return json(404, { code: 'NOT_FOUND' });
  }
};

const answer = async (request: IncomingMessage, response: ServerResponse, options: OpsServerOptions): Promise<void> => {
  let page: Page;
  try {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    page = isRead ? await pageFor((request.url ?? '/').split('?')[0] ?? '/', options) : json(405, { code: 'METHOD_NOT_ALLOWED' });
  } catch (error) {
    options.log.write('error', 'ops.page_failed', { error });
    page = json(500, { code: 'INTERNAL' });
  }
  response.writeHead(page.status, {
    'content-type': page.type,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(page.status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : page.body);
};

/** `/metrics`, `/healthz` and `/readyz` (503 with the failing checks named). Rejects with the system's error when the port is taken. */
export const startOpsServer = async (options: OpsServerOptions): Promise<OpsServer> => {
  const host = options.host ?? '127.0.0.1';
  const server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX, connectionsCheckingInterval: 1_000 }, (request, response) => {
    void answer(request, response, options);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => options.log.write('error', 'ops.server_failed', { error }));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
