// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- this entry point writes the document; nothing that decides imports it
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { calendarsPage } from '../document.ts';

/** `npm run generate`: writes docs/calendars.md anew. */
writeFileSync(fileURLToPath(new URL('../../../../docs/calendars.md', import.meta.url)), calendarsPage());
console.log('docs/calendars.md written');
