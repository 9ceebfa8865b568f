import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EngineConfig } from '../engine/index.ts';
import { BookStore } from './book-store.ts';
import type { Feed } from './feed.ts';
import { problem, rateLimit, readJson, sendAnswer, tokenCheck } from './http.ts';
import type { Answer } from './http.ts';
import { venueMetrics } from './metrics.ts';
import { getAccount, getBook, getInstruments, getMarket, getOrders, postCancel, postOrder, postStep } from './routes.ts';
import type { RouteContext } from './routes.ts';
import { streamReports } from './sse.ts';
import { PaperVenue } from './venue.ts';

export interface PaperVenueOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly dataDir: string;
  readonly feed: Feed;
  /** Pure: the trading window that an order entered at a time belongs to. */
  readonly windowAt: EngineConfig['windowAt'];
  readonly accounts: readonly { readonly account: string; readonly cash: string; readonly token: string }[];
  readonly controlToken: string;
  readonly currency?: string;
  readonly feePerShare?: string;
  readonly dedupe?: EngineConfig['dedupe'];
  /** Per account; without it there is no limit. */
  readonly requestsPerSecond?: number;
  /** A request that failed for a reason that is not the client's. */
  readonly onError?: (error: unknown) => void;
}

export interface RunningPaperVenue {
  readonly port: number;
  readonly venue: PaperVenue;
  /** Ends report streams, answers what is under way, closes the book. */
  close(): Promise<void>;
}

interface Principal {
  readonly account: string;
  readonly holds: (request: IncomingMessage) => boolean;
  readonly admits: () => boolean;
}

interface Door extends RouteContext {
  readonly principals: readonly Principal[];
  readonly isControl: (request: IncomingMessage) => boolean;
  readonly stopping: AbortSignal;
}

const UNAUTHENTICATED: Answer = { ...problem(401, 'UNAUTHENTICATED', 'a bearer token is needed'), headers: { 'www-authenticate': 'Bearer' } };
const noSuchPath = (path: string): Answer => problem(404, 'NO_SUCH_PATH', path.slice(0, 200));

/** `undefined` when the answer has been given already, by a stream. */
type Handled = Promise<Answer | undefined>;

const control = async (door: Door, request: IncomingMessage, route: string): Handled => {
  if (!door.isControl(request)) return UNAUTHENTICATED;
  if (route === 'GET /control/market') return getMarket(door);
  if (route !== 'POST /control/step') return noSuchPath(route);
  const body = await readJson(request);
  return body.ok ? postStep(door, body.value) : body.answer;
};

const REPORTS_PATH = /^GET \/v1\/accounts\/([^/]+)(\/reports)?$/;

const openStream = async (door: Door, account: string, url: URL, { request, response }: { request: IncomingMessage; response: ServerResponse }): Handled => {
  const from = request.headers['last-event-id'] ?? url.searchParams.get('after') ?? '0';
  const after = /^\d{1,15}$/.test(String(from)) ? Number(from) : undefined;
  if (after === undefined) return problem(400, 'MALFORMED_AFTER', 'after is the number of the last report seen');
  const newest = door.venue.account(account)?.report_sequence ?? 0;
  if (after > newest) return problem(409, 'AHEAD_OF_VENUE', `report ${after} has not been made here; the newest is ${newest}`, { report_sequence: newest });
  await streamReports(response, { venue: door.venue, store: door.store, account, after, signal: door.stopping });
  return undefined;
};

