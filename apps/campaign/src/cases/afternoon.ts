import { join } from 'node:path';
import type { CaseContext } from '../case.ts';
import { finding, holds, type Finding } from '../findings.ts';
import { AFTERNOON, writeMarket } from '../market/generate.ts';
import { agreement } from '../oracle/agreement.ts';
import { at, list, text, type Json } from '../oracle/json.ts';
import { limitsRespected } from '../oracle/limits.ts';
import { countsBy, countsText, ordersOf, type OracleOrder } from '../oracle/orders.ts';
import { randomOf } from '../random.ts';
import { readAfterwards } from '../system/offline.ts';
import { Standalone, type Ended } from '../system/standalone.ts';

/** Of every paper account at its first start, as the standalone gives it. */
export const INITIAL_CASH = '1000000';
/** Undisturbed it takes seconds; with kills the slowest part is five seconds of waiting before a start. */
const RUN_MS_MAX = 150_000;

export interface AfternoonRun {
  readonly digest: string;
  readonly orders: readonly OracleOrder[];
  readonly summary: Json;
  readonly findings: readonly Finding[];
  readonly figures: Readonly<Record<string, string | number>>;
}

/** The same market in every case of a campaign, so that their results can be compared. */
const marketFile = (context: CaseContext, marketSeed: string): string => {
  const file = join(context.dir, 'market.csv');
  writeMarket(file, randomOf(`${context.seed}/${marketSeed}/afternoon`), AFTERNOON);
  return file;
};

const endedWell = ({ code, summary }: Ended): readonly Finding[] => {
  const bad = list(summary, 'checks').filter((check) => at(check, 'ok') !== true).map((check) => `${text(check, 'name')}: ${text(check, 'detail')}`);
  return [
    holds('it ended by itself with 0', code === 0, `exit code ${code}`),
    finding('every check of its own summary holds', summary === undefined ? ['it printed no summary'] : bad, `${list(summary, 'checks').length} checks`),
  ];
};

/**
 * One afternoon with both example strategies, from start to summary, while `during` does what it likes to it; then log and book are
 * read from the files it left, and judged.
 */
export const runAfternoon = async (context: CaseContext, marketSeed: string, during: (system: Standalone) => Promise<void>): Promise<AfternoonRun> => {
  const file = marketFile(context, marketSeed);
  const dataDir = join(context.dir, `data-${Math.round(performance.now())}`);
  const system = new Standalone({ root: context.root, dataDir, market: `csv:${file}`, profile: 'demo', speed: 'max', exit: true });
  const beganMs = performance.now();
  try {
    await Promise.all([during(system), system.end(RUN_MS_MAX)]);
    const ended = await system.end(RUN_MS_MAX);
    const tookMs = performance.now() - beganMs;
    const left = await system.leftBehind();
    const after = await readAfterwards({ root: context.root, dataDir, market: `csv:${file}` });
    const orders = ordersOf(after.log);
    const limits = limitsRespected(after.log);
    const summary = ended.summary ?? {};
    return {
      digest: text(summary, 'digest'), orders, summary,
      findings: [
        ...endedWell(ended), finding('nothing is left running', left, 'no process of it'),
        ...agreement(after, { initialCash: INITIAL_CASH, mayRest: false }), ...limits.findings,
        holds('tally replay verify finds no difference', after.verify.code === 0, `exit code ${after.verify.code}: ${after.verify.output.split('\n')[0] ?? ''}`),
      ],
      figures: {
        orders: countsText(countsBy(orders, ({ status }) => status)), fills: orders.reduce((sum, order) => sum + order.fills.length, 0),
        'filled in parts': orders.filter(({ fills }) => fills.length > 1).length, events: after.log.all.length, took: `${(tookMs / 1_000).toFixed(1)} s`, digest: text(summary, 'digest').slice(0, 16),
      },
    };
  } finally {
    await system.destroy();
  }
};
