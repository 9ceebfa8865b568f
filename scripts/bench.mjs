/** npm run bench: the measurements. Arguments go to apps/bench. */
import { prepareAndEnter } from './lib/steps.mjs';

await prepareAndEnter('apps/bench/dist/main.js', process.argv.slice(2), { label: 'bench' });
