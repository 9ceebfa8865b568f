import { decimal, decimalText, type Decision, type Intent, type OrderTerms, type PolicyDocument } from '@tallystick/domain';
import { base32, canonicalJson, digestOf, hashOf, uuidOf } from './canonical.ts';

/** How an intent's key is made; each gives the same key for the same business fact, however often it is sent. */
export type KeySeed =
  /** One key per signal of a strategy in a window of the signal's own time. */
  | { readonly policy: 'signal'; readonly account: string; readonly mode: string; readonly strategy: string; readonly signal_id: string; readonly window: string }
  /** sha256(strategy, rebalance, symbol, side, target quantity), the last three for each order of the basket in turn. `10` and `10.0` are one quantity. */
  | { readonly policy: 'rebalance'; readonly strategy: string; readonly rebalance_id: string; readonly orders: readonly { readonly symbol: string; readonly side: string; readonly qty: string }[] }
  | { readonly policy: 'explicit'; readonly strategy: string; readonly key: string };

/** 64 lower-case hex digits. An explicit key is scoped by its strategy, so that two strategies cannot collide. */
export const intentKeyOf = (seed: KeySeed): string => {
  switch (seed.policy) {
    case 'signal':
      return hashOf('tallystick/intent-key/signal/v1', seed.account, seed.mode, seed.strategy, seed.signal_id, seed.window);
    case 'rebalance':
      return hashOf('tallystick/intent-key/rebalance/v1', seed.strategy, seed.rebalance_id,
        ...seed.orders.flatMap((order) => [order.symbol, order.side, decimalText(decimal(order.qty))]));
    case 'explicit':
      return hashOf('tallystick/intent-key/explicit/v1', seed.strategy, seed.key);
  }
};

/** Digest of what an intent asks for. `reason` and transport fields, `market_sequence` among them, are out. */
export const intentDigestOf = (intent: Intent): string => {
  const { reason: _reason, market_sequence: _sequence, ...rest } = intent;
  return hashOf('tallystick/intent/v1', canonicalJson(rest));
};

/** 32 lower-case base32 characters (160 bits): fits every venue's client order id that we know of. */
export const orderIdOf = (intentKey: string, leg: number): string =>
  base32(digestOf('tallystick/order-id/v1', intentKey, String(leg)).subarray(0, 20));

export const ORDER_ID = /^[a-z2-7]{32}$/;
export const INTENT_KEY = /^[0-9a-f]{64}$/;

export const policyHashOf = (document: PolicyDocument): string => hashOf('tallystick/policy/v1', canonicalJson(document));

/** What the risk service signs and execution verifies: the terms and the whole decision without its signature. */
export const decisionDigestOf = (terms: OrderTerms, decision: Decision): string => {
  const { signature: _signature, ...unsigned } = decision;
  return hashOf('tallystick/decision/v1', canonicalJson(terms), canonicalJson(unsigned));
};

export const payloadHashOf = (request: { readonly method: string; readonly path: string; readonly body: string }): string =>
  hashOf('tallystick/venue-payload/v1', request.method, request.path, request.body);

/** Id of a fact: what it says, and what made it be said. The same on every retry. */
export const factIdOf = (stream: string, cause: string, part: number): string => uuidOf('tallystick/fact/v1', stream, cause, String(part));

/** 16 are enough for one machine and for a cluster of some; a risk group never moves between them. */
export const PARTITIONS = 16;

export const partitionOf = (riskGroup: string): number => (digestOf('tallystick/partition/v1', riskGroup)[0] ?? 0) % PARTITIONS;
