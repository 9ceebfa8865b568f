// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- this entry point writes the documents; nothing that decides imports it
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documents } from './documents.ts';

/** `npm run generate`: writes docs/contracts anew, so that what is no longer derived is gone. */
const root = fileURLToPath(new URL('../../../../docs/contracts/', import.meta.url));
const made = documents();
rmSync(root, { recursive: true, force: true });
for (const [path, text] of made) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
console.log(`docs/contracts: ${made.size} documents written`);
