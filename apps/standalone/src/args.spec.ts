import { describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions, speedFor, type Options } from './args.ts';
import { Refusal } from './refusal.ts';

const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'standalone-args-')));
mkdirSync(join(cwd, 'days'));
writeFileSync(join(cwd, 'quotes.csv'), '');
const read = (...args: readonly string[]): Options => readOptions(args, { cwd, root: '/project' });
const refusal = (...args: readonly string[]): string => {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof Refusal && error.exitCode === 2) return error.message;
    throw error;
  }
  return 'taken';
};

describe('the arguments of a start', () => {
  it('has defaults for all: the demo in the project\'s own data directory, on the gateway\'s usual port', () => {
    expect(read()).toEqual({ dataDir: '/project/.data', fresh: false, port: 8787, profile: 'demo', exit: false, json: false, inProcess: false, help: false });
  });

  it('takes values behind a space or an equals sign, and relative paths as seen by the caller', () => {
    expect(read('--market', 'lean:days', '--day=2013-10-08', '--speed', 'max', '--exit', '--data', 'trial')).toMatchObject({
      market: `lean:${join(cwd, 'days')}`, day: '2013-10-08', speed: 'max', exit: true, dataDir: join(cwd, 'trial') });
    expect(read('--market=csv:quotes.csv', '--symbols', 'SPY,BRK.B')).toMatchObject({ market: `csv:${join(cwd, 'quotes.csv')}`, symbols: 'SPY,BRK.B' });
  });

  it.each([
    [['--marekt', 'simulated'], 'unknown option --marekt; did you mean --market?'],
    [['--spedd=max'], 'unknown option --spedd; did you mean --speed?'],
    [['--zzzzzz'], 'unknown option --zzzzzz (see --help)'],
    [['fresh'], 'unexpected argument fresh; did you mean --fresh?'],
    [['--profile', 'bara'], '--profile bara is neither demo nor bare; did you mean bare?'],
    [['--port', '70000'], '--port 70000 is not a port'],
    [['--port', '80x'], '--port 80x is not a port'],
    [['--speed', 'fast'], '--speed fast is neither max nor a number'],
    [['--speed', '0'], '--speed 0 is neither max nor a number'],
    [['--speed', '1e3'], '--speed 1e3 is neither max nor a number'],
    [['--day', '2013-02-30'], '--day 2013-02-30 is not a date'],
    [['--day', '8.10.2013'], '--day 8.10.2013 is not a date'],
    [['--market', 'lean:nowhere'], `--market: there is no directory at ${join(cwd, 'nowhere')}`],
    [['--market', 'csv:days'], `--market: there is no file at ${join(cwd, 'days')}`],
    [['--market', 'lena:days'], 'none of lean:DIR, csv:FILE and simulated; did you mean lean?'],
    [['--market', 'lean:days', '--seed', '7'], '--seed is for the simulated market'],
    [['--symbols', 'A;B'], '--symbols A;B is not a list of symbols'],
    [['--data'], '--data needs a value'],
    [['--data', '--fresh'], '--data needs a value'],
    [['--port', '1', '--port', '2'], '--port is given twice'],
    [['--exit=yes'], '--exit takes no value'],
  ])('refuses %j with one line that says what is wrong', (args, said) => {
    const message = refusal(...args);
    expect(message).toContain(said);
    expect(message).not.toContain('\n');
  });

  it('plays the simulated market in real time and recorded ones faster, unless told', () => {
    expect([speedFor(undefined, 'simulated'), speedFor(undefined, 'lean:/x'), speedFor(5, 'lean:/x'), speedFor('max', 'simulated')]).toEqual([1, 60, 5, 'max']);
  });
});
