import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Gateway } from '../gateway.ts';
import { routesOfPath, type HttpRequest, type HttpResponse } from './exchange.ts';
import { GATEWAY } from './injection.ts';
import { Problem, problemBody, type ProblemParts } from './problem.ts';

const notRouted = (request: HttpRequest): ProblemParts => {
  const [path = ''] = request.originalUrl.split('?');
  const known = routesOfPath(path);
  if (known.length === 0) return { status: 404, code: 'ROUTE_UNKNOWN', detail: 'there is nothing at this address; GET /v1/openapi.json lists what there is' };
  const allow = known.map(({ method }) => method.toUpperCase()).join(', ');
  return { status: 405, code: 'METHOD_NOT_ALLOWED', detail: `${request.method} is not possible here; ${allow} is`, headers: { Allow: allow } };
};

const statusOf = (error: unknown): number | undefined => {
  if (error instanceof HttpException) return error.getStatus();
  const { status } = (typeof error === 'object' && error !== null ? error : {}) as { readonly status?: unknown };
  return typeof status === 'number' ? status : undefined;
};

/** Every answer that is no success is RFC 9457, with the request's id and a stable code. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(GATEWAY) private readonly gateway: Gateway) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const response = http.getResponse<HttpResponse>();
    const requestId = request.exchange?.requestId ?? 'none';
    const parts = this.partsOf(error, request, requestId);
    if (response.headersSent) {
      // A feed that has begun cannot turn into a problem any more.
      response.end();
      return;
    }
    const [path = ''] = request.originalUrl.split('?');
    response.statusCode = parts.status;
    response.setHeader('Content-Type', 'application/problem+json');
    for (const [name, value] of Object.entries(parts.headers ?? {})) response.setHeader(name, value);
    response.end(JSON.stringify(problemBody(parts, requestId, path.slice(0, 512))));
  }

  private partsOf(error: unknown, request: HttpRequest, requestId: string): ProblemParts {
    if (error instanceof Problem) return error.parts;
    const status = statusOf(error);
    if (status === 404) return notRouted(request);
    if (status !== undefined && status >= 400 && status < 500) return { status, code: 'REQUEST_INVALID', detail: 'the request cannot be read' };
    this.gateway.ports.service.log.write('error', 'http.failed', { request_id: requestId, path: request.originalUrl.split('?')[0], error });
    return { status: 500, code: 'INTERNAL', detail: 'the gateway failed at this; its log says why, under the request id' };
  }
}
