import { describe, expect, it } from '@jest/globals';
import { runInContext } from './context.ts';
import { createLog } from './log.ts';

const capture = (level: 'debug' | 'info' = 'info') => {
  const written: string[] = [];
  const log = createLog({ service: 'risk', instance: 'risk-1', build: 'v1', level, to: { write: (line: string) => void written.push(line) } });
  return { log, written, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

describe('the log', () => {
  it('writes one JSON line with who, when and what', () => {
    const { log, lines } = capture();
    const before = Date.now();
    log.write('info', 'order.claimed', { order_id: 'o-1', qty: '10' });
    expect(lines()).toEqual([{ level: 'info', time_ms: expect.any(Number), service: 'risk', instance: 'risk-1', build: 'v1', event: 'order.claimed', order_id: 'o-1', qty: '10' }]);
    expect(lines()[0]?.['time_ms']).toBeGreaterThanOrEqual(before);
  });

  it('carries the ids of the work in hand, also across awaits', async () => {
    const { log, lines } = capture();
    await runInContext({ correlation_id: 'c-1', account: 'a-1', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }, async () => {
      await Promise.resolve();
      runInContext({ order_id: 'o-1' }, () => log.write('warn', 'order.late'));
    });
    log.write('info', 'outside');
    expect(lines()[0]).toMatchObject({ level: 'warn', correlation_id: 'c-1', account: 'a-1', order_id: 'o-1', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' });
    expect(lines()[1]).not.toHaveProperty('correlation_id');
  });

  it('is one line whatever the fields hold, so that nobody can forge another', () => {
    const { log, written, lines } = capture();
    log.write('info', 'intent.refused', { reason: 'x\r\n{"level":"info","event":"order.filled"}\u2028' });
    log.write('info', 'evil\n{"event":"order.filled"}');
    expect(written.join('').trimEnd().split(/\r|\n/)).toHaveLength(2);
    expect(lines().map(({ event }) => event)).toEqual(['intent.refused', 'unnamed']);
  });

  it('hides secrets in fields, nested ones and errors', () => {
    const { log, written } = capture();
    log.write('error', 'venue.refused', { headers: { authorization: 'Bearer hunter2hunter2' }, error: new Error('password=hunter2') });
    expect(written.join('')).not.toContain('hunter2');
  });

  it('says that something could not be shown rather than throwing', () => {
    const { log, lines } = capture();
    log.write('info', 'odd', { thing: { toJSON: () => { throw new TypeError('no'); } } });
    expect(lines()[0]).toMatchObject({ event: 'odd', unloggable: 'TypeError' });
  });

  it('leaves out what is below its level', () => {
    const { log, written } = capture();
    log.write('debug', 'noise');
    expect(written).toEqual([]);
    capture('debug').log.write('debug', 'noise');
  });
});
