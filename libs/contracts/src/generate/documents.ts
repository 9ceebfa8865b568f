import { asyncApi } from './asyncapi.ts';
import { cataloguePage } from './catalogue-page.ts';
import { openApi } from './openapi.ts';
import { schemaFiles } from './schemas.ts';

/** Release the documents describe. */
export const CONTRACTS_VERSION = '0.1.0';

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Path under `docs/contracts` to text: all that is derived from the contracts. */
export const documents = (): ReadonlyMap<string, string> =>
  new Map([
    ['README.md', cataloguePage()],
    ['asyncapi.json', json(asyncApi(CONTRACTS_VERSION))],
    ['openapi.json', json(openApi(CONTRACTS_VERSION))],
    ...[...schemaFiles()].map(([file, schema]) => [`json-schema/${file}`, json(schema)] as const),
  ]);
