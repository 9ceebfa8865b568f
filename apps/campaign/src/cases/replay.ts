import { judged, type CampaignCase } from '../case.ts';
import { finding, holds } from '../findings.ts';
import type { OracleOrder } from '../oracle/orders.ts';
import { runAfternoon } from './afternoon.ts';

export const orderText = ({ orderId, account, symbol, side, qty, status, fills }: OracleOrder): string =>
  [orderId, account, symbol, side, qty, status, ...fills.map((fill) => `${fill.qty}@${fill.price}`)].join(' ');

/** What is different between two runs, order by order: id, terms, final state and fills. */
export const orderDifferences = (some: readonly OracleOrder[], others: readonly OracleOrder[]): readonly string[] => {
  const theirs = new Map(others.map((order) => [order.orderId, order]));
  const ours = new Set(some.map(({ orderId }) => orderId));
  return [
    ...some.flatMap((order) => {
      const other = theirs.get(order.orderId);
      if (other === undefined) return [`${order.orderId} (${order.strategy}) is in the first only`];
      return orderText(order) === orderText(other) ? [] : [`${order.orderId} (${order.strategy}): ${order.status} with ${order.fills.length} fills, and ${other.status} with ${other.fills.length}`];
    }),
    ...others.filter(({ orderId }) => !ours.has(orderId)).map(({ orderId, strategy }) => `${orderId} (${strategy}) is in the second only`),
  ];
};

export const referenceName = (marketSeed: string): string => `afternoon/${marketSeed}`;

/** A: the same market twice is the same orders, decisions and fills; and log, book, checks and read models agree each time. */
export const replayCase = (marketSeed: string): CampaignCase => ({
  name: `replay-${marketSeed}`,
  title: 'one afternoon twice: the same orders and fills, everything in agreement',
  run: async (context) => {
    const first = await runAfternoon(context, marketSeed, () => Promise.resolve());
    context.shared.set(referenceName(marketSeed), first);
    context.say(`first run: ${first.figures['orders'] ?? ''}, ${first.figures['fills'] ?? ''} fills`);
    const second = await runAfternoon(context, marketSeed, () => Promise.resolve());
    const partly = Number(first.figures['filled in parts'] ?? 0);
    return judged([
      ...first.findings, ...second.findings,
      holds('both runs have one digest', first.digest !== '' && first.digest === second.digest, `${first.digest.slice(0, 16)} and ${second.digest.slice(0, 16)}`),
      finding('both runs have the same orders and fills, by this campaign\'s own comparison', orderDifferences(first.orders, second.orders), `${first.orders.length} orders`),
      holds('the market led to partial fills', partly > 0, `${partly} orders filled in parts`),
    ], first.figures);
  },
});
