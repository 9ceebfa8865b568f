import { describe, expect, it } from '@jest/globals';
import { killedBy, NO_KILL_SWITCH, type KillState } from '@tallystick/domain';
import { parseKillFile, WHOLE_FIRM, withFile } from './kill-file.ts';

describe('a kill file', () => {
  it.each([
    ['{"scopes":["account:paper-1","venue:paper"],"mode":"stop_and_cancel"}', [{ scope: 'account:paper-1', mode: 'stop_and_cancel' }, { scope: 'venue:paper', mode: 'stop_and_cancel' }]],
    ['{"scopes":["strategy:basket"]}', [{ scope: 'strategy:basket', mode: 'stop_new' }]],
    ['{"mode":"stop_and_cancel"}', [{ scope: 'firm', mode: 'stop_and_cancel' }]],
    ['account:paper-1\n# by hand\n  strategy:basket stop_and_cancel # runs away\n', [{ scope: 'account:paper-1', mode: 'stop_new' }, { scope: 'strategy:basket', mode: 'stop_and_cancel' }]],
  ])('%j names what it stops', (text, kills) => {
    expect(parseKillFile(text)).toEqual(kills);
  });

  it.each(['', '\n', '# nothing', 'stop!', 'account:paper-1\naccuont:paper-2', 'account:paper-1 now', 'account:paper-1 stop_new twice', '{', '{"scopes":[]}', '{"scopes":["account:paper-1",7]}', '{"scopes":["firm"],"mode":"flatten"}', '[]', 'null'])(
    '%j cannot be read as that, and stops the firm', (text) => {
      expect(parseKillFile(text)).toEqual(WHOLE_FIRM);
    });

  it('stops beside the log, and a switch that is missing stays missing', () => {
    const order = { account: 'acc', strategy: 's', symbol: 'SPY', venue: 'paper' };
    const free: KillState = { ...NO_KILL_SWITCH, exists: true };
    expect(killedBy(withFile(free, []), order)).toBeUndefined();
    expect(killedBy(withFile(free, parseKillFile('account:acc')), order)).toBe('account:acc');
    expect(killedBy(withFile(NO_KILL_SWITCH, parseKillFile('account:other')), order)).toBe('firm');
  });
});
