import { setTimeout as delay } from 'node:timers/promises';
import { judged, type CampaignCase, type CaseContext } from '../case.ts';
import { finding, holds, type Finding } from '../findings.ts';
import { text } from '../oracle/json.ts';
import { STRATEGY_INSTANCES, type Standalone } from '../system/standalone.ts';
import { runAfternoon, type AfternoonRun } from './afternoon.ts';
import { orderDifferences, referenceName } from './replay.ts';

export const VICTIMS = ['intents', 'risk', 'execution', 'fills', 'gateway', 'supervisor', 'rebalance', 'signal', 'paper-venue', 'nats-server', 'eventstore'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface PlannedKill {
  readonly victim: Victim;
  /** Part of the market's business time that is over when it is killed. */
  readonly at: number;
}

interface DoneKill extends PlannedKill {
  readonly seenAt: number;
}

/** Not before strategies trade and not so late that nothing happens any more. */
const EARLIEST = 0.1;
const LATEST = 0.9;
const LOOK_MS = 15;

/** One seeded moment for each victim, in the order in which they come. */
export const planKills = ({ random }: CaseContext, victims: readonly Victim[]): readonly PlannedKill[] =>
  victims.map((victim) => ({ victim, at: EARLIEST + random.fork(victim).next() * (LATEST - EARLIEST) })).sort((a, b) => a.at - b.at);

const fractionOf = async (system: Standalone): Promise<number | undefined> => {
  const market = await system.marketPosition();
  return market && (market.timeMs - market.startMs) / (market.endMs - market.startMs);
};

/** Kills each when its moment of business time has come. Ends when all are done, or with the system. */
const killThem = async (system: Standalone, plan: readonly PlannedKill[], done: DoneKill[], say: (text: string) => void): Promise<void> => {
  await system.ready();
  for (const planned of plan) {
    for (let killed = false; !killed && system.isRunning(); ) {
      const seenAt = await fractionOf(system);
      if (seenAt !== undefined && seenAt >= planned.at) killed = system.kill(planned.victim);
      if (killed) {
        done.push({ ...planned, seenAt: seenAt ?? planned.at });
        say(`kill -9 ${planned.victim} at ${((seenAt ?? 0) * 100).toFixed(1)} % of the market`);
      } else await delay(LOOK_MS);
    }
  }
};

/** Strategies keep their averages in memory: one that is killed needs its time to be its old self again. */
const FORGETFUL: readonly Victim[] = ['signal'];

/** Orders that only one of two runs has, of strategies that were not killed. */
const strangersTo = (killed: readonly Victim[], run: AfternoonRun, reference: AfternoonRun): readonly string[] => {
  const only = (some: AfternoonRun, other: AfternoonRun): AfternoonRun['orders'] => some.orders.filter(({ orderId }) => !other.orders.some((order) => order.orderId === orderId));
  return [...only(run, reference), ...only(reference, run)].filter(({ strategy }) => !killed.some((victim) => victim === strategy))
    .map(({ orderId, strategy }) => `${orderId} of ${strategy}, which was not killed, is in one of the runs only`);
};

const sameAsUndisturbed = (run: AfternoonRun, reference: AfternoonRun | undefined, killed: readonly Victim[]): Finding => {
  const claim = 'the digest is that of the undisturbed run, or the difference is explained';
  if (!reference) return holds(claim, true, `digest ${run.digest.slice(0, 16)}; no undisturbed run to compare with in this campaign`);
  if (run.digest === reference.digest) return holds(claim, true, `the same: ${run.digest.slice(0, 16)}`);
  const unsent = run.orders.filter(({ status }) => status === 'NOT_RECEIVED' || status === 'NOT_SENT');
  const differences = orderDifferences(reference.orders, run.orders);
  const why = [
    ...(unsent.length > 0 ? [`${unsent.length} orders ended ${[...new Set(unsent.map(({ status }) => status))].join(' and ')}`] : []),
    ...FORGETFUL.filter((victim) => killed.includes(victim)).map((victim) => `${victim} was killed and begins with empty averages`),
  ];
  // Forgetting explains what the forgetful one did otherwise, and no order of anybody else.
  const others = unsent.length > 0 ? [] : strangersTo(killed, run, reference);
  if (others.length > 0) return finding(claim, others, '');
  if (why.length === 0) return finding(claim, differences.length > 0 ? differences : [`${run.digest} where ${reference.digest} was expected`], '');
  return holds(claim, true, `${run.digest.slice(0, 16)} differs in ${differences.length} orders: ${why.join('; ')}`);
};

/** By the standalone's own count. Strategies are the supervisor's, and a replay does not end without them. */
const startedAgain = ({ summary }: AfternoonRun, killed: readonly Victim[]): Finding => {
  const watched = killed.filter((victim) => !(STRATEGY_INSTANCES as readonly string[]).includes(victim));
  return finding('each was started again by itself', watched.filter((victim) => Number(text(summary, 'restarts', victim)) < 1), watched.map((victim) => `${victim} ${text(summary, 'restarts', victim)}`).join(', ') || 'by the supervisor');
};

/** B: processes die by SIGKILL at business times drawn from the seed; the standalone starts them again. */
export const killCase = (name: string, marketSeed: string, victims: readonly Victim[]): CampaignCase => ({
  name: `kill-${name}`,
  title: `kill -9 of ${victims.join(', ')} during an afternoon`,
  run: async (context) => {
    const plan = planKills(context, victims);
    const done: DoneKill[] = [];
    const run = await runAfternoon(context, marketSeed, (system) => killThem(system, plan, done, context.say));
    const missed = plan.filter(({ victim }) => !done.some((kill) => kill.victim === victim)).map(({ victim, at }) => `${victim} at ${(at * 100).toFixed(1)} %`);
    const unsent = run.orders.filter(({ status }) => status === 'NOT_RECEIVED' || status === 'NOT_SENT').map(({ orderId, status, types }) => `${orderId} ${status} (${types.join(', ')})`);
    return judged([
      finding('every kill took place', missed, done.map(({ victim, seenAt }) => `${victim} at ${(seenAt * 100).toFixed(1)} %`).join(', ')),
      startedAgain(run, done.map(({ victim }) => victim)), ...run.findings, sameAsUndisturbed(run, context.shared.get(referenceName(marketSeed)) as AfternoonRun | undefined, done.map(({ victim }) => victim)),
    ], { ...run.figures, ...(unsent.length === 0 ? {} : { 'not sent or not received': unsent.join('; ') }) });
  },
});
