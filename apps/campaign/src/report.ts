import type { Finding } from './findings.ts';

export interface CaseReport {
  readonly name: string;
  readonly title: string;
  readonly seed: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly took_ms: number;
  /** Why it was skipped, or what went wrong before anything could be judged. */
  readonly reason?: string;
  readonly findings: readonly Finding[];
  readonly figures: Readonly<Record<string, string | number>>;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const MARK = { passed: '✔', failed: '✘', skipped: '-' } as const;

/** What is said as soon as a case is over. */
export const caseLines = ({ name, outcome, took_ms: tookMs, reason, findings, figures }: CaseReport): readonly string[] => [
  `${MARK[outcome]} ${name}: ${outcome} in ${seconds(tookMs)}${reason === undefined ? '' : `: ${reason}`}`,
  ...findings.map(({ claim, held, seen }) => `    ${held ? '✔' : '✘'} ${claim}: ${seen}`),
  ...Object.entries(figures).map(([what, value]) => `      ${what}: ${value}`),
];

export const tableLines = (reports: readonly CaseReport[]): readonly string[] => {
  const head = ['case', 'result', 'took', 'claims', 'seed', 'what'];
  const rows = reports.map(({ name, outcome, took_ms: tookMs, findings, seed, title }) =>
    [name, outcome, seconds(tookMs), `${findings.filter(({ held }) => held).length} of ${findings.length}`, seed, title]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd();
  return [line(head), ...rows.map(line)];
};

const countOf = (reports: readonly CaseReport[], outcome: CaseReport['outcome']): number => reports.filter((report) => report.outcome === outcome).length;

/** The last line: what continuous integration reads. */
export const lastLine = (reports: readonly CaseReport[]): string => {
  const skipped = countOf(reports, 'skipped');
  return `${countOf(reports, 'passed')} passed, ${countOf(reports, 'failed')} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
};

export const failed = (reports: readonly CaseReport[]): boolean => countOf(reports, 'failed') > 0 || reports.length === 0;
