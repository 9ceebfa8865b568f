import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import type { Answer, HttpRequest, HttpResponse } from './exchange.ts';

const nextLink = (request: HttpRequest, next: string): string => {
  const [path = ''] = request.originalUrl.split('?');
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query)) if (typeof value === 'string') query.set(name, value);
  query.set('cursor', next);
  return `<${path}?${query.toString()}>; rel="next"`;
};

/** Status, headers, the position the answer is of, and the link to the next page. */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const response = http.getResponse<HttpResponse>();
    return next.handle().pipe(map((given: Answer | undefined) => {
      if (given === undefined) return undefined;
      const { position, next: cursor } = given.body as { readonly position?: unknown; readonly next?: unknown };
      response.statusCode = given.status;
      if (typeof position === 'string') response.setHeader('Tally-Position', position);
      if (typeof cursor === 'string') response.setHeader('Link', nextLink(request, cursor));
      for (const [name, value] of Object.entries(given.headers ?? {})) response.setHeader(name, value);
      return given.body;
    }));
  }
}
