import { join } from 'node:path';
import { judged, type CampaignCase } from '../case.ts';
import { finding, holds, type Finding } from '../findings.ts';
import { OPEN_DAY, writeMarket } from '../market/generate.ts';
import { at, list, sameText, text } from '../oracle/json.ts';
import { limitsRespected } from '../oracle/limits.ts';
import type { Log } from '../oracle/log.ts';
import { countsBy, countsText, ordersOf } from '../oracle/orders.ts';
import { Standalone } from '../system/standalone.ts';
import { atRest, withSystem } from './at-rest.ts';
import { Doors } from './doors.ts';
import { stormPlan, type StormPlan, type Submission } from './storm-intents.ts';

/** As many as are in flight at once. */
const AT_A_TIME = 16;
/** Business seconds a second: slow enough that the limit on messages a minute bites, fast enough that it opens again within the storm. */
const SPEED = '4';

interface Answered {
  readonly submission: Submission;
  readonly receipt: unknown;
  readonly tries: number;
  readonly tookMs: number;
}

const submitAll = async (doors: Doors, submissions: readonly Submission[], say: (text: string) => void): Promise<readonly Answered[]> => {
  const answered: Answered[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let submission = submissions[next++]; submission !== undefined; submission = submissions[next++]) {
      const beganMs = performance.now();
      const { receipt, tries } = await doors.submit(submission.channel, submission);
      answered.push({ submission, receipt, tries, tookMs: performance.now() - beganMs });
      if (answered.length % 4_000 === 0) say(`${answered.length} of ${submissions.length} answered`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return answered;
};

/** The part of a receipt that a repeat must give again, but for the order of its members. */
const sameAnswer = (receipt: unknown): string => sameText([text(receipt, 'status'), text(receipt, 'intent_key'), text(receipt, 'digest'), text(receipt, 'request_id'), at(receipt, 'orders'), at(receipt, 'refusals')]);

const repeatsGiveTheFirst = (byUnit: ReadonlyMap<number, readonly Answered[]>, plan: StormPlan): Finding => {
  const differences: string[] = [];
  for (const [unit, answers] of byUnit) {
    const [a, b] = answers;
    if (!a || !b) differences.push(`${unit} was answered ${answers.length} times`);
    else if (!plan.conflicting.has(unit)) {
      if (!['accepted', 'refused'].includes(text(a.receipt, 'status'))) differences.push(`${unit}: ${JSON.stringify(a.receipt).slice(0, 200)}`);
      if (sameAnswer(a.receipt) !== sameAnswer(b.receipt)) differences.push(`${unit}: ${sameAnswer(a.receipt)} and ${sameAnswer(b.receipt)}`);
    }
  }
  return finding('every repeat is answered with the first answer: request id, orders, refusals', differences, `${byUnit.size} intents, each answered twice`);
};

const conflictsAreTold = (byUnit: ReadonlyMap<number, readonly Answered[]>, plan: StormPlan): Finding => {
  const differences = [...plan.conflicting].flatMap((unit) => {
    const receipts = (byUnit.get(unit) ?? []).map(({ receipt }) => receipt);
    const conflict = receipts.find((receipt) => text(receipt, 'status') === 'conflict');
    const first = receipts.find((receipt) => text(receipt, 'status') !== 'conflict');
    return conflict !== undefined && first !== undefined && text(conflict, 'recorded_digest') === text(first, 'digest') ? [] : [`${unit}: ${JSON.stringify(receipts).slice(0, 300)}`];
  });
  return finding('the same key with another body is a conflict, and the first stands', differences, `${plan.conflicting.size} of them`);
};

/** The publisher's own list of what was acknowledged, against the log: all of it is there, and nothing else. */
const acknowledgedIsRecorded = (log: Log, byUnit: ReadonlyMap<number, readonly Answered[]>): Finding => {
  const streams = log.streams('intent-');
  const keys = new Set<string>();
  const differences: string[] = [];
  for (const answers of byUnit.values()) {
    for (const { receipt } of answers) {
      if (!['accepted', 'refused'].includes(text(receipt, 'status'))) continue;
      const stream = `intent-${text(receipt, 'intent_key')}`;
      keys.add(stream);
      const [first] = streams.get(stream) ?? [];
      const wanted = text(receipt, 'status') === 'accepted' ? 'IntentAccepted' : 'IntentRefused';
      const legs = JSON.stringify(first?.type === 'IntentAccepted' ? list(first.data, 'legs').map((leg) => text(leg, 'order_id')) : []);
      if (first?.type !== wanted || text(first.data, 'request_id') !== text(receipt, 'request_id')) differences.push(`${stream}: ${wanted} ${text(receipt, 'request_id')} was acknowledged, ${first?.type ?? 'nothing'} is recorded`);
      else if (legs !== JSON.stringify(list(receipt, 'orders').map((leg) => text(leg, 'order_id')))) differences.push(`${stream} has other orders than were acknowledged`);
    }
  }
  const more = [...streams.keys()].filter((stream) => !keys.has(stream)).map((stream) => `${stream} was never acknowledged`);
  const twice = [...streams].filter(([, events]) => events.filter(({ type }) => type !== 'IntentConflicted').length !== 1).map(([stream]) => `${stream} holds several answers`);
  return finding('what was acknowledged is in the log, once, and nothing else is', [...differences, ...more, ...twice], `${keys.size} intents`);
};

const percentile = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** C: many intents, each twice, over both channels at once, into a market that stands open and limits that are tight. */
export const stormCase = (name: string, intents: number): CampaignCase => ({
  name: `storm-${name}`,
  title: `${intents.toLocaleString('en')} intents ${AT_A_TIME} at a time, each twice, over NATS and HTTP`,
  run: async (context) => {
    const file = join(context.dir, 'market.csv');
    writeMarket(file, context.random.fork('market'), OPEN_DAY);
    const plan = stormPlan(context.random.fork('intents'), intents);
    const system = new Standalone({ root: context.root, dataDir: join(context.dir, 'data'), market: `csv:${file}`, profile: 'bare', speed: SPEED, exit: false });
    return withSystem(system, async () => {
      await system.ready();
      const doors = new Doors(system);
      const beganMs = performance.now();
      const answered = await submitAll(doors, plan.submissions, context.say).finally(() => doors.close());
      const tookMs = performance.now() - beganMs;
      const byUnit = new Map<number, Answered[]>();
      for (const answer of answered) byUnit.set(answer.submission.unit, [...(byUnit.get(answer.submission.unit) ?? []), answer]);
      const legs = new Set(answered.flatMap(({ receipt }) => (text(receipt, 'status') === 'accepted' ? list(receipt, 'orders').map((leg) => text(leg, 'order_id')) : [])));
      context.say(`answered in ${(tookMs / 1_000).toFixed(1)} s; ${legs.size} orders to be settled`);
      const rest = await atRest(system, legs.size);
      context.say(`at rest ${((performance.now() - beganMs) / 1_000).toFixed(1)} s after the first submission`);
      const limits = limitsRespected(rest.log);
      const restarts = Object.entries(system.restarts()).filter(([, count]) => count > 0).map(([process, count]) => `${process} ${count} times`);
      const { code } = await system.stop();
      const left = await system.leftBehind();
      const orders = ordersOf(rest.log);
      const latencies = answered.map(({ tookMs: ms }) => ms).sort((a, b) => a - b);
      const repeats = answered.reduce((sum, { tries }) => sum + tries - 1, 0);
      return judged([
        repeatsGiveTheFirst(byUnit, plan), conflictsAreTold(byUnit, plan), acknowledgedIsRecorded(rest.log, byUnit), ...rest.findings, ...limits.findings,
        holds('limits were tight enough that many were denied', limits.decisions - limits.approved > intents / 20, `${limits.decisions - limits.approved} of ${limits.decisions} orders denied`),
        finding('no process ended meanwhile', restarts, 'none was restarted'),
        holds('it stops in order', code === 0, `exit code ${code}`), finding('nothing is left running', left, 'no process of it'),
      ], {
        intents, submissions: answered.length, 'by both channels at once': plan.together, conflicting: plan.conflicting.size,
        'submissions per second': Math.round(answered.length / (tookMs / 1_000)), 'answer p50 ms': Math.round(percentile(latencies, 0.5)), 'answer p99 ms': Math.round(percentile(latencies, 0.99)),
        'asked again': repeats, orders: countsText(countsBy(orders, ({ status }) => status)), 'denied for': countsText(limits.denials), events: rest.log.all.length,
      });
    });
  },
});
