import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CampaignCase } from './case.ts';
import { readOptions, type Options, type Scale } from './options.ts';
import { caseLines, failed, lastLine, tableLines, type CaseReport } from './report.ts';
import { runCase } from './run-case.ts';
import { killProcess, processesOf } from './system/proc.ts';

export interface Campaign {
  /** In front of complaints, and in the name of the directory of its data. */
  readonly name: string;
  readonly root: string;
  readonly help: string;
  readonly defaultScale: Scale;
  readonly casesOf: (scale: Scale) => readonly CampaignCase[];
  /** What is counted over all cases. */
  readonly totalsOf?: (reports: readonly CaseReport[]) => Readonly<Record<string, number>>;
}

/** One after the other, but neighbours that may run together. */
const inGroups = (cases: readonly CampaignCase[]): readonly (readonly CampaignCase[])[] => {
  const groups: CampaignCase[][] = [];
  for (const one of cases) {
    const last = groups.at(-1);
    if (last !== undefined && one.together !== undefined && last[0]?.together === one.together) last.push(one);
    else groups.push([one]);
  }
  return groups;
};

const chosen = (all: readonly CampaignCase[], { only }: Options): readonly CampaignCase[] => all.filter(({ name }) => only.length === 0 || only.some((start) => name.startsWith(start)));

const run = async ({ name, root, casesOf, totalsOf }: Campaign, options: Options): Promise<number> => {
  const say = (text: string): void => void (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const cases = chosen(casesOf(options.scale), options);
  if (options.list || cases.length === 0) {
    for (const one of casesOf(options.scale)) say(`${one.name.padEnd(24)} ${one.title}`);
    if (cases.length === 0) process.stderr.write(`${name}: no case begins with ${options.only.join(' or ')}\n`);
    return cases.length === 0 ? 2 : 0;
  }
  const workDir = options.keep === undefined ? mkdtempSync(join(tmpdir(), `tally-${name}-`)) : resolve(options.keep);
  mkdirSync(workDir, { recursive: true });
  const killAll = (): void => {
    for (const { pid } of processesOf(workDir)) killProcess(pid);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      killAll();
      process.exit(1);
    });
  }
  const beganMs = performance.now();
  const shared = new Map<string, unknown>();
  const reports: CaseReport[] = [];
  for (const group of inGroups(cases)) {
    for (const one of group) say(`[${cases.indexOf(one) + 1}/${cases.length}] ${one.name}: ${one.title}`);
    const ended = await Promise.all(group.map((one) => runCase(one, { root, workDir, keep: options.keep !== undefined, seed: options.seed, shared, say })));
    reports.push(...ended);
    for (const line of ended.flatMap(caseLines)) say(line);
  }
  killAll();
  if (options.keep === undefined && !failed(reports)) rmSync(workDir, { recursive: true, force: true });
  const tookMs = Math.round(performance.now() - beganMs);
  const totals = totalsOf?.(reports);
  say('');
  for (const line of tableLines(reports)) say(line);
  for (const { name: skipped, reason } of reports.filter(({ outcome }) => outcome === 'skipped')) say(`skipped ${skipped}: ${reason}`);
  if (totals) say(Object.entries(totals).map(([what, n]) => `${what} ${n}`).join(', '));
  say(`seed ${options.seed}, ${(tookMs / 1_000).toFixed(0)} s in all`);
  if (options.json) process.stdout.write(`${JSON.stringify({ version: 1, seed: options.seed, scale: options.scale, took_ms: tookMs, ...(totals && { totals }), cases: reports }, null, 2)}\n`);
  say(lastLine(reports));
  return failed(reports) ? 1 : 0;
};

/** Reads the arguments and does what they say; gives the exit code. */
export const runCampaign = async (campaign: Campaign, args: readonly string[]): Promise<number> => {
  const read = readOptions(args, campaign.defaultScale);
  if (!read.ok) {
    process.stderr.write(`${campaign.name}: ${read.problem} (see --help)\n`);
    return 2;
  }
  if (read.options.help) {
    process.stdout.write(campaign.help);
    return 0;
  }
  return run(campaign, read.options);
};
