import { dirname } from 'node:path';
import { runCampaign } from './campaign.ts';
import { casesOf } from './cases/index.ts';
import { HELP } from './options.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));

process.exit(await runCampaign({ name: 'campaign', root, help: HELP, defaultScale: 'ci', casesOf }, process.argv.slice(2)));
