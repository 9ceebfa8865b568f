/** npm run campaign:ci: the failure campaign, sized for continuous integration. Arguments go to apps/campaign. */
import { prepareAndEnter } from './lib/steps.mjs';

await prepareAndEnter('apps/campaign/dist/main.js', process.argv.slice(2), { label: 'campaign' });