const trading = async (door: Door, exchange: { request: IncomingMessage; response: ServerResponse }, route: string, url: URL): Handled => {
  const { request } = exchange;
  if (route === 'GET /v1/book' && door.isControl(request)) return getBook(door, undefined);
  const principal = door.principals.find((each) => each.holds(request));
  if (!principal) return UNAUTHENTICATED;
  if (!principal.admits()) return { ...problem(429, 'RATE_LIMITED', 'too many requests; nothing was done'), headers: { 'retry-after': '1' } };
  const { account } = principal;
  if (route === 'GET /v1/orders') return getOrders(door, account, url.searchParams);
  if (route === 'GET /v1/instruments') return getInstruments(door);
  if (route === 'GET /v1/book') return getBook(door, account);
  const named = REPORTS_PATH.exec(route);
  if (named) {
    if (named[1] !== account) return problem(403, 'WRONG_ACCOUNT', 'this token is for another account');
    return named[2] ? openStream(door, account, url, exchange) : getAccount(door, account);
  }
  if (route !== 'POST /v1/orders' && route !== 'POST /v1/cancels') return noSuchPath(route);
  const body = await readJson(request);
  if (!body.ok) return body.answer;
  return route === 'POST /v1/orders' ? postOrder(door, account, body.value) : postCancel(door, account, body.value);
};

/** The label of a request in metrics: from a closed set. */
const labelOf = (route: string): string =>
  (/^(GET|POST) (\/v1\/(orders|cancels|instruments|book)|\/control\/(step|market)|\/healthz|\/readyz|\/metrics)$/.test(route) ? route
    : REPORTS_PATH.test(route) ? (route.endsWith('/reports') ? 'GET /v1/accounts/:id/reports' : 'GET /v1/accounts/:id') : 'other');

/**
 * Starts the paper venue: book, market and HTTP server. It never advances by itself; `POST /control/step` does. Throws VenueError
 * (VENUE_DATA_LOCKED, VENUE_DATA_UNREADABLE, VENUE_MARKET_CHANGED), what the feed throws, and EADDRINUSE.
 */
export const startPaperVenue = async (options: PaperVenueOptions): Promise<RunningPaperVenue> => {
  const currency = options.currency ?? 'USD';
  const store = new BookStore(options.dataDir);
  const stopping = new AbortController();
  try {
    const venue = await PaperVenue.open(store, options.feed, {
      accounts: options.accounts.map(({ account, cash }) => ({ account, cash })),
      currency, fee_per_share: options.feePerShare ?? '0.0035', dedupe: options.dedupe ?? 'none', windowAt: options.windowAt,
    });
    const metrics = venueMetrics(venue);
    venue.onReports((reports) => metrics.reported(reports));
    const limit = options.requestsPerSecond;
    const door: Door = {
      venue, store, currency, stopping: stopping.signal, isControl: tokenCheck(options.controlToken),
      principals: options.accounts.map(({ account, token }) => ({
        account, holds: tokenCheck(token), admits: limit === undefined ? () => true : rateLimit(limit, () => performance.now()),
      })),
    };
    const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const url = new URL(request.url ?? '/', 'http://venue');
      const route = `${request.method ?? ''} ${url.pathname}`;
      let answer: Answer | undefined;
      try {
        if (route === 'GET /metrics') {
          response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.text());
          return;
        }
        if (route === 'GET /healthz' || route === 'GET /readyz') answer = { status: 200, body: { status: 'ok', time_ms: venue.timeMs, sequence: venue.sequence } };
        else if (url.pathname.startsWith('/control/')) answer = await control(door, request, route);
        else if (url.pathname.startsWith('/v1/')) answer = await trading(door, { request, response }, route, url);
        else answer = noSuchPath(route);
      } catch (error) {
        options.onError?.(error);
        answer = problem(500, 'VENUE_FAILED', 'the request failed here; whether it was acted on is for a query to say');
      }
      metrics.answered(labelOf(route), answer?.status ?? 200);
      if (answer && !response.headersSent) sendAnswer(response, answer);
    };
    const server = createServer((request, response) => void handle(request, response));
    // Longer than clients keep an idle connection, so that it is they who close it and never a race.
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host ?? '127.0.0.1', resolve);
    });
    const close = async (): Promise<void> => {
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection becomes idle when its answer is out; until then it is left alone.
      const sweep = setInterval(() => server.closeIdleConnections(), 20);
      await venue.close();
      await closed;
      clearInterval(sweep);
      store.close();
    };
    return { port: (server.address() as AddressInfo).port, venue, close };
  } catch (error) {
    store.close();
    throw error;
  }
};
