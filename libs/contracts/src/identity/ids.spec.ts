import { describe, expect, it } from '@jest/globals';
import type { Decision, Intent, OrderTerms } from '@tallystick/domain';
import { decisionDigestOf, factIdOf, INTENT_KEY, intentDigestOf, intentKeyOf, ORDER_ID, orderIdOf, PARTITIONS, partitionOf, payloadHashOf, type KeySeed } from './ids.ts';

const signal: KeySeed = { policy: 'signal', account: 'a', mode: 'paper', strategy: 's', signal_id: 'x', window: '2024-01-02T10:00' };
const order = { symbol: 'SPY', side: 'buy', qty: '10' };
const rebalance: KeySeed = { policy: 'rebalance', strategy: 's', rebalance_id: 'r', orders: [order] };
const explicit: KeySeed = { policy: 'explicit', strategy: 's', key: 'k' };

const intent: Intent = {
  intent_key: 'k', key_policy: 'explicit', strategy: { id: 's', version: '1' }, account: 'a', mode: 'paper', constraints: {}, remainder: { kind: 'wait' }, reason: 'why', market_sequence: 4,
  orders: [{ symbol: 'SPY', side: 'buy', qty: '10', order_type: 'limit', time_in_force: 'DAY', limit_price: '5' }],
};
const [leg] = intent.orders;
if (!leg) throw new Error('no leg');

// A change of any value below loses the memory of which intents and orders have been seen: never change one.
describe('ids of release 0.1', () => {
  it.each([
    [signal, '7791785a9521bcefa9fe3059b565c2394475cbc58c98947b8a9f57e8e308cdeb'],
    [rebalance, '3b53156cb3c66a37012fc9c9cdf1be7d9358dd624db9af3437c2c1364b3098ee'],
    [explicit, 'a1d8ecd350f60f51ce13243d254ac9fb1c7d593ce19b7384d6ec5d9b9c7bcaf9'],
  ])('has the key of $policy', (seed, key) => {
    expect(intentKeyOf(seed)).toBe(key);
  });

  it('has the order id, the digest and the fact id', () => {
    expect({ order: orderIdOf('k', 0), digest: intentDigestOf(intent), fact: factIdOf('order-1', 'cause', 0) }).toEqual({ order: 'oungcgq5ypmktw6gbvg5slgino7h6ehd', digest: '1dccbdf938e48f6d983ffd8d8bb7ad1da66a8a3df8b139543137fd18931d47f8', fact: 'f197a916-bee1-8ce3-8a98-d201fdca7083' });
  });

  it('has the partitions', () => {
    expect(['main', 'a', 'b', 'c', 'group-1', ''].map(partitionOf)).toEqual([4, 13, 0, 13, 8, 6]);
  });
});

describe('intent keys', () => {
  it('are 64 hex digits, the same for the same seed, another for every member of it', () => {
    const seeds: KeySeed[] = [
      signal, { ...signal, account: 'b' }, { ...signal, mode: 'live' }, { ...signal, strategy: 't' }, { ...signal, signal_id: 'y' }, { ...signal, window: 'w' },
      rebalance, { ...rebalance, strategy: 't' }, { ...rebalance, rebalance_id: 'q' }, { ...rebalance, orders: [{ ...order, symbol: 'AAPL' }] }, { ...rebalance, orders: [{ ...order, side: 'sell' }] },
      { ...rebalance, orders: [{ ...order, qty: '11' }] }, { ...rebalance, orders: [order, order] }, explicit, { ...explicit, strategy: 't' }, { ...explicit, key: 'l' },
    ];
    const keys = seeds.map(intentKeyOf);
    expect(new Set(keys).size).toBe(seeds.length);
    expect(keys.filter((key) => !INTENT_KEY.test(key))).toEqual([]);
    expect(seeds.map((seed) => intentKeyOf({ ...seed }))).toEqual(keys);
  });

  it('do not run together at the borders of their parts', () => {
    expect(intentKeyOf({ ...signal, account: 'ab', mode: 'c' })).not.toBe(intentKeyOf({ ...signal, account: 'a', mode: 'bc' }));
    expect(intentKeyOf({ ...explicit, strategy: 'a', key: 'bc' })).not.toBe(intentKeyOf({ ...explicit, strategy: 'ab', key: 'c' }));
  });

  it('know one quantity by one value, however it is spelled', () => {
    const spelled = (qty: string) => intentKeyOf({ ...rebalance, orders: [{ ...order, qty }] });
    expect(new Set(['10', '10.0', '10.000'].map(spelled)).size).toBe(1);
    expect(spelled('10.1')).not.toBe(spelled('10'));
  });
});

