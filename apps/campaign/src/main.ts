import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { CampaignCase } from './case.ts';
import { casesOf } from './cases/index.ts';
import { HELP, readOptions, type Options } from './options.ts';
import { caseLines, failed, lastLine, tableLines, type CaseReport } from './report.ts';
import { runCase } from './run-case.ts';
import { killProcess, processesOf } from './system/proc.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));

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

const campaign = async (options: Options): Promise<number> => {
  const say = (text: string): void => void (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const cases = casesOf(options.scale).filter(({ name }) => options.only.length === 0 || options.only.some((start) => name.startsWith(start)));
  if (options.list || cases.length === 0) {
    for (const { name, title } of casesOf(options.scale)) say(`${name.padEnd(24)} ${title}`);
    if (cases.length === 0) process.stderr.write(`campaign: no case begins with ${options.only.join(' or ')}\n`);
    return cases.length === 0 ? 2 : 0;
  }
  const workDir = options.keep === undefined ? mkdtempSync(join(tmpdir(), 'tally-campaign-')) : resolve(options.keep);
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
  say('');
  for (const line of tableLines(reports)) say(line);
  say(`seed ${options.seed}, ${((performance.now() - beganMs) / 1_000).toFixed(0)} s in all`);
  if (options.json) process.stdout.write(`${JSON.stringify({ version: 1, seed: options.seed, scale: options.scale, took_ms: Math.round(performance.now() - beganMs), cases: reports }, null, 2)}\n`);
  say(lastLine(reports));
  return failed(reports) ? 1 : 0;
};

const main = async (): Promise<number> => {
  const read = readOptions(process.argv.slice(2));
  if (!read.ok) {
    process.stderr.write(`campaign: ${read.problem} (see --help)\n`);
    return 2;
  }
  if (read.options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  return campaign(read.options);
};

process.exit(await main());
