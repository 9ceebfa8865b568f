import { describe, expect, it } from '@jest/globals';
import { evolveKill, killedBy, NO_KILL_SWITCH, type KillEvent, type KillState } from './kill.ts';

const order = { account: 'acc', strategy: 'strat', symbol: 'TALLY' };
const created: KillEvent = { type: 'KillSwitchCreated', data: { created_by: 'boot' } };
const engaged = (scope: string): KillEvent => ({ type: 'KillEngaged', data: { scope, reason: 'why', engaged_by: 'ana' } });
const lifted = (scope: string): KillEvent => ({ type: 'KillReleased', data: { scope, reason: 'over', released_by: ['ana', 'ben'] } });
const after = (...events: readonly KillEvent[]): KillState => events.reduce(evolveKill, NO_KILL_SWITCH);

describe('the kill switch', () => {
  it('that does not exist stops everything', () => {
    expect(killedBy(NO_KILL_SWITCH, order)).toBe('firm');
    expect(killedBy(after(created), order)).toBeUndefined();
  });

  it.each(['firm', 'account:acc', 'strategy:strat', 'instrument:TALLY'])('engaged for %s stops what is in it until it is released', (scope) => {
    expect(killedBy(after(created, engaged(scope)), order)).toBe(scope);
    expect(killedBy(after(created, engaged(scope), engaged(scope), lifted(scope)), order)).toBeUndefined();
  });

  it('engaged for others stops others', () => {
    expect(killedBy(after(created, engaged('account:other'), engaged('strategy:acc'), engaged('instrument:strat')), order)).toBeUndefined();
  });

  it('stays engaged for what was not released', () => {
    expect(killedBy(after(created, engaged('firm'), engaged('account:acc'), lifted('firm')), order)).toBe('account:acc');
  });
});
