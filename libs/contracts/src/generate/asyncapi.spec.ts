import { describe, expect, it } from '@jest/globals';
import { Parser } from '@asyncapi/parser';
import { asyncApi } from './asyncapi.ts';

describe('asyncapi.json', () => {
  it('is valid AsyncAPI 3.0', async () => {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApi('0.1.0')));
    expect(diagnostics.filter(({ severity }) => severity <= 1).map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([]);
    expect(document?.version()).toBe('3.0.0');
  });

  it('is refused when it is not', async () => {
    const { diagnostics } = await new Parser().parse(JSON.stringify({ ...asyncApi('0.1.0'), operations: { broken: { action: 'shout' } } }));
    expect(diagnostics.some(({ severity }) => severity === 0)).toBe(true);
  });
});
