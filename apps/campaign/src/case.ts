import type { Finding } from './findings.ts';
import type { Random } from './random.ts';

export interface CaseContext {
  readonly seed: string;
  readonly random: Random;
  /** A directory of this case's own, removed when it passed. */
  readonly dir: string;
  /** The project. */
  readonly root: string;
  /** A line that says where it is. */
  readonly say: (text: string) => void;
  /** Results of cases that ran before, by name: a run of kills is compared with the run without. */
  readonly shared: Map<string, unknown>;
}

export type CaseOutcome =
  | { readonly kind: 'judged'; readonly findings: readonly Finding[]; readonly figures: Readonly<Record<string, string | number>> }
  | { readonly kind: 'skipped'; readonly reason: string };

export interface CampaignCase {
  readonly name: string;
  readonly title: string;
  /** Neighbours of one name here run at the same time: they mostly wait. */
  readonly together?: string;
  run(context: CaseContext): Promise<CaseOutcome>;
}

export const judged = (findings: readonly Finding[], figures: Readonly<Record<string, string | number>>): CaseOutcome => ({ kind: 'judged', findings, figures });
