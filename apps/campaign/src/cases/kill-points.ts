import { FAILPOINTS, type FailpointName } from '@tallystick/services';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { judged, type CampaignCase } from '../case.ts';
import { finding, holds, type Finding } from '../findings.ts';
import { OPEN_DAY, writeMarket } from '../market/generate.ts';
import { list, text } from '../oracle/json.ts';
import { orderOf, TERMINAL } from '../oracle/orders.ts';
import { processesOf } from '../system/proc.ts';
import { Standalone, STRATEGY_INSTANCES } from '../system/standalone.ts';
import { ask } from '../wire/http.ts';
import { atRest, withSystem } from './at-rest.ts';
import { Doors } from './doors.ts';
import { goodIntent } from './hostile-bodies.ts';

/** What is done to come to a point, and how the order then has to end. */
type Work = 'order' | 'cancel' | 'strategy';

interface Scenario {
  /** Points of one service in the order in which they are reached; those of one scenario follow from each other. */
  readonly points: readonly FailpointName[];
  readonly work: Work;
  /** At which passing of the point, counted from the start of the process; default the first. */
  readonly hit?: number;
  readonly ends: 'FILLED' | 'NOT_RECEIVED' | 'CANCELED' | undefined;
}

const filled = (point: FailpointName): Scenario => ({ points: [point], work: 'order', ends: 'FILLED' });

/** A system each, so that no service dies so often that its next start is long in coming. */
const GROUPS: Readonly<Record<string, readonly Scenario[]>> = {
  before: [
    // First of all: what it passes when it starts are the snapshots of the two accounts, and nothing else is in the log yet.
    { ...filled('fills.applied'), hit: 3 },
    filled('intents.appended'), filled('risk.decided'), filled('risk.copied'),
    { points: ['supervisor.intended', 'supervisor.spawned'], work: 'strategy', ends: undefined },
  ],
  claim: [
    filled('execution.claiming'),
    // Asked about, and the answer lost as well: the second question ends it.
    { points: ['execution.claimed', 'execution.queried'], work: 'order', ends: 'NOT_RECEIVED' },
  ],
  after: [filled('execution.answered'), filled('execution.reported'), { points: ['execution.cancel-claimed'], work: 'cancel', ends: 'CANCELED' }],
};

export const uncoveredPoints = (): readonly string[] => {
  const covered = new Set<string>(Object.values(GROUPS).flatMap((scenarios) => scenarios.flatMap(({ points }) => points)));
  return Object.keys(FAILPOINTS).filter((point) => !covered.has(point));
};

const serviceOf = (point: string): string => point.split('.')[0] ?? '';

/** For each service, the points of its starts: every scenario is led in by a start without any, which the campaign ends itself. */
const armedStarts = (scenarios: readonly Scenario[]): Readonly<Record<string, string>> => {
  const starts = new Map<string, string[]>();
  for (const { points, hit = 1 } of scenarios) {
    const service = serviceOf(points[0] ?? '');
    starts.set(service, [...(starts.get(service) ?? []), '', ...points.map((point) => `${point}=kill@${hit}`)]);
  }
  return Object.fromEntries([...starts].map(([service, all]) => [`TALLY_FAILPOINTS_${service.toUpperCase()}`, all.join(';')]));
};

interface Tried {
  readonly scenario: Scenario;
  readonly orderId: string;
  readonly diedAt: readonly string[];
}

const DEATH_MS_MAX = 45_000;
const END_MS_MAX = 60_000;

const restartsOf = (system: Standalone, service: string): number => system.restarts()[service] ?? 0;

const statusOf = async (system: Standalone, orderId: string): Promise<string> => {
  const { body } = await ask({ method: 'GET', url: `${system.gatewayUrl()}/v1/orders/${orderId}`, headers: { authorization: `Bearer ${text(system.secrets(), 'operator_token')}` } });
  return text(body, 'order', 'status') || text(body, 'status');
};

/** An order far from the market where it is to be cancelled, at the market otherwise; gives its id. */
const begin = async (system: Standalone, doors: Doors, { work, points }: Scenario): Promise<string> => {
  const order = { symbol: 'BAC', side: 'buy', qty: '10', order_type: 'market', time_in_force: 'DAY', ...(work === 'cancel' ? { order_type: 'limit', limit_price: '13.30' } : {}) };
  const key = `point ${points.join(' ')}`;
  const { receipt } = await doors.submit('nats', { strategy: 'manual', key, body: JSON.stringify(goodIntent(key, { orders: [order] })) });
  const orderId = text(list(receipt, 'orders')[0], 'order_id');
  if (work !== 'cancel') return orderId;
  await system.until('the order to rest', END_MS_MAX, async () => ((await statusOf(system, orderId)) === 'WORKING' ? true : undefined));
  const asked = await ask({
    method: 'POST', url: `${system.gatewayUrl()}/v1/orders/${orderId}/cancel`, body: JSON.stringify({ version: 1, reason: 'campaign' }),
    headers: { authorization: `Bearer ${doors.token}`, 'content-type': 'application/json', 'idempotency-key': `cancel ${orderId}` },
  });
  if (asked.status !== 202 && asked.status !== 200) throw new Error(`the cancel was not taken: ${asked.status} ${asked.text.slice(0, 200)}`);
  return orderId;
};

