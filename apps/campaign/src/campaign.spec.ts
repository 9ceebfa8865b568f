import { FAILPOINTS } from '@tallystick/services';
import { describe, expect, it } from '@jest/globals';
import { duplicateMembers, goodIntent, hostileBodies, mutated } from './cases/hostile-bodies.ts';
import { casesOf } from './cases/index.ts';
import { uncoveredPoints } from './cases/kill-points.ts';
import { VICTIMS } from './cases/kills.ts';
import { stormPlan } from './cases/storm-intents.ts';
import { readOptions } from './options.ts';
import { randomOf } from './random.ts';
import { failed, lastLine, type CaseReport } from './report.ts';
import { runCase } from './run-case.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const report = (outcome: CaseReport['outcome']): CaseReport => ({ name: 'n', title: 't', seed: '1', outcome, took_ms: 1, findings: [], figures: {} });

describe('options', () => {
  it('are those of continuous integration unless said otherwise', () => {
    expect(readOptions([])).toMatchObject({ ok: true, options: { scale: 'ci', seed: '1', only: [] } });
    expect(readOptions(['--ci', '--all'])).toMatchObject({ ok: true, options: { scale: 'all' } });
    expect([readOptions([], 'all'), readOptions(['--ci'], 'all')]).toMatchObject([{ options: { scale: 'all' } }, { options: { scale: 'ci' } }]);
    expect(readOptions(['--all', '--only', 'kill', '--only=replay', '--seed', 'x'])).toMatchObject({ ok: true, options: { scale: 'all', seed: 'x', only: ['kill', 'replay'] } });
  });

  it.each([[['--al']], [['--only']], [['--seed', '--ci']], [['--seed', 'a b']], [['kill']]])('refuse %j', (args) => {
    expect(readOptions(args)).toMatchObject({ ok: false });
  });
});

describe('the last line', () => {
  it('counts skips apart, and only where there are any', () => {
    expect(lastLine([report('passed'), report('passed')])).toBe('2 passed, 0 failed');
    expect(lastLine([report('passed'), report('failed'), report('skipped')])).toBe('1 passed, 1 failed, 1 skipped');
  });

  it('is a failure when anything failed, or nothing ran', () => {
    expect([failed([report('passed'), report('skipped')]), failed([report('passed'), report('failed')]), failed([])]).toEqual([false, true, true]);
  });
});

describe('a case', () => {
  const run = async (result: () => Promise<Awaited<ReturnType<Parameters<typeof runCase>[0]['run']>>>): Promise<CaseReport> => {
    const workDir = mkdtempSync(join(tmpdir(), 'tally-campaign-spec-'));
    try {
      return await runCase({ name: 'one', title: 't', run: result }, { root: workDir, workDir, keep: false, seed: '1', shared: new Map(), say: () => undefined });
    } finally {
      rmSync(workDir, { recursive: true, force: true });
    }
  };
  const held = { claim: 'c', held: true, seen: '' };

  it('passes when every finding held, and not when one did not', async () => {
    expect((await run(() => Promise.resolve({ kind: 'judged', findings: [held], figures: {} }))).outcome).toBe('passed');
    expect((await run(() => Promise.resolve({ kind: 'judged', findings: [held, { ...held, held: false }], figures: {} }))).outcome).toBe('failed');
  });

  it('fails when it found nothing at all, or threw', async () => {
    expect((await run(() => Promise.resolve({ kind: 'judged', findings: [], figures: {} }))).outcome).toBe('failed');
    expect(await run(() => Promise.reject(new Error('it broke')))).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('it broke') });
  });

  it('that could not run is skipped with its reason, never passed', async () => {
    expect(await run(() => Promise.resolve({ kind: 'skipped', reason: 'no such thing here' }))).toMatchObject({ outcome: 'skipped', reason: 'no such thing here' });
  });
});

describe('what is tried', () => {
  it('kills each process at least once in continuous integration', () => {
    const titles = casesOf('ci').filter(({ name }) => name.startsWith('kill-')).map(({ title }) => title).join();
    expect(VICTIMS.filter((victim) => !titles.includes(victim))).toEqual([]);
  });

  it('comes to every failpoint that there is', () => {
    expect(uncoveredPoints()).toEqual([]);
    expect(Object.keys(FAILPOINTS).length).toBeGreaterThan(0);
  });

  it('breaks the store in continuous integration as well', () => {
    const names = casesOf('ci').map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['store-faults-sync-kill', 'store-faults-torn-tail', 'store-faults-disk-full']));
  });

  it('has names of its own for each case', () => {
    const names = casesOf('all').map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('submits each intent twice, with another body only where that is meant', () => {
    const plan = stormPlan(randomOf('s'), 500);
    expect(plan).toEqual(stormPlan(randomOf('s'), 500));
    expect(plan.submissions).toHaveLength(1_000);
    for (let unit = 0; unit < 500; unit += 1) {
      const bodies = plan.submissions.filter((submission) => submission.unit === unit);
      expect(bodies.map(({ nth }) => nth).sort()).toEqual([0, 1]);
      expect(new Set(bodies.map(({ body }) => body)).size).toBe(plan.conflicting.has(unit) ? 2 : 1);
      expect(new Set(bodies.map(({ key }) => key)).size).toBe(1);
    }
    expect(plan.together).toBeGreaterThan(50);
  });

  it('has hostile bodies of every kind, each under a key of its own', () => {
    const bodies = [...hostileBodies('x'), ...duplicateMembers('x')];
    expect(new Set(bodies.map(({ code }) => code))).toEqual(new Set(['INTENT_INVALID', 'INTENT_NOT_JSON', 'INTENT_TOO_DEEP', 'INTENT_TOO_LARGE']));
    expect(new Set(bodies.map(({ key }) => key)).size).toBe(bodies.length);
    const good = JSON.stringify(goodIntent('k'));
    expect(bodies.filter(({ bytes }) => bytes.toString('utf8') === good)).toEqual([]);
    expect(mutated(randomOf('m'), 'k').equals(Buffer.from(good))).toBe(false);
  });
});
