import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { z } from 'zod';
import type { Gateway } from '../gateway.ts';
import { exchangeOf, headerOf, routeNamed, type HttpRequest } from './exchange.ts';
import { GATEWAY } from './injection.ts';
import { OPERATION } from './operation.ts';
import { Problem } from './problem.ts';
import { readQuery, refuseSecrets } from './query.ts';

const NO_QUERY = z.strictObject({});
const BEARER = /^Bearer +(\S+)$/i;

const challenge = (error: string, detail: string): Problem => new Problem({
  status: 401, code: error, detail, headers: { 'WWW-Authenticate': `Bearer realm="tallystick"${error === 'TOKEN_MISSING' ? '' : ', error="invalid_token"'}` },
});

/** Every route asks for its scope; a method without a route of the table is open to nobody. */
@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(
    @Inject(GATEWAY) private readonly gateway: Gateway,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const operationId = this.reflector.get<string | undefined>(OPERATION, context.getHandler());
    if (operationId === undefined) throw new Problem({ status: 403, code: 'ROUTE_WITHOUT_SCOPE', detail: 'this route declares no scope' });
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const exchange = exchangeOf(request);
    const route = routeNamed(operationId);
    exchange.route = route;
    refuseSecrets(request.query);
    if (route.scope !== 'public') {
      const [, token] = BEARER.exec(headerOf(request, 'authorization') ?? '') ?? [];
      if (token === undefined) throw challenge('TOKEN_MISSING', 'send "Authorization: Bearer <token>"; the start of the system printed one, and operator.json of the data directory holds it');
      const holder = this.gateway.ports.tokens.holderOf(token);
      if (!holder) throw challenge('TOKEN_INVALID', 'nobody was given this token, or it has expired');
      if (!holder.scopes.includes(route.scope)) {
        throw new Problem({ status: 403, code: 'SCOPE_MISSING', detail: `${route.operationId} needs the scope ${route.scope}; the token of ${holder.name} has ${holder.scopes.join(', ')}` });
      }
      exchange.holder = holder;
    }
    if (!route.query) readQuery(NO_QUERY, request.query);
    return true;
  }
}
