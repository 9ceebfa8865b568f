import { describe, expect, it } from '@jest/globals';
import { decideEngage, decideRelease, RELEASE_WITHIN_MS } from './decide.ts';
import { canceledBy, evolveKill, killedBy, NO_KILL_SWITCH, type EngagedKill, type KillEvent, type KillMode, type KillState } from './kill.ts';
import { killProgress } from './report.ts';
import { parseKillScope } from './scope.ts';

const T0 = 1_381_240_800_000;
const order = { account: 'acc', strategy: 'strat', symbol: 'TALLY', venue: 'paper' };
const created: KillEvent = { type: 'KillSwitchCreated', data: { created_by: 'boot' } };
const kill = (scope: string, mode: KillMode = 'stop_new', killId = `kill of ${scope}`): EngagedKill =>
  ({ kill_id: killId, scope, mode, reason: 'why', engaged_by: 'operator:ana', via: 'api', requested_at_ms: T0 });
const engaged = (scope: string, mode?: KillMode, killId?: string): KillEvent => ({ type: 'KillEngaged', data: kill(scope, mode, killId) });
const lifted = (scope: string): KillEvent => ({ type: 'KillReleased', data: { kill_id: `kill of ${scope}`, scope, reason: 'over', released_by: ['operator:ana', 'operator:ben'] } });
const drilled: KillEvent = { type: 'KillDrilled', data: { kill_id: 'd', scope: 'firm', mode: 'stop_and_cancel', reason: 'monday', drilled_by: 'operator:ana', requested_at_ms: T0, orders: 3 } };
const after = (...events: readonly KillEvent[]): KillState => events.reduce(evolveKill, NO_KILL_SWITCH);

describe('the kill switch', () => {
  it('that does not exist stops everything', () => {
    expect(killedBy(NO_KILL_SWITCH, order)).toBe('firm');
    expect(killedBy(after(created), order)).toBeUndefined();
  });

  it('that does not exist is not made by engaging a part of it', () => {
    expect(killedBy(after(engaged('account:other')), order)).toBe('firm');
    expect(killedBy(after(engaged('account:other'), lifted('account:other')), order)).toBe('firm');
  });

  it.each(['firm', 'account:acc', 'strategy:strat', 'instrument:TALLY', 'venue:paper'])('engaged for %s stops what is in it until it is released', (scope) => {
    expect(killedBy(after(created, engaged(scope)), order)).toBe(scope);
    expect(killedBy(after(created, engaged(scope), engaged(scope), lifted(scope)), order)).toBeUndefined();
  });

  it('engaged for others stops others', () => {
    expect(killedBy(after(created, engaged('account:other'), engaged('strategy:acc'), engaged('instrument:strat'), engaged('venue:acc')), order)).toBeUndefined();
  });

  it('stays engaged for what was not released', () => {
    expect(killedBy(after(created, engaged('firm'), engaged('account:acc'), lifted('firm')), order)).toBe('account:acc');
  });

  it('stops nothing when it is drilled', () => {
    expect(after(created, drilled)).toEqual(after(created));
  });

  it('cancels under the modes that say so, however wide a weaker one is', () => {
    expect(canceledBy(after(created, engaged('firm')), order)).toBeUndefined();
    expect(canceledBy(after(created, engaged('firm'), engaged('strategy:strat', 'stop_and_cancel')), order)).toMatchObject({ scope: 'strategy:strat' });
    expect(canceledBy(after(created, engaged('strategy:other', 'stop_and_cancel')), order)).toBeUndefined();
  });
});

describe('a scope', () => {
  it.each(['firm', 'account:paper-1', 'strategy:basket', 'instrument:BTC/USD', 'venue:paper'])('%s is one', (text) => {
    expect(parseKillScope(text)).toMatchObject({ kind: text.split(':')[0] });
  });

  it.each(['', 'Firm', 'firm:all', 'account', 'account:', 'account:a b', 'desk:x', `account:${'a'.repeat(65)}`, 'account:a\nb'])('%j is none', (text) => {
    expect(parseKillScope(text)).toBeUndefined();
  });
});

