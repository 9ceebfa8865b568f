import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formatsPlugin from 'ajv-formats';
import { isDecimalText } from '@tallystick/domain';
import * as contracts from '../index.ts';
import { DECIMAL_PATTERN } from '../intents/intent-v1.ts';
import { ROUTES } from '../queries/index.ts';
import { asyncApi } from './asyncapi.ts';
import { CHANNELS, PARAMETERS } from './channels.ts';
import { documents } from './documents.ts';
import { openApi } from './openapi.ts';
import { schemaFiles, type JsonSchema } from './schemas.ts';

const root = join(__dirname, '../../../../docs/contracts');
const made = documents();

const ajv = (): Ajv2020 => {
  const made = new Ajv2020({ strict: false, allErrors: true });
  formatsPlugin.default(made);
  return made;
};

/** Every local reference of a document that leads nowhere. */
const brokenRefs = (document: JsonSchema): readonly string[] => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref);
  return refs.filter((ref) => {
    let at: unknown = document;
    for (const part of ref.replace(/^#\//, '').split('/')) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
    return !ref.startsWith('#/') || at === undefined;
  });
};

describe('the committed documents', () => {
  it('are what the contracts say: else run npm run generate', () => {
    const drifted = [...made].filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text).map(([path]) => path);
    expect({ 'run npm run generate': drifted }).toEqual({ 'run npm run generate': [] });
  });

  it('hold nothing that is no longer derived', () => {
    expect(globSync('**/*.*', { cwd: root }).sort()).toEqual([...made.keys()].sort());
  });
});

describe('JSON Schemas', () => {
  it.each([...schemaFiles()])('%s compiles', (_file, schema) => {
    expect(() => ajv().compile(schema)).not.toThrow();
  });

  it('say of an intent what the parser says', () => {
    const check = ajv().compile(schemaFiles().get('IntentV1.json') ?? {});
    const intent = { version: 1, key: { policy: 'explicit', key: 'a' }, strategy: { id: 's', version: '1' }, account: 'a', orders: [{ symbol: 'SPY', side: 'buy', qty: '1', order_type: 'market' }] };
    expect(check(intent)).toBe(true);
    expect(check({ ...intent, surprise: 1 })).toBe(false);
    expect(check({ ...intent, orders: [{ ...intent.orders[0], qty: '1e3' }] })).toBe(false);
  });

  it.each(['0', '1', '-1', '0.1', '01', '1.', '.5', '1e3', '', '999999999999999999.999999999999', '9999999999999999999', '0.1234567890123', '+1', ' 1'])('have the pattern of a decimal: %j', (text) => {
    expect(new RegExp(DECIMAL_PATTERN).test(text)).toBe(isDecimalText(text));
  });
});

describe('OpenAPI', () => {
  const document = openApi('0.0.0') as { readonly paths: Record<string, Record<string, { readonly operationId: string; readonly parameters?: { readonly name: string; readonly in: string; readonly required: boolean }[]; readonly responses: Record<string, unknown> }>>; readonly components: { readonly schemas: Record<string, JsonSchema> } };

  it('refers to nothing that is not there', () => {
    expect(brokenRefs(document)).toEqual([]);
  });

  it('has schemas that compile', () => {
    const validator = ajv();
    validator.addSchema({ ...document, $id: 'https://tallystick.test/openapi' });
    for (const name of Object.keys(document.components.schemas)) expect(() => validator.compile({ $ref: `https://tallystick.test/openapi#/components/schemas/${name}` })).not.toThrow();
  });

  it('has every route once, with its path parameters and an answer', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.values(methods).map((operation) => ({ path, ...operation })));
    expect(operations).toHaveLength(ROUTES.length);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(ROUTES.length);
    for (const { path, parameters = [], responses } of operations) {
      const named = parameters.filter((parameter) => parameter.in === 'path');
      expect(named.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(named.every(({ required }) => required)).toBe(true);
      expect(Object.keys(responses).some((status) => status.startsWith('2'))).toBe(true);
    }
  });

  it('has the query parameters of a route with their schemas', () => {
    const parameters = document.paths['/v1/orders']?.['get']?.parameters ?? [];
    expect(parameters.map(({ name }) => name)).toEqual(['account', 'strategy', 'mode', 'symbol', 'status', 'intent_key', 'cursor', 'limit', 'as_of', 'min_position']);
    expect(parameters.find(({ name }) => name === 'limit')).toMatchObject({ in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } });
    for (const route of ROUTES) {
      const given = (document.paths[route.path]?.[route.method]?.parameters ?? []).filter((parameter) => parameter.in === 'query');
      expect(given.map(({ name }) => name)).toEqual(Object.keys(route.query?.shape ?? {}));
    }
  });

  it('asks for a key wherever something is done, and for a scope wherever something is shown', () => {
    for (const route of ROUTES) {
      if (route.method === 'post' && route.operationId !== 'previewIntent') expect(route.idempotencyKey).toBe(true);
      if (route.path.startsWith('/v1/') && route.operationId !== 'getOpenApi') expect(route.scope).not.toBe('public');
    }
  });

  it('has no route to withdraw, transfer, approve or arm', () => {
    expect(ROUTES.filter(({ path, scope }) => /withdraw|transfer|approve|arm/.test(path) || scope === 'approve')).toEqual([]);
  });
});

describe('AsyncAPI', () => {
  it('refers to nothing that is not there', () => {
    expect(brokenRefs(asyncApi('0.0.0'))).toEqual([]);
  });

  it('has a channel for every subject that the code can name', () => {
    const named = [
      contracts.commandSubject('risk', 3, 'evaluate'), contracts.commandSubject('execution', 3, 'submit'), contracts.commandSubject('execution', 3, 'cancel'),
      contracts.intentSubject('x'), contracts.previewSubject('x'), contracts.riskPreviewSubject(3), contracts.MARKET_SNAPSHOT, contracts.MARKET_CURRENT,
      contracts.eventSubject('order', 'OrderFilled', 'x'), contracts.turnSubject('x'), contracts.heartbeatSubject('x'), contracts.controlSubject('x'),
      contracts.querySubject('x'), contracts.deadLetterSubject('x'), contracts.KILL_ENGAGE, contracts.KILL_ACKNOWLEDGED,
    ];
    const patterns = CHANNELS.map(({ address }) => new RegExp(`^${address.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^.]+')}$`));
    expect(named.map((subject) => patterns.filter((pattern) => pattern.test(subject)).length)).toEqual(named.map(() => 1));
    expect(patterns.filter((pattern) => !named.some((subject) => pattern.test(subject)))).toEqual([]);
    const variables = CHANNELS.flatMap(({ address }) => [...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name));
    expect(variables.filter((name) => PARAMETERS[name] === undefined)).toEqual([]);
  });
});
