import type { CampaignCase } from '../case.ts';
import { hostileCase } from './hostile.ts';
import { killPointCases } from './kill-points.ts';
import { killCase, VICTIMS, type Victim } from './kills.ts';
import { replayCase } from './replay.ts';
import { stormCase } from './storm.ts';
import { storeFaultCases } from './store-faults.ts';

/** Four processes a run leave the replay enough undisturbed time between two kills to get somewhere. */
const CI_KILLS: readonly (readonly Victim[])[] = [
  ['intents', 'execution', 'rebalance', 'nats-server'],
  ['risk', 'fills', 'paper-venue', 'supervisor'],
  ['eventstore', 'gateway', 'signal'],
];
const ALL_ROUNDS = 4;

const ciCases = (): readonly CampaignCase[] => [
  replayCase('m1'),
  stormCase('10k', 10_000),
  hostileCase(),
  ...killPointCases(),
  ...CI_KILLS.map((victims, run) => killCase(`${run + 1}`, 'm1', victims)),
  ...storeFaultCases(),
];

const allCases = (): readonly CampaignCase[] => [
  ...[1, 2, 3].map((round) => stormCase(`round-${round}`, 10_000)),
  ...['m2', 'm3'].map(replayCase),
  // Each process alone, then all of them in one run, again and again.
  ...VICTIMS.map((victim) => killCase(`alone-${victim}`, 'm1', [victim])),
  ...Array.from({ length: ALL_ROUNDS }, (_, round) => killCase(`everyone-${round + 1}`, round % 2 === 0 ? 'm1' : 'm2', VICTIMS)),
];

/** In the order in which they run: what others are compared with comes first. */
export const casesOf = (scale: 'ci' | 'all'): readonly CampaignCase[] => (scale === 'ci' ? ciCases() : [...ciCases(), ...allCases()]);
