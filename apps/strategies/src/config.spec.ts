import { describe, expect, it } from '@jest/globals';
import { readSettings } from './config.ts';

describe('settings of the example strategies', () => {
  it('name the strategy and let the environment say the rest', () => {
    const settings = readSettings(['signal', '--account', 'demo', '--servers', 'nats://x:1', '--symbols', 'SPY,IBM'], { TALLY_PARAMETERS: '{"slow": 20}' });
    expect(settings).toMatchObject({ kind: 'run', name: 'signal', env: { TALLY_STRATEGY: 'signal', TALLY_STRATEGY_VERSION: '1.0.0', TALLY_ACCOUNT: 'demo', TALLY_NATS_URL: 'nats://x:1' } });
  });

  it('keep the name the supervisor gives', () => {
    expect(readSettings(['rebalance'], { TALLY_STRATEGY: 'basket-eu', TALLY_STRATEGY_VERSION: '2.1.0' })).toMatchObject({ env: { TALLY_STRATEGY: 'basket-eu', TALLY_STRATEGY_VERSION: '2.1.0' } });
  });

  it.each([
    [[], {}, /name one strategy, rebalance or signal/],
    [['toString'], {}, /name one strategy/],
    [['signal', 'more'], {}, /name one strategy/],
    [['signal', '--nonsense'], {}, /nonsense/],
    [['signal'], { TALLY_PARAMETERS: 'not json' }, /TALLY_PARAMETERS is not JSON/],
    [['signal'], { TALLY_PARAMETERS: '[1]' }, /TALLY_PARAMETERS is not a JSON object/],
    [['signal'], { TALLY_PARAMETERS: '{"slwo": 20}' }, /slwo/],
    [['signal'], { TALLY_PARAMETERS: '{"fast": 30, "slow": 20}' }, /parameter fast: must be less than slow/],
    [['signal', '--ambition', '1.5'], {}, /parameter ambition/],
    [['rebalance', '--ambition', '0.5'], {}, /ambition/],
    [['rebalance'], { TALLY_PARAMETERS: '{"notional": "-1"}' }, /parameter notional/],
  ] as const)('refuse %j with %j', (args, env, problem) => {
    const settings = readSettings(args, env);
    expect(settings.kind === 'wrong' ? settings.problems.join('\n') : settings.kind).toMatch(problem);
  });
});
