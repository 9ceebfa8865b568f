/** npm run tally -- <command>: the command line. Builds only when it was never built. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, enter, root } from './lib/steps.mjs';
import { fail } from './lib/progress.mjs';

const entry = 'apps/tally/dist/main.js';
try {
  if (!existsSync(join(root, entry))) await build({ specs: false });
  await enter(entry, process.argv.slice(2));
} catch (error) {
  fail(error);
}