describe('engaging', () => {
  it('is recorded where nothing is engaged, on a missing switch too', () => {
    expect(decideEngage(NO_KILL_SWITCH, kill('firm'))).toEqual({ kind: 'record', event: engaged('firm') });
  });

  it.each<[KillMode, KillMode]>([['stop_new', 'stop_new'], ['stop_and_cancel', 'stop_and_cancel'], ['stop_and_cancel', 'stop_new']])('what is engaged with %s by %s adds nothing', (first, second) => {
    expect(decideEngage(after(created, engaged('firm', first, 'first')), kill('firm', second, 'second'))).toEqual({ kind: 'already', kill: kill('firm', first, 'first') });
  });

  it('by a stronger mode is a kill of its own', () => {
    const state = after(created, engaged('firm', 'stop_new', 'first'));
    expect(decideEngage(state, kill('firm', 'stop_and_cancel', 'second'))).toMatchObject({ kind: 'record', event: { data: { kill_id: 'second' } } });
  });
});

describe('releasing', () => {
  const asked = (by: string, nowMs = T0) => ({ scope: 'firm', reason: 'repaired', by, nowMs });
  const proposedBy = (by: string, state = after(created, engaged('firm'))): KillState => {
    const decided = decideRelease(state, asked(by));
    if (decided.kind !== 'record') throw new Error(decided.refusal.code);
    return evolveKill(state, decided.event);
  };

  it('takes two people within fifteen minutes', () => {
    const proposed = proposedBy('operator:ana');
    expect(killedBy(proposed, order)).toBe('firm');
    expect(decideRelease(proposed, asked('operator:ben', T0 + RELEASE_WITHIN_MS))).toEqual({
      kind: 'record', event: { type: 'KillReleased', data: { kill_id: 'kill of firm', scope: 'firm', reason: 'repaired', released_by: ['operator:ana', 'operator:ben'] } } });
  });

  it('is refused to the same person, and to everybody who is none', () => {
    expect(decideRelease(proposedBy('operator:ana'), asked('operator:ana'))).toMatchObject({ kind: 'refused', refusal: { code: 'SAME_PERSON' } });
    for (const by of ['agent:claude', 'service:execution', 'file', 'ana']) expect(decideRelease(proposedBy('operator:ana'), asked(by))).toMatchObject({ refusal: { code: 'NOT_AN_OPERATOR' } });
  });

  it('begins anew when the first word has expired', () => {
    const late = T0 + RELEASE_WITHIN_MS + 1;
    expect(decideRelease(proposedBy('operator:ana'), asked('operator:ben', late))).toMatchObject({ event: { type: 'KillReleaseProposed', data: { proposed_by: 'operator:ben', expires_at_ms: late + RELEASE_WITHIN_MS } } });
  });

  it('begins anew when a stronger kill came after the first word', () => {
    const stronger = evolveKill(proposedBy('operator:ana'), engaged('firm', 'stop_and_cancel', 'second'));
    expect(decideRelease(stronger, asked('operator:ben'))).toMatchObject({ event: { type: 'KillReleaseProposed', data: { kill_id: 'second' } } });
  });

  it('is refused where nothing is engaged', () => {
    expect(decideRelease(after(created, engaged('account:acc')), asked('operator:ana'))).toMatchObject({ refusal: { code: 'KILL_NOT_ENGAGED' } });
  });
});

describe('the progress of a kill', () => {
  const acknowledged = [{ instance: 'execution-1', applied_at_ms: T0 }];
  const orders = (['CANCELED', 'NOT_SENT', 'FILLED', 'NOT_RECEIVED', 'WORKING', 'PARTIALLY_FILLED', 'IN_DOUBT', 'CLAIMED', 'APPROVED'] as const).map((status) => ({ order_id: status, status }));

  it('counts every order where it is and names what is left', () => {
    expect(killProgress('stop_and_cancel', acknowledged, orders)).toEqual({
      canceled: 1, withheld: 1, ended_otherwise: 2, working: 2, in_doubt: 2, waiting: 1, left: ['WORKING', 'PARTIALLY_FILLED', 'IN_DOUBT', 'CLAIMED', 'APPROVED'], complete: false });
  });

  it('leaves what works to itself where only new orders are stopped', () => {
    expect(killProgress('stop_new', acknowledged, orders).left).toEqual(['IN_DOUBT', 'CLAIMED', 'APPROVED']);
  });

  it('is complete when an executor has applied it and nothing is left', () => {
    const over = orders.slice(0, 4);
    expect(killProgress('stop_and_cancel', acknowledged, over).complete).toBe(true);
    expect(killProgress('stop_and_cancel', [], over).complete).toBe(false);
  });
});
