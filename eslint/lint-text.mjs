/**
 * Lints texts as if they were files of this repository: reads [{ file, code, typed }] from stdin, prints the rules that fired for
 * each. Only `typed` texts pay for type information; their file must exist.
 */
import { ESLint } from 'eslint';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import tseslint from 'typescript-eslint';

// In CI typescript-eslint takes types from the files on disk, once; these texts are not what lies there.
process.env.TSESTREE_SINGLE_RUN = 'false';

const cwd = dirname(dirname(fileURLToPath(import.meta.url)));
const typed = new ESLint({ cwd });
const untyped = new ESLint({ cwd, overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }] });

const fired = [];
for (const { file, code, typed: withTypes } of JSON.parse(await text(process.stdin))) {
  const [result] = await (withTypes ? typed : untyped).lintText(code, { filePath: file });
  fired.push((result?.messages ?? []).map(({ ruleId, message, fatal }) => (fatal || ruleId === null ? `fatal: ${message}` : ruleId)));
}
process.stdout.write(JSON.stringify(fired));
