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
    killCase(n(6, 80)), ...tracedKillCases(n(5, 40)), syncErrorCase(n(5, 30)),
    writeErrorCase(n(5, 30)), rollCase(n(2, 12)), restartStormCase(n(10, 80)), tornTailCase(n(12, 100)),
    markErrorCase(n(2, 10)), birthKillCase(n(1, 2)), shortWriteCase(n(3, 20)), tornWriteCase(n(4, 20)), lostWriteCase(n(3, 16)), startKillCase(n(1, 5)),
    diskFullCase(n(2, 12)), flipRunningCase(n(5, 40)), flipSidecarCase(n(5, 40)), flipLogCase(n(10, 100)), flipMarkCase(n(6, 40)), twoServersCase(n(2, 10)),
  ]);
};