describe('the digest of an intent', () => {
  it('does not depend on the reason or on the market step', () => {
    expect(intentDigestOf({ ...intent, reason: 'another', market_sequence: 9 })).toBe(intentDigestOf(intent));
  });

  it.each<[string, Partial<Intent>]>([
    ['quantity', { orders: [{ ...leg, qty: '11' }] }],
    ['price', { orders: [{ ...leg, limit_price: '5.01' }] }],
    ['a price more', { orders: [{ ...leg, stop_price: '5' }] }],
    ['side', { orders: [{ ...leg, side: 'sell' }] }],
    ['order', { orders: [leg, leg] }],
    ['constraints', { constraints: { max_slippage_bps: '1' } }],
    ['remainder', { remainder: { kind: 'cancel_after', after_ms: 1 } }],
    ['account', { account: 'b' }],
    ['mode', { mode: 'live' }],
    ['strategy version', { strategy: { id: 's', version: '2' } }],
    ['portfolio', { portfolio: 'p' }],
  ])('depends on the %s', (_what, change) => {
    expect(intentDigestOf({ ...intent, ...change })).not.toBe(intentDigestOf(intent));
  });
});

describe('order ids', () => {
  it('are 32 lower-case base32 characters, one per leg', () => {
    const ids = Array.from({ length: 50 }, (_, i) => orderIdOf(intentKeyOf(explicit), i));
    expect(ids.filter((id) => !ORDER_ID.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(50);
    expect(orderIdOf('k', 11)).not.toBe(orderIdOf('k1', 1));
  });
});

describe('what is signed and sent', () => {
  const terms = { order_id: 'o', qty: '1' } as unknown as OrderTerms;
  const decision = { decision_id: 'd', outcome: 'approved', checks: [] } as unknown as Decision;

  it('is signed without its signature, and with its terms', () => {
    const digest = decisionDigestOf(terms, decision);
    expect(decisionDigestOf(terms, { ...decision, signature: { key_id: 'k', value: 'v' } })).toBe(digest);
    expect(decisionDigestOf({ ...terms, qty: '2' }, decision)).not.toBe(digest);
    expect(decisionDigestOf(terms, { ...decision, outcome: 'denied' })).not.toBe(digest);
  });

  it('is hashed byte by byte', () => {
    const request = { method: 'POST', path: '/orders', body: '{"a":1}' };
    const hashes = [request, { ...request, method: 'PUT' }, { ...request, path: '/order' }, { ...request, body: '{"a": 1}' }, { method: 'POST', path: '/orders{', body: '"a":1}' }].map(payloadHashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('fact ids', () => {
  it('are the same on every retry and another for every part', () => {
    expect(factIdOf('s', 'c', 0)).toBe(factIdOf('s', 'c', 0));
    expect(new Set([factIdOf('s', 'c', 0), factIdOf('s', 'c', 1), factIdOf('t', 'c', 0), factIdOf('s', 'd', 0), factIdOf('sc', '', 0)]).size).toBe(5);
  });
});

describe('partitions', () => {
  it('are spread over all of them', () => {
    const hit = new Set(Array.from({ length: 1000 }, (_, i) => partitionOf(`group-${i}`)));
    expect([...hit].sort((a, b) => a - b)).toEqual(Array.from({ length: PARTITIONS }, (_, i) => i));
  });
});