/** Arms the service by ending its unarmed start, does the work, and waits until it has died at each point and is back. */
const attempt = async (system: Standalone, doors: Doors, scenario: Scenario, say: (text: string) => void): Promise<Tried> => {
  const service = serviceOf(scenario.points[0] ?? '');
  const before = restartsOf(system, service);
  system.kill(service);
  await system.until(`${service} to be started armed`, DEATH_MS_MAX, () => (restartsOf(system, service) > before ? true : undefined));
  await system.readyAgain(service);
  const armed = before + 1;
  const working = scenario.work === 'strategy' ? Promise.resolve(system.kill('rebalance')).then(() => '') : begin(system, doors, scenario);
  const diedAt: string[] = [];
  for (const [index, point] of scenario.points.entries()) {
    const died = await system.until(`${service} to die at ${point}`, DEATH_MS_MAX, () => (restartsOf(system, service) > armed + index ? true : undefined)).catch(() => false);
    if (died) diedAt.push(point);
    else break;
  }
  const orderId = await working;
  await system.readyAgain(service);
  if (orderId !== '') {
    await system.until(`the order to end after ${scenario.points.join(' and ')}`, END_MS_MAX, async () => {
      await delay(100);
      return TERMINAL.has(await statusOf(system, orderId)) ? true : undefined;
    });
  }
  say(`${scenario.points.join(' and ')}: ${orderId === '' ? 'the supervisor is back' : await statusOf(system, orderId)}`);
  return { scenario, orderId, diedAt };
};

const strategiesOnce = async (system: Standalone): Promise<Finding> => {
  const count = (instance: string): number => processesOf(system.dataDir).filter(({ env, command }) => env.get('TALLY_INSTANCE') === instance && env.has('TALLY_RUN_ID') && command.includes('strategies')).length;
  const isOnce = (): boolean => STRATEGY_INSTANCES.every((instance) => count(instance) === 1);
  await system.until('each strategy to run once', END_MS_MAX, () => (isOnce() ? true : undefined)).catch(() => undefined);
  return finding('each strategy runs, and in one process only', STRATEGY_INSTANCES.filter((instance) => count(instance) !== 1).map((instance) => `${instance} runs ${count(instance)} times`), STRATEGY_INSTANCES.join(', '));
};

/** E: a process dies exactly between two steps; what it was at ends once, or not at all on the venue's evidence. */
const groupCase = (group: string, scenarios: readonly Scenario[]): CampaignCase => ({
  name: `point-${group}`,
  together: 'points',
  title: `SIGKILL at ${scenarios.flatMap(({ points }) => points).join(', ')}`,
  run: async (context) => {
    const file = join(context.dir, 'market.csv');
    writeMarket(file, context.random.fork('market'), { ...OPEN_DAY, calm: true });
    const withStrategies = scenarios.some(({ work }) => work === 'strategy');
    const system = new Standalone({
      root: context.root, dataDir: join(context.dir, 'data'), market: `csv:${file}`, profile: withStrategies ? 'demo' : 'bare', speed: '1', exit: false, env: armedStarts(scenarios),
    });
    return withSystem(system, async () => {
      await system.ready();
      const doors = new Doors(system);
      const tried: Tried[] = [];
      try {
        for (const scenario of scenarios) tried.push(await attempt(system, doors, scenario, context.say));
      } finally {
        doors.close();
      }
      const strategies = withStrategies ? [await strategiesOnce(system)] : [];
      const rest = await atRest(system, tried.filter(({ orderId }) => orderId !== '').length);
      const { code } = await system.stop();
      const left = await system.leftBehind();
      const ends = tried.filter(({ orderId }) => orderId !== '').map(({ scenario, orderId }): Finding => {
        const order = orderOf(orderId, rest.log.stream(`order-${orderId}`));
        const fills = order.fills.length;
        const right = order.status === scenario.ends && (scenario.ends === 'FILLED' ? fills > 0 : fills === 0);
        return holds(`killed at ${scenario.points.join(' and ')}, the order ends ${scenario.ends}`, right, `${order.status} with ${fills} fills: ${order.types.join(', ')}`);
      });
      const missed = tried.flatMap(({ scenario, diedAt }) => scenario.points.filter((point) => !diedAt.includes(point)).map((point) => `${point} was never reached`));
      return judged([
        finding('each process died at its point', missed, tried.flatMap(({ diedAt }) => diedAt).join(', ')), ...ends, ...strategies,
        finding('every named point has a scenario', uncoveredPoints(), `${Object.keys(FAILPOINTS).length} points`), ...rest.findings,
        holds('it stops in order', code === 0, `exit code ${code}`), finding('nothing is left running', left, 'no process of it'),
      ], { points: tried.flatMap(({ diedAt }) => diedAt).length });
    });
  },
});

export const killPointCases = (): readonly CampaignCase[] => Object.entries(GROUPS).map(([group, scenarios]) => groupCase(group, scenarios));
