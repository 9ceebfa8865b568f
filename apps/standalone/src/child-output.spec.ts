import { describe, expect, it } from '@jest/globals';
import { ChildOutput, type ReadyLine } from './child-output.ts';

const outputOf = (): { readonly output: ChildOutput; readonly ready: ReadyLine[] } => {
  const ready: ReadyLine[] = [];
  return { output: new ChildOutput((line) => ready.push(line)), ready };
};

describe('what a child says', () => {
  it('is ready when a record says so, however the pipe cuts it', () => {
    const { output, ready } = outputOf();
    output.add('stdout', '{"event":"store.connected"}\n{"event":"rea');
    expect(ready).toEqual([]);
    output.add('stdout', 'dy","port":4711}\n');
    expect(ready).toEqual([{ event: 'ready', port: 4711 }]);
  });

  it('is not ready because somebody mentions the word', () => {
    const { output, ready } = outputOf();
    output.add('stdout', 'is it "ready"?\n{"event":"note","detail":"\\"ready\\""}\n{"ready"\n');
    output.add('stderr', '{"event":"ready"}\n');
    expect(ready).toEqual([]);
  });

  it('shows the last line of stderr as its last words, and no stack', () => {
    const { output } = outputOf();
    output.add('stdout', '{"level":"error","code":"OTHER","detail":"earlier"}\n');
    output.add('stderr', 'warming up\npaper-venue: MARKET_DATA_MISSING: /x: no files\n    at somewhere (file.js:1:2)\n\n');
    expect(output.lastWords()).toBe('paper-venue: MARKET_DATA_MISSING: /x: no files');
  });

  it('else shows its last recorded failure with the remedy, and not what was merely informative', () => {
    const { output } = outputOf();
    output.add('stdout', '{"level":"error","event":"cannot_start","code":"STORE_LOCKED","detail":"another store","remedy":"stop it"}\n{"level":"info","event":"bye"}\n');
    expect(output.lastWords()).toBe('STORE_LOCKED: another store: stop it');
    expect(outputOf().output.lastWords()).toBe('');
  });

  it('takes nats-server\'s prefix off, and the end of a line that was never finished counts', () => {
    const { output } = outputOf();
    output.add('stderr', '[12] 2026/11/20 10:00:00.000000 [FTL] Error listening on port');
    expect(output.lastWords()).toBe('Error listening on port');
  });
});
