import { ROUTES, type Route } from '@tallystick/contracts';
import type { TokenHolder } from '../gateway-ports.ts';

/** The parts of Node's request that the gateway reads. */
export interface HttpRequest extends AsyncIterable<Uint8Array> {
  readonly method: string;
  readonly originalUrl: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, string>>;
  on(event: 'close', listener: () => void): unknown;
  /** Set on the way in. */
  exchange?: Exchange;
}

/** The parts of Node's response that the gateway uses. */
export interface HttpResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  removeHeader(name: string): void;
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  write(text: string): boolean;
  end(text?: string): unknown;
  destroy(): unknown;
  once(event: 'drain' | 'close' | 'finish', listener: () => void): unknown;
}

/** One request on its way through. */
export interface Exchange {
  readonly requestId: string;
  readonly startedMs: number;
  route?: Route;
  holder?: TokenHolder;
}

export const headerOf = (request: HttpRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
};

export const exchangeOf = (request: HttpRequest): Exchange => {
  if (!request.exchange) throw new Error('the request did not come through the gateway module');
  return request.exchange;
};

/** Name of who asks, as events record it. */
export const actorOf = (request: HttpRequest): string => `operator:${exchangeOf(request).holder?.name ?? 'unknown'}`;

/** Path of the table as the router writes it. */
export const routerPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

const matcherOf = (path: string): RegExp => new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`);
const MATCHERS = ROUTES.map((route) => ({ route, matches: matcherOf(route.path) }));

/** Routes of a path, whatever the method. */
export const routesOfPath = (path: string): readonly Route[] => MATCHERS.filter(({ matches }) => matches.test(path)).map(({ route }) => route);

export const routeNamed = (operationId: string): Route => {
  const found = ROUTES.find((route) => route.operationId === operationId);
  if (!found) throw new Error(`no route ${operationId} in the table`);
  return found;
};

/** What a controller's method returns: written by the interceptor. */
export interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export const answer = (body: object, options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {}): Answer => ({
  status: options.status ?? 200, body, ...(options.headers ? { headers: options.headers } : {}),
});
