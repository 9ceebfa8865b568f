import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { ROUTES } from '@tallystick/contracts';
import { GATEWAY_CONTROLLERS } from './gateway.module.ts';
import { routerPath } from './http/exchange.ts';
import { OPERATION } from './http/operation.ts';
import { TOKEN_SCOPES } from './tokens.ts';

interface Handler {
  readonly name: string;
  readonly operation: string | undefined;
  readonly path: string;
}

const handlers: readonly Handler[] = GATEWAY_CONTROLLERS.flatMap(({ prototype }) =>
  Object.getOwnPropertyNames(prototype).flatMap((name): Handler[] => {
    const method: unknown = (prototype as unknown as Record<string, unknown>)[name];
    if (name === 'constructor' || typeof method !== 'function') return [];
    const path = Reflect.getMetadata(PATH_METADATA, method) as string | undefined;
    return path === undefined ? [] : [{ name, operation: Reflect.getMetadata(OPERATION, method) as string | undefined, path }];
  }));

describe('the routes', () => {
  it('are all served, each by the method of its name and under the path of the table', () => {
    expect(handlers.map(({ name, path }) => [name, path]).sort()).toEqual(ROUTES.map(({ operationId, path }) => [operationId, routerPath(path)]).sort());
  });

  it('each declare their scope', () => {
    for (const { name, operation } of handlers) expect([name, ROUTES.find(({ operationId }) => operationId === operation)?.scope]).toEqual([name, expect.stringMatching(new RegExp(`^(public|${TOKEN_SCOPES.join('|')})$`))]);
  });

  it('are open to everybody only where nothing is told', () => {
    expect(ROUTES.filter(({ scope }) => scope === 'public').map(({ operationId }) => operationId).sort()).toEqual(['getHealth', 'getOpenApi', 'getReadiness']);
  });

  it('demand an idempotency key of every POST that changes something', () => {
    for (const { operationId, method, idempotencyKey } of ROUTES) if (method === 'post' && operationId !== 'previewIntent') expect([operationId, idempotencyKey]).toEqual([operationId, true]);
  });
});
