import { describe, expect, it } from '@jest/globals';
import { parseOptions } from './options.ts';

const options = (...args: string[]) => {
  const parsed = parseOptions(args);
  return parsed.ok ? parsed.options : parsed.detail;
};

describe('the command line of the bench', () => {
  it('measures everything, the services in one process, when nothing is said', () => {
    expect(options()).toEqual({ json: false, quick: false, only: ['pipeline', 'outbox', 'growth', 'store'], rounds: 5, topologies: ['one'] });
  });

  it('takes what it documents', () => {
    expect(options('--json', '--quick', '--only', 'growth', '--only=outbox')).toMatchObject({ json: true, quick: true, only: ['growth', 'outbox'], rounds: 3 });
    expect(options('--topology', 'both', '--rounds', '7')).toMatchObject({ topologies: ['one', 'processes'], rounds: 7 });
    expect(options('--help')).toBe('help');
  });

  it('profiles the product alone', () => {
    expect(options('--profile', '/tmp/p', '--only', 'growth')).toMatchObject({ profileDir: '/tmp/p', only: ['pipeline'] });
  });

  it.each([['--fast'], ['--only', 'nothing'], ['--only'], ['--rounds', '0'], ['--rounds', 'many'], ['--topology', 'three'], ['--profile']])('refuses %s %s by name', (...args) => {
    expect(options(...args)).toContain(args[0] === '--fast' ? '--fast' : String(args[0]));
  });
});
