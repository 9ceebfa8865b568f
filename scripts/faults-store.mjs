/** npm run faults:store: the event store's own faults. Arguments go to apps/campaign. */
import { prepareAndEnter } from './lib/steps.mjs';

await prepareAndEnter('apps/campaign/dist/faults-store.js', process.argv.slice(2), { nats: false, label: 'faults' });
