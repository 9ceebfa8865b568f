import type { CaseReport } from '../report.ts';
import { BREACHES } from './judge.ts';
import { FIGURE } from './trial.ts';

const NAMES: readonly (readonly [name: string, figure: string])[] = [
  ['faults_injected', FIGURE.injected], ['faults_not_reached', FIGURE.missed], ['judgements', FIGURE.judgements], ['acknowledged_events_looked_for', FIGURE.looked],
  ...BREACHES.map((breach): [string, string] => [`events_${breach}`, breach]),
];

/** What the cases counted, added up; what was skipped counted nothing. */
export const totalsOf = (reports: readonly CaseReport[]): Readonly<Record<string, number>> =>
  Object.fromEntries(NAMES.map(([name, figure]) => [name, reports.reduce((sum, { figures }) => sum + Number(figures[figure] ?? 0), 0)]));
