/** npm run generate: writes the documents that are derived from the contracts and the calendars. */
import { enter, prepareAndEnter } from './lib/steps.mjs';

await prepareAndEnter('libs/contracts/dist/generate/main.js', process.argv.slice(2), { nats: false, label: 'documents' });
if (!process.exitCode) await enter('libs/calendars/dist/generate/main.js', []);
