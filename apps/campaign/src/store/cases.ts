import type { CampaignCase } from '../case.ts';
import type { Scale } from '../options.ts';
import { diskFullCase } from './faults/disk-full.ts';
import { flipLogCase, flipMarkCase, flipRunningCase, flipSidecarCase } from './faults/flips.ts';
import { killCase } from './faults/kills.ts';
import { rollCase } from './faults/roll.ts';
import { lostWriteCase, shortWriteCase, tornWriteCase } from './faults/short-writes.ts';
import { birthKillCase, restartStormCase, startKillCase, twoServersCase } from './faults/starts.ts';
import { tornTailCase } from './faults/torn-tail.ts';
import { markErrorCase, syncErrorCase, writeErrorCase } from './faults/traced-errors.ts';
import { tracedKillCases } from './faults/traced-kills.ts';

/** Two at a time: each waits for its disk and for processes that start as often as it works. */
const AT_ONCE = 2;

const inPairs = (cases: readonly CampaignCase[]): readonly CampaignCase[] => cases.map((one, i) => ({ ...one, together: `store-${Math.floor(i / AT_ONCE)}` }));

/** Neighbours take about the same time. */
export const storeCasesOf = (scale: Scale): readonly CampaignCase[] => {
  const n = (ci: number, all: number): number => (scale === 'ci' ? ci : all);
  return inPairs([
    killCase(n(6, 160)), ...tracedKillCases(n(5, 80)), syncErrorCase(n(5, 60)),
    writeErrorCase(n(5, 60)), rollCase(n(2, 20)), restartStormCase(n(10, 150)), tornTailCase(n(12, 200)),
    markErrorCase(n(2, 20)), birthKillCase(n(1, 3)), shortWriteCase(n(3, 40)), tornWriteCase(n(4, 40)), lostWriteCase(n(3, 30)), startKillCase(n(1, 8)),
    diskFullCase(n(2, 24)), flipRunningCase(n(5, 80)), flipSidecarCase(n(5, 60)), flipLogCase(n(10, 160)), flipMarkCase(n(6, 60)), twoServersCase(n(2, 20)),
  ]);
};
