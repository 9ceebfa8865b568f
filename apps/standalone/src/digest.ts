import { createHash } from 'node:crypto';
import { canonicalJson } from '@tallystick/contracts';
import { decimalText, failedChecks, type OrderState } from '@tallystick/domain';
import type { Ledger } from './fold.ts';

/**
 * One order as far as it must be the same in every replay. Without times of this machine, random ids and signatures; and without the
 * venue's numbers, which follow the order of arrival between orders that do not touch each other.
 */
const canonicalOrder = (orderId: string, { terms, decision, status, fills }: OrderState): string =>
  canonicalJson({
    order_id: orderId,
    terms: terms ?? null,
    outcome: decision?.outcome ?? null,
    denied_for: decision === undefined ? [] : failedChecks(decision).map(({ code, scope }) => `${code} ${scope}`).sort(),
    status,
    fills: [...fills.values()].map((fill) => [decimalText(fill.qty), decimalText(fill.price), decimalText(fill.fee), fill.busted]),
  }).toString();

/** sha256 over order ids, terms, outcomes of decisions and fills, orders by their id: two runs on the same data and seed have the same. */
export const replayDigest = (ledger: Ledger): string => {
  const hash = createHash('sha256');
  for (const [orderId, state] of [...ledger.orders].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${canonicalOrder(orderId, state)}\n`);
  return hash.digest('hex');
};
