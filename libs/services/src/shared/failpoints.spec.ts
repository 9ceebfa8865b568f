import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { FAILPOINTS } from './failpoints.ts';

const root = join(__dirname, '..');

describe('the list of failpoints', () => {
  it('names each that is in the sources, and no other', () => {
    const named = globSync('**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.spec.ts'))
      .flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/failpoints\.at\(\s*'([^']+)'/g)].map((match) => match[1]));
    expect([...new Set(named)].sort()).toEqual(Object.keys(FAILPOINTS).sort());
  });
});
