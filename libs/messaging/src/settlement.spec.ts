import { describe, expect, it } from '@jest/globals';
import { manualPorts, recordingMetrics } from '@tallystick/platform';
import type { HandlerOutcome } from '@tallystick/ports';
import type { Command, HandleCommand } from './command.ts';
import { defaultRetry } from './command.ts';
import { settle } from './settlement.ts';

const command = (delivery = 1): Command => ({
  subject: 'tally.cmd.execution.0.submit',
  service: 'execution',
  partition: 0,
  command: 'submit',
  body: {},
  messageId: 'm1',
  sequence: 1,
  delivery,
  storedAtMs: 0,
  context: {},
});

const RETRY: HandlerOutcome = { kind: 'retry', code: 'STORE_UNAVAILABLE', detail: '' };

describe('the settlement of a command', () => {
  const run = async (handler: HandleCommand, options: { readonly delivery?: number; readonly abortAfterMs?: number } = {}) => {
    const ports = manualPorts();
    const stopping = new AbortController();
    const crashes: unknown[] = [];
    const metrics = recordingMetrics();
    const settled = settle(command(options.delivery), {
      handler,
      retry: defaultRetry,
      ports,
      metrics,
      stopping: stopping.signal,
      onCrash: (_command, error) => void crashes.push(error),
      onRetry: () => undefined,
    });
    await ports.advance(options.abortAfterMs ?? 60_000);
    stopping.abort();
    await ports.advance(0);
    return { settlement: await settled, crashes, metrics };
  };

  it('acknowledges what is done', async () => {
    const { settlement, metrics } = await run(() => Promise.resolve({ kind: 'done' }));
    expect(settlement).toEqual({ kind: 'ack' });
    expect(metrics.values.get('tally_commands_total{command="submit",outcome="ack",service="execution"}')).toBe(1);
  });

  it('tries six times with growing waits, then gives it back for five seconds', async () => {
    const ports = manualPorts();
    const atMs: number[] = [];
    const settled = settle(command(), {
      handler: () => {
        atMs.push(ports.clock.monotonicMs());
        return Promise.resolve(RETRY);
      },
      retry: defaultRetry,
      ports,
      metrics: recordingMetrics(),
      stopping: new AbortController().signal,
      onCrash: () => undefined,
      onRetry: () => undefined,
    });
    await ports.advance(60_000);
    expect(await settled).toEqual({ kind: 'give_back', delayMs: 5_000 });
    expect(atMs).toEqual([0, 100, 300, 700, 1_500, 3_100]);
  });

  it('gives it back at once when the consumer stops between tries', async () => {
    let tries = 0;
    const { settlement } = await run(
      () => {
        tries += 1;
        return Promise.resolve(RETRY);
      },
      { abortAfterMs: 150 },
    );
    expect(settlement).toEqual({ kind: 'give_back', delayMs: 0 });
    expect(tries).toBe(2);
  });

  it('sends poison to the dead letters with its code', async () => {
    const { settlement } = await run(() => Promise.resolve({ kind: 'poison', code: 'SCHEMA_INVALID', detail: 'no qty' }));
    expect(settlement).toMatchObject({ kind: 'dead_letter', code: 'SCHEMA_INVALID' });
  });

  it.each([
    [1, { kind: 'give_back', delayMs: 1_000 }],
    [2, { kind: 'give_back', delayMs: 1_000 }],
    [3, { kind: 'dead_letter', code: 'HANDLER_CRASHED', detail: 'RangeError on delivery 3' }],
    [9, { kind: 'dead_letter', code: 'HANDLER_CRASHED', detail: 'RangeError on delivery 9' }],
  ])('on delivery %i of a handler that throws is %j', async (delivery, expected) => {
    const { settlement, crashes } = await run(() => Promise.reject(new RangeError('secret data')), { delivery });
    expect(settlement).toEqual(expected);
    expect(crashes).toHaveLength(1);
  });
});
