/** npm start: builds what changed, then starts everything on this machine. Arguments go to apps/standalone. */
import { prepareAndEnter } from './lib/steps.mjs';

await prepareAndEnter('apps/standalone/dist/main.js', process.argv.slice(2), { label: 'services' });
