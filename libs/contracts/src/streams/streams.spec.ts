import { describe, expect, it } from '@jest/globals';
import { EVENT_CATALOGUE } from '../events/catalogue.ts';
import * as streams from './streams.ts';

const { CATEGORIES, ID_TEXT, isUsableName, orderIdOfStream } = streams;

const named: Readonly<Record<keyof typeof CATEGORIES, string>> = {
  intent: streams.intentStream('x'), order: streams.orderStream('x'), riskGroup: streams.riskGroupStream('x', '2024-01-02'), venueReport: streams.venueReportStream('x', '2024-01-02'),
  quarantine: streams.quarantineStream('x'), reconciliation: streams.reconciliationStream('x'), policy: streams.policyStream('x'), instrument: streams.instrumentStream('x'),
  rate: streams.rateStream('x'), process: streams.processStream('x'), lease: streams.leaseStream('x', 'y'), kill: streams.killStream(), checkpoint: streams.checkpointStream('x'), anchor: streams.anchorStream('x'), audit: streams.auditStream('x'),
};

describe('stream categories', () => {
  it.each(Object.entries(CATEGORIES))('%s has writers, events and a purpose', (category, { writers, holds }) => {
    expect(writers.length).toBeGreaterThan(0);
    expect(new Set<string>(writers).size).toBe(writers.length);
    expect(holds).not.toBe('');
    expect(Object.keys(EVENT_CATALOGUE[category as keyof typeof EVENT_CATALOGUE]).length).toBeGreaterThan(0);
  });

  it.each(Object.entries(named))('%s: its streams begin with its prefix and with no other', (category, stream) => {
    const fitting = Object.entries(CATEGORIES).filter(([, { prefix }]) => stream.startsWith(prefix)).map(([name]) => name);
    expect(fitting).toEqual([category]);
  });

  it('are not begun by one another: a subscription to one must not get another', () => {
    const prefixes = Object.values(CATEGORIES).map(({ prefix }) => prefix);
    expect(prefixes.filter((a) => prefixes.some((b) => a !== b && a.startsWith(b)))).toEqual([]);
  });

  it('give back the order id of an order stream only', () => {
    expect(orderIdOfStream(streams.orderStream('abc'))).toBe('abc');
    expect(orderIdOfStream(streams.intentStream('order-abc'))).toBeUndefined();
  });
});

describe('names', () => {
  it.each(['a', 'A-1', '0_x', 'x'.repeat(64)])('may be %s', (name) => {
    expect(ID_TEXT.test(name) && isUsableName(name)).toBe(true);
  });

  it.each(['', '-a', '_a', 'a.b', 'a b', 'a>', 'a*', 'a/b', 'a\n', 'ä', 'x'.repeat(65), '$a', 'a:b'])('are refused: %j', (name) => {
    expect(ID_TEXT.test(name)).toBe(false);
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('of every object are refused: %s', (name) => {
    expect(isUsableName(name)).toBe(false);
  });
});
