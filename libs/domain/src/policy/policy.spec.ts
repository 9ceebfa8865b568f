import { describe, expect, it } from '@jest/globals';
import { activationOf, documentOf } from '../testing/risk-fixtures.ts';
import type { Mode } from '../intent/intent.ts';
import { evolvePolicy, mayTrade, NO_POLICY, type PolicyActivation, type PolicyState } from './policy.ts';

const version = (sequence: number, hash = `hash-${sequence}`): PolicyActivation => activationOf(documentOf(), { sequence, policy_hash: hash });
const after = (...activations: readonly PolicyActivation[]): PolicyState => activations.reduce((state: PolicyState, data) => evolvePolicy(state, { type: 'PolicyActivated', data }), NO_POLICY);

describe('the policy in force', () => {
  it('is none, then the newest', () => {
    expect(NO_POLICY.active).toBeUndefined();
    expect(after(version(1)).active?.policy_hash).toBe('hash-1');
    expect(after(version(1), version(2), version(7)).active?.policy_hash).toBe('hash-7');
  });

  it('is not replaced by an older one, nor by another under its own number', () => {
    expect(after(version(2), version(1)).active?.policy_hash).toBe('hash-2');
    expect(after(version(2), version(2, 'forged')).active?.policy_hash).toBe('hash-2');
  });
});

describe('live trading', () => {
  it.each<readonly [document: Mode, key: Mode, order: Mode, allowed: boolean]>([
    ['paper', 'paper', 'paper', true], ['paper', 'live', 'paper', true], ['paper', 'live', 'live', false], ['paper', 'paper', 'live', false],
    ['live', 'live', 'live', true], ['live', 'paper', 'live', false], ['live', 'live', 'paper', false], ['live', 'paper', 'paper', false],
  ])('a %s policy signed by a %s key, for a %s order: %s', (mode, key_scope, order, allowed) => {
    expect(mayTrade(activationOf(documentOf({ mode }), { key_scope }), order)).toBe(allowed);
  });
});
