import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CampaignCase, CaseOutcome } from './case.ts';
import { randomOf } from './random.ts';
import type { CaseReport } from './report.ts';

export interface Surroundings {
  readonly root: string;
  /** Each case gets a directory of its name in here. */
  readonly workDir: string;
  readonly keep: boolean;
  readonly seed: string;
  readonly shared: Map<string, unknown>;
  readonly say: (text: string) => void;
}

/** Runs one case to its report. Never rejects: what throws has failed, and says so. */
export const runCase = async (one: CampaignCase, around: Surroundings): Promise<CaseReport> => {
  const dir = join(around.workDir, one.name.replaceAll(/[^A-Za-z0-9.-]/g, '_'));
  mkdirSync(dir, { recursive: true });
  const beganMs = performance.now();
  const base = { name: one.name, title: one.title, seed: around.seed };
  const took = (): number => Math.round(performance.now() - beganMs);
  let outcome: CaseOutcome;
  try {
    outcome = await one.run({ seed: around.seed, random: randomOf(`${around.seed}/${one.name}`), dir, root: around.root, shared: around.shared, say: (text) => around.say(`  ${one.name}: ${text}`) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...base, outcome: 'failed', took_ms: took(), reason: `${reason} (data in ${dir})`, findings: [], figures: {} };
  }
  if (outcome.kind === 'skipped') return { ...base, outcome: 'skipped', took_ms: took(), reason: outcome.reason, findings: [], figures: {} };
  const held = outcome.findings.length > 0 && outcome.findings.every((finding) => finding.held);
  if (held && !around.keep) rmSync(dir, { recursive: true, force: true });
  return { ...base, outcome: held ? 'passed' : 'failed', took_ms: took(), ...(held ? {} : { reason: `data in ${dir}` }), findings: outcome.findings, figures: outcome.figures };
};
