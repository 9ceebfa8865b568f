import { readFileSync } from 'node:fs';

const swcrc = JSON.parse(readFileSync(new URL('./.swcrc', import.meta.url), 'utf8'));

// Tests run as CommonJS: with Nest 12 that is twice as fast as Jest's ESM mode.
const ts = {
  swcrc: false,
  sourceMaps: true,
  module: { type: 'commonjs' },
  jsc: { ...swcrc.jsc, rewriteRelativeImportExtensions: false },
};
const js = {
  swcrc: false,
  sourceMaps: true,
  module: { type: 'commonjs' },
  jsc: { target: 'es2023', parser: { syntax: 'ecmascript' } },
};

// Packages that ship ESM only, which CommonJS tests need compiled. libs/testing has a spec that imports every dependency.
const esmOnly = ['@nestjs/', 'cockatiel/', 'commander/', 'croner/'];

export default {
  testEnvironment: 'node',
  // Libraries resolve to their sources: no build is needed before a test.
  testEnvironmentOptions: { customExportConditions: ['@tallystick/source', 'node', 'node-addons'] },
  transform: { '^.+\\.ts$': ['@swc/jest', ts], '/node_modules/.+\\.m?js$': ['@swc/jest', js] },
  transformIgnorePatterns: [`/node_modules/(?!${esmOnly.join('|')})`],
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  maxWorkers: 2,
  // A test that hangs ends; one on a busy machine does not fail for that: waits inside tests end at 60 s, with what they waited for.
  testTimeout: 180_000,
};
