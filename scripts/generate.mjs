/** npm run generate: writes the documents that are derived from the contracts. */
import { prepareAndEnter } from './lib/steps.mjs';

await prepareAndEnter('libs/contracts/dist/generate/main.js', process.argv.slice(2), { nats: false, label: 'documents' });
