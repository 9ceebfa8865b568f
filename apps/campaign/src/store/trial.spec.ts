import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaseOutcome } from '../case.ts';
import { randomOf } from '../random.ts';
import type { CaseReport } from '../report.ts';
import { runCase } from '../run-case.ts';
import { storeCasesOf } from './cases.ts';
import { judge } from './judge.ts';
import { Ledger, loadData } from './ledger.ts';
import { totalsOf } from './totals.ts';
import { Trial } from './trial.ts';

const trialOf = (): Trial => new Trial({ seed: '1', random: randomOf('1'), dir: '/nowhere', root: '/nowhere', say: () => undefined, shared: new Map() });

/** Lays one acknowledged event beside a store that has it, or has lost it. */
const look = (trial: Trial, kept: boolean): void => {
  const ledger = new Ledger();
  const id = '00000000-0000-4000-8000-000000000001';
  ledger.begin('s', 0, [{ id, type: 'load', data: loadData('s', 0, ''), metadata: {} }]).acknowledged(0, 2n);
  const digest = ledger.snapshot()[0]?.events[0]?.digest ?? '';
  const log = kept ? [{ stream: 's', revision: 0, position: 2n, id, digest, whole: true }] : [];
  trial.count(judge(ledger.snapshot(), { streams: new Map([['s', log]]), all: log, again: log }), 'look');
};

const reportOf = async (outcome: CaseOutcome): Promise<CaseReport> => {
  const workDir = mkdtempSync(join(tmpdir(), 'tally-trial-spec-'));
  try {
    return await runCase({ name: 'one', title: 't', run: () => Promise.resolve(outcome) }, { root: workDir, workDir, keep: false, seed: '1', shared: new Map(), say: () => undefined });
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
};

describe('a fault', () => {
  it('that was injected and cost nothing has passed', async () => {
    const trial = trialOf();
    trial.injected('kill');
    look(trial, true);
    expect(await reportOf(trial.outcome())).toMatchObject({ outcome: 'passed', figures: { 'faults injected': 1, 'acknowledged events looked for': 1, lost: 0 } });
  });

  it('that was asked for and never happened has failed, whatever was found', async () => {
    const trial = trialOf();
    trial.notReached('sync 999');
    look(trial, true);
    expect(await reportOf(trial.outcome())).toMatchObject({ outcome: 'failed', figures: { 'faults injected': 0, 'asked for, not reached': 1 } });
  });

  it('after which nothing was looked at has failed', async () => {
    const trial = trialOf();
    trial.injected('kill');
    expect((await reportOf(trial.outcome())).outcome).toBe('failed');
  });

  it('that cost an acknowledged event has failed, and is counted', async () => {
    const trial = trialOf();
    trial.injected('kill');
    look(trial, false);
    const report = await reportOf(trial.outcome());
    expect(report).toMatchObject({ outcome: 'failed', figures: { lost: 1 } });
    expect(totalsOf([report, report])).toMatchObject({ faults_injected: 2, events_lost: 2, events_duplicated: 0 });
  });

  it('that broke a claim of its own has failed', async () => {
    const trial = trialOf();
    trial.injected('EIO');
    look(trial, true);
    trial.claim('the process ends', undefined);
    trial.claim('the process ends', 'it went on');
    expect(await reportOf(trial.outcome())).toMatchObject({ outcome: 'failed', findings: expect.arrayContaining([{ claim: 'the process ends', held: false, seen: 'it went on' }]) });
  });
});

describe('the cases of the store', () => {
  it('are the same kinds in continuous integration as in the large campaign, each under a name of its own', () => {
    const names = storeCasesOf('ci').map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(storeCasesOf('all').map(({ name }) => name)).toEqual(names);
  });

  it('run two at a time', () => {
    const groups = Map.groupBy(storeCasesOf('ci'), ({ together }) => together);
    expect([...groups.values()].every(({ length }) => length <= 2)).toBe(true);
  });
});
