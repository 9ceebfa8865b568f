import nx from '@nx/eslint-plugin';
import { globSync } from 'node:fs';
import tseslint from 'typescript-eslint';
import { boundaries } from './eslint/boundaries.mjs';
import { deterministic, globals, imports } from './eslint/fences.mjs';

const SPECS = '**/*.spec.ts';
const projects = globSync('{libs,apps}/*/package.json', { cwd: import.meta.dirname })
  .map((file) => file.slice(0, -'/package.json'.length))
  .sort();

/** What holds for one project's sources and, with fewer fences, for its specs. */
function projectRules(dir) {
  const [kind, name] = dir.split('/');
  const project = kind === 'libs' ? name : dir;
  const fenced = kind === 'libs' && deterministic.includes(name);
  return [
    { files: [`${dir}/**/*.ts`], ignores: [SPECS], rules: { ...imports(project, { specs: false }), ...(fenced ? globals : {}) } },
    { files: [`${dir}/**/*.spec.ts`], rules: imports(project, { specs: true }) },
  ];
}

export default tseslint.config(
  { ignores: ['**/dist/**', '**/coverage/**', '**/*.{js,mjs,cjs}', '**/*.d.ts'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { project: './tsconfig.eslint.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries({ specs: false }),
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
    },
  },
  { files: [SPECS], rules: { '@nx/enforce-module-boundaries': boundaries({ specs: true }) } },
  ...projects.flatMap(projectRules),
);
