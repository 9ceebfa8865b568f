import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const root = join(__dirname, '../../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
  'dependencies' | 'devDependencies' | 'optionalDependencies',
  Record<string, string>
>;

/** Tests run as CommonJS, so a package that ships ESM only must be on the list in jest.preset.mjs. This finds the forgotten one. */
describe('dependencies', () => {
  it.each(Object.keys(manifest.dependencies))('%s can be imported in a test', async (name) => {
    await expect(import(name)).resolves.toBeDefined();
  });

  it('are pinned to exact versions', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const loose = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });
});
