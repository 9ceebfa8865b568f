import type { z } from 'zod';
import { ProblemV1, ROUTES, type Route } from '../queries/index.ts';
import { reachable } from './asyncapi.ts';
import { components, jsonSchemaOf, nameOf, type JsonSchema } from './schemas.ts';

const refTo = (schema: z.ZodType) => ({ $ref: `#/components/schemas/${nameOf(schema)}` });

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is not as this document says.',
  401: 'No token, or none that is known.',
  403: 'The token lacks the scope.',
  404: 'There is none.',
  413: 'The body is larger than 64 KiB.',
  429: 'Too many requests; Retry-After says when to ask again.',
  503: 'The store or the bus cannot be reached; ask again.',
  504: 'The answer did not reach `min_position` in time; ask again.',
};

/** Members of a strict query object, one parameter each. */
const queryParameters = (query: z.ZodObject): readonly JsonSchema[] => {
  // A named schema stands among its own definitions.
  const { $defs = {}, ...whole } = jsonSchemaOf(query) as { $defs?: Record<string, JsonSchema> };
  const { properties = {}, required = [] } = ('$ref' in whole ? ($defs[nameOf(query)] ?? {}) : whole) as { properties?: Record<string, { description?: string }>; required?: string[] };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name, in: 'query', required: required.includes(name), ...(description === undefined ? {} : { description }), schema,
  }));
};

const parametersOf = (route: Route): readonly JsonSchema[] => [
  ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string', minLength: 1, maxLength: 64 } })),
  ...(route.query ? queryParameters(route.query) : []),
  ...(route.idempotencyKey
    ? [{ name: 'Idempotency-Key', in: 'header', required: true, schema: { type: 'string', minLength: 1, maxLength: 128 }, description: 'One key per thing to be done (IETF draft). A repeat under it is answered as the first was. For an intent it is its explicit key, or any text where the intent derives its own.' }]
    : []),
  ...(route.operationId === 'streamEvents' ? [{ name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' }, description: 'Resume after this log position.' }] : []),
];

const problemAnswer = (status: number): readonly [string, JsonSchema] => [
  String(status), { description: PROBLEMS[status] ?? 'A problem.', content: { 'application/problem+json': { schema: refTo(ProblemV1) } } },
];

const operationOf = (route: Route): JsonSchema => {
  const problems = route.scope === 'public' ? route.problems : [...route.problems, 401, 403, 429].sort();
  const parameters = parametersOf(route);
  return {
    operationId: route.operationId, summary: route.summary, tags: [route.path.split('/')[2] ?? 'process'],
    security: route.scope === 'public' ? [] : [{ bearer: [] }], 'x-tally-scope': route.scope,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body ? { requestBody: { required: true, content: { 'application/json': { schema: refTo(route.body) } } } } : {}),
    responses: Object.fromEntries([
      ...problems.map(problemAnswer),
      ...route.answers.map(({ status, schema, contentType = 'application/json', description }) =>
        [String(status), { description, content: { [contentType]: { schema: schema ? refTo(schema) : { type: 'object' } } } }] as const),
    ]),
  };
};

/** OpenAPI 3.1 of the gateway. */
export const openApi = (version: string): JsonSchema => {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of ROUTES) (paths[route.path] ??= {})[route.method] = operationOf(route);
  const used = [...JSON.stringify(paths).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name = '']) => name);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tallystick', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: 'Query what happened, submit intents, cancel orders. There is no route to withdraw or transfer. Errors are RFC 9457 problems with a stable `code`.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'A token of the data directory; `x-tally-scope` names the scope an operation needs.' } },
      schemas: reachable(components('draft-2020-12'), used),
    },
  };
};
