import type { CampaignCase } from '../case.ts';
import { storeCasesOf } from '../store/cases.ts';

/** What `npm run faults:store -- --ci` runs, under names of this campaign; the large one has its own command. */
export const storeFaultCases = (): readonly CampaignCase[] => storeCasesOf('ci').map((one) => ({ ...one, name: `store-faults-${one.name}` }));
