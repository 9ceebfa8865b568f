import type { Gateway } from '../gateway.ts';
import { headerOf, type Exchange, type HttpRequest, type HttpResponse } from './exchange.ts';

const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** Answers are data for programs: nothing of them is to be framed, sniffed, cached or referred from. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'", 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin', 'X-Frame-Options': 'DENY',
};

/** What every request passes, known or not: its id, its headers, its count. */
export const entrance = ({ ports: { service } }: Gateway) => (request: HttpRequest, response: HttpResponse, next: () => void): void => {
  const { ports: { clock, ids }, log, metrics } = service;
  const given = headerOf(request, 'x-request-id');
  const requestId = given !== undefined && REQUEST_ID.test(given) ? given : ids.unique('request');
  const exchange: Exchange = { requestId, startedMs: clock.monotonicMs() };
  request.exchange = exchange;
  response.removeHeader('X-Powered-By');
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  response.setHeader('X-Request-Id', requestId);
  response.once('finish', () => {
    const { route, holder } = exchange;
    const operation = route?.operationId ?? 'none';
    const durationMs = clock.monotonicMs() - exchange.startedMs;
    metrics.count('tally_http_requests_total', { operation, status: String(response.statusCode) });
    if (operation !== 'streamEvents') metrics.observeMs('tally_http_request_duration_ms', durationMs, { operation });
    // The path without its query: nobody's filters belong into a log.
    log.write(request.method === 'GET' ? 'debug' : 'info', 'http.answered', {
      request_id: requestId, method: request.method, path: request.originalUrl.split('?')[0], status: response.statusCode, duration_ms: Math.round(durationMs), holder: holder?.name,
    });
  });
  next();
};
