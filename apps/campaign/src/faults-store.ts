import { dirname } from 'node:path';
import { runCampaign } from './campaign.ts';
import { storeCasesOf } from './store/cases.ts';
import { HELP } from './store/help.ts';
import { totalsOf } from './store/totals.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));

process.exit(await runCampaign({ name: 'faults', root, help: HELP, defaultScale: 'all', casesOf: storeCasesOf, totalsOf }, process.argv.slice(2)));
