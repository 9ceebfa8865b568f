import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createFailpoints } from './failpoints.ts';
import { silentLog } from './testing.ts';

const create = (spec: string, mode = 'paper', kill?: () => void) => createFailpoints({ TALLY_FAILPOINTS: spec, TALLY_MODE: mode }, silentLog, kill);

describe('failpoints', () => {
  it('do nothing when there are none', () => {
    const made = createFailpoints({}, silentLog);
    if (!made.ok) throw new Error(made.detail);
    made.failpoints.at('execution.claim-appended');
    expect(made.rules).toEqual([]);
  });

  it('stop the process at the hit that was asked for, and at no other point', () => {
    let kills = 0;
    const made = create('execution.claim-appended=kill@2, risk.decided=throw', 'paper', () => (kills += 1));
    if (!made.ok) throw new Error(made.detail);
    const { at } = made.failpoints;
    at('execution.claim-appended');
    expect(kills).toBe(0);
    at('execution.claim-appended');
    at('execution.claim-appended');
    at('execution.sent');
    expect(kills).toBe(1);
    expect(() => at('risk.decided')).toThrow('failpoint risk.decided');
  });

  it('make the process stand still', () => {
    const made = create('execution.sent=delay:30');
    if (!made.ok) throw new Error(made.detail);
    const before = performance.now();
    made.failpoints.at('execution.sent');
    expect(performance.now() - before).toBeGreaterThanOrEqual(29);
  });

  it.each(['live', 'LIVE', ' live '])('are refused when the mode is %j', (mode) => {
    expect(create('a=kill', mode)).toMatchObject({ ok: false, code: 'FAILPOINTS_REFUSED_LIVE' });
  });

  it.each(['a', 'a=boom', 'a=kill@0', 'a=delay', 'a=kill,,b=kill', '=kill', 'A B=kill'])('are refused when unreadable: %j', (spec) => {
    expect(create(spec)).toMatchObject({ ok: false, code: 'FAILPOINTS_INVALID' });
  });

  it('kill with a signal that nothing can catch', () => {
    const module = join(import.meta.dirname, 'failpoints.ts');
    const script = `
      import { createFailpoints } from ${JSON.stringify(module)};
      process.on('exit', () => console.log('exit handler'));
      const made = createFailpoints({ TALLY_FAILPOINTS: 'here=kill' }, { write: () => undefined });
      console.log('before');
      made.failpoints.at('here');
      console.log('after');`;
    const { signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect([signal, stdout]).toEqual(['SIGKILL', 'before\n']);
  });
});
