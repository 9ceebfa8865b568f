import { describe, expect, it } from '@jest/globals';
import { HELP, readConfig } from './config.ts';

const good = { TALLY_VENUE_DATA_DIR: '/data', TALLY_VENUE_TOKENS: 'paper-1=secret-one,paper-2=secret-two', TALLY_VENUE_CONTROL_TOKEN: 'control-token' };
const problemsOf = (env: Record<string, string | undefined>): readonly string[] => {
  const read = readConfig({ ...good, ...env });
  return read.ok ? [] : read.problems;
};

describe('the paper venue\'s settings', () => {
  it('need a data directory and tokens, and have defaults for the rest', () => {
    expect(readConfig(good)).toEqual({
      ok: true,
      config: {
        port: 7410, host: '127.0.0.1', dataDir: '/data', market: 'simulated', marketOptions: {}, controlToken: 'control-token', feePerShare: '0.0035', dedupe: 'none',
        requestsPerSecond: undefined,
        accounts: [{ account: 'paper-1', token: 'secret-one', cash: '1000000' }, { account: 'paper-2', token: 'secret-two', cash: '1000000' }],
      },
    });
  });

  it('carry the market', () => {
    const read = readConfig({ ...good, TALLY_MARKET: 'lean:/d', TALLY_MARKET_DAY: '2013-10-08', TALLY_SEED: '9', TALLY_MARKET_SYMBOLS: 'SPY, IBM', TALLY_VENUE_PORT: '0' });
    expect(read.ok && [read.config.port, read.config.market, read.config.marketOptions]).toEqual([0, 'lean:/d', { day: '2013-10-08', seed: '9', symbols: ['SPY', 'IBM'] }]);
  });

  it.each([
    [{ TALLY_VENUE_DATA_DIR: '' }, /TALLY_VENUE_DATA_DIR is missing/],
    [{ TALLY_VENUE_TOKENS: '' }, /TALLY_VENUE_TOKENS is missing/],
    [{ TALLY_VENUE_TOKENS: 'a=short' }, /the token of a has fewer than 8 characters/],
    [{ TALLY_VENUE_TOKENS: 'secret-one' }, /an account is 1 to 64/],
    [{ TALLY_VENUE_TOKENS: 'a=secret-one,a=secret-two' }, /named twice/],
    [{ TALLY_VENUE_TOKENS: 'a=secret-one,b=secret-one' }, /two accounts have one token/],
    [{ TALLY_VENUE_CONTROL_TOKEN: 'secret-one' }, /also an account's token/],
    [{ TALLY_VENUE_CONTROL_TOKEN: undefined }, /TALLY_VENUE_CONTROL_TOKEN is missing/],
    [{ TALLY_VENUE_PORT: '70000' }, /TALLY_VENUE_PORT "70000"/],
    [{ TALLY_VENUE_PORT: 'http' }, /TALLY_VENUE_PORT "http"/],
    [{ TALLY_VENUE_DEDUPE: 'some' }, /neither none nor permanent/],
    [{ TALLY_VENUE_FEE_PER_SHARE: '-1' }, /TALLY_VENUE_FEE_PER_SHARE/],
    [{ TALLY_VENUE_CASH: '1e6' }, /TALLY_VENUE_CASH/],
    [{ TALLY_VENUE_REQUESTS_PER_SECOND: '0' }, /from 1 to 1000000/],
  ])('are refused: %j', (env, problem) => {
    const problems = problemsOf(env);
    expect(problems.join('\n')).toMatch(problem);
    expect(problems.join('\n')).not.toMatch(/secret-one/);
  });

  it('are all named by the help', () => {
    for (const name of ['TALLY_VENUE_PORT', 'TALLY_VENUE_DATA_DIR', 'TALLY_MARKET', 'TALLY_MARKET_DAY', 'TALLY_SEED', 'TALLY_VENUE_TOKENS', 'TALLY_VENUE_CONTROL_TOKEN']) {
      expect(HELP).toContain(name);
    }
  });
});
