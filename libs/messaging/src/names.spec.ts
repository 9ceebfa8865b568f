import { describe, expect, it } from '@jest/globals';
import { commandStream, commandSubject, deadLetterSubject, durableName, isFilterSubject, isPublishSubject, isToken, parseCommandSubject, token } from './names.ts';
import { defineTopology } from './topology.ts';

describe('names on the bus', () => {
  it('are built from tokens and read back', () => {
    expect(commandSubject('execution', 3, 'submit')).toBe('tally.cmd.execution.3.submit');
    expect(parseCommandSubject('tally.cmd.execution.3.submit')).toEqual({ service: 'execution', partition: 3, command: 'submit' });
    expect(commandStream('paper-venue')).toBe('CMD_PAPER_VENUE');
    expect(durableName('execution', 3, 'submit')).toBe('execution-3-submit');
    expect(deadLetterSubject('risk')).toBe('tally.dlq.risk');
  });

  it.each(['', 'a.b', '*', '>', 'a b', 'a\r\nb', 'a\u0000', 'é', 'x'.repeat(65), '../up'])('refuse %j as a token', (text) => {
    expect(isToken(text)).toBe(false);
    expect(() => token(text)).toThrow('BAD_TOKEN');
    expect(isPublishSubject(`tally.${text}`)).toBe(text === 'a.b');
  });

  it('tell what one may subscribe to from what one may publish to', () => {
    expect(isFilterSubject('tally.cmd.*.submit')).toBe(true);
    expect(isFilterSubject('tally.>')).toBe(true);
    expect(isFilterSubject('tally.>.x')).toBe(false);
    expect(isFilterSubject('tally..x')).toBe(false);
    expect(isPublishSubject('tally.*')).toBe(false);
  });

  it.each(['tally.cmd.execution.x.submit', 'tally.cmd.execution.3', 'tally.evt.execution.3.submit', 'tally.cmd.execution.3.submit.more'])('do not read %s as a command', (subject) => {
    expect(parseCommandSubject(subject)).toBeUndefined();
  });

  it('refuse a topology that cannot be', () => {
    const queue = { service: 'execution', partitions: 2, lanes: ['submit'] };
    expect(() => defineTopology({ replicas: 1, queues: [queue, queue] })).toThrow('defined twice');
    expect(() => defineTopology({ replicas: 1, queues: [{ ...queue, partitions: 0 }] })).toThrow('BAD_TOPOLOGY');
    expect(() => defineTopology({ replicas: 1, queues: [{ ...queue, lanes: ['submit', 'submit'] }] })).toThrow('BAD_TOPOLOGY');
    expect(() => defineTopology({ replicas: 1, queues: [{ ...queue, lanes: ['sub.mit'] }] })).toThrow('BAD_TOKEN');
  });
});
