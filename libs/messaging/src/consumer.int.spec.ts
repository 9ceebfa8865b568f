import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { currentContext } from '@tallystick/platform';
import type { WorkContext } from '@tallystick/platform';
import { eventually, startTestNats } from '@tallystick/testing';
import type { TestNats } from '@tallystick/testing';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from './command.ts';
import { consumeCommands } from './consumer.ts';
import type { ConsumeOptions } from './consumer.ts';
import { deadLetters } from './dead-letters.ts';
import { queueBacklogs } from './ensure-topology.ts';
import { SERVICE, keyOf, numberOf, startRig } from './spec-rig.ts';
import type { Rig } from './spec-rig.ts';

// Short, so that what depends on it shows within a test.
const ACK_WAIT_MS = 1_000;
const quick = { attemptsMax: 3, firstDelayMs: 5, delayMsMax: 10, giveBackMs: 100, crashDelayMs: 20 };

// Each waits for redeliveries of a real server, beside other suites.
jest.setTimeout(20_000);

describe('a consumer of commands', () => {
  let nats: TestNats;
  let rig: Rig;

  beforeAll(async () => {
    nats = await startTestNats();
  });
  afterAll(() => nats.stop());
  beforeEach(async () => {
    rig = await startRig(nats.url, { ackWaitMs: ACK_WAIT_MS });
  });
  afterEach(async () => {
    await rig.connection.close();
    await nats.wipe();
  });

  const consume = (handler: ConsumeOptions['handler'], more: Partial<ConsumeOptions> = {}) =>
    consumeCommands(rig.connection, { topology: rig.topology, service: SERVICE, partition: 0, lane: 'submit', keyOf, handler, retry: quick, ...more });

  const isEmpty = async (): Promise<boolean> => {
    const backlogs = await queueBacklogs(rig.connection, rig.topology);
    return backlogs !== undefined && backlogs.every(({ pending, out }) => pending === 0 && out === 0);
  };
  const settled = (): Promise<boolean> => eventually('the queue is empty', isEmpty);
  const letters = () => deadLetters(rig.connection).list();
  const outcomes = (outcome: string): Promise<number> => rig.metric(`tally_commands_total{service="execution",command="submit",outcome="${outcome}"}`);

  it('acknowledges what is done, once', async () => {
    const seen: number[] = [];
    consume((command) => {
      seen.push(numberOf(command));
      return Promise.resolve({ kind: 'done' });
    });
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await settled();
    expect(seen).toEqual([1]);
    expect(await outcomes('ack')).toBe(1);
    expect(await letters()).toEqual([]);
  });

  it('tries a retry again in place before anything else of its key, and acknowledges when it succeeds', async () => {
    const seen: string[] = [];
    consume((command, { attempt }) => {
      seen.push(`${numberOf(command)}/${attempt}/${command.delivery}`);
      return Promise.resolve(numberOf(command) === 1 && attempt < 3 ? { kind: 'retry', code: 'STORE_UNAVAILABLE', detail: '' } : { kind: 'done' });
    });
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await rig.send({ key: 'a', n: 2 }, 'm2');
    await settled();
    expect(seen).toEqual(['1/1/1', '1/2/1', '1/3/1', '2/1/1']);
  });

  it('gives a command back after its tries in place, and gets it again later, ahead of its successors', async () => {
    const seen: string[] = [];
    consume((command) => {
      seen.push(`${numberOf(command)}/${command.delivery}`);
      return Promise.resolve(numberOf(command) === 1 && command.delivery === 1 ? { kind: 'retry', code: 'STORE_UNAVAILABLE', detail: '' } : { kind: 'done' });
    });
    for (const n of [1, 2, 3]) await rig.send({ key: 'a', n }, `m${n}`);
    await settled();
    expect(seen.slice(0, 3)).toEqual(['1/1', '1/1', '1/1']);
    expect(seen.slice(3).map((each) => each.split('/')[0])).toEqual(['1', '2', '3']);
    expect(await outcomes('give_back')).toBe(1);
  });

  it('moves poison to the dead letters, says why, and goes on', async () => {
    const seen: number[] = [];
    consume((command) => {
      seen.push(numberOf(command));
      return Promise.resolve(numberOf(command) === 1 ? { kind: 'poison', code: 'SCHEMA_INVALID', detail: 'qty: line one\r\nline two' } : { kind: 'done' });
    });
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await rig.send({ key: 'a', n: 2 }, 'm2');
    await settled();
    expect(seen).toEqual([1, 2]);
    expect(await letters()).toMatchObject([
      { sequence: 1, service: 'execution', code: 'SCHEMA_INVALID', detail: 'qty: line one line two', message_id: 'm1', subject: 'tally.cmd.execution.0.submit', deliveries: 1 },
    ]);
    expect(await rig.metric('tally_dead_letters_total{service="execution",code="SCHEMA_INVALID"}')).toBe(1);
  });

  it('moves what is not a message to the dead letters without asking the handler', async () => {
    const seen: Command[] = [];
    consume((command) => {
      seen.push(command);
      return Promise.resolve({ kind: 'done' });
    });
    await rig.send({ key: 'a', deep: JSON.parse('['.repeat(20) + ']'.repeat(20)) }, 'm1');
    await eventually('a dead letter', async () => (await letters()).length === 1);
    expect((await letters())[0]).toMatchObject({ code: 'JSON_TOO_DEEP' });
    expect(seen).toEqual([]);
  });

  it('gives a handler that throws three deliveries, then moves the command to the dead letters and serves others', async () => {
    const deliveries: number[] = [];
    const crashes: unknown[] = [];
    const others: number[] = [];
    consume(
      (command) => {
        if (keyOf(command) === 'bad') {
          deliveries.push(command.delivery);
          return Promise.reject(new TypeError('leaves is not a number'));
        }
        others.push(numberOf(command));
        return Promise.resolve({ kind: 'done' });
      },
      { onCrash: (_command, error) => void crashes.push(error) },
    );
    await rig.send({ key: 'bad', n: 1 }, 'm1');
    await rig.send({ key: 'good', n: 2 }, 'm2');
    await eventually('a dead letter', async () => (await letters()).length === 1);
    await settled();
    expect(deliveries).toEqual([1, 2, 3]);
    expect(crashes).toHaveLength(3);
    expect(others).toEqual([2]);
    expect((await letters())[0]).toMatchObject({ code: 'HANDLER_CRASHED', deliveries: 3, detail: 'TypeError on delivery 3' });
  });

  it('treats a handler that returns no outcome as one that threw', async () => {
    consume(() => Promise.resolve(undefined as unknown as { kind: 'done' }));
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await eventually('a dead letter', async () => (await letters()).length === 1);
    expect((await letters())[0]).toMatchObject({ code: 'HANDLER_CRASHED' });
  });

  it('handles commands of one key in order and of different keys at once, never more than allowed', async () => {
    const byKey = new Map<string, number[]>();
    const running = new Set<string>();
    let most = 0;
    const overlaps: string[] = [];
    consume(
      async (command) => {
        const key = keyOf(command);
        if (running.has(key)) overlaps.push(key);
        running.add(key);
        most = Math.max(most, running.size);
        await delay(1 + (numberOf(command) % 3));
        byKey.set(key, [...(byKey.get(key) ?? []), numberOf(command)]);
        running.delete(key);
        return { kind: 'done' };
      },
      { concurrencyMax: 4 },
    );
    for (let n = 0; n < 120; n += 1) void rig.send({ key: `k${n % 8}`, n }, `m${n}`);
    await eventually('all handled', () => [...byKey.values()].flat().length === 120);
    for (const numbers of byKey.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(overlaps).toEqual([]);
    expect(most).toBe(4);
  });

  it('keeps a slow command from being delivered again', async () => {
    const deliveries: number[] = [];
    consume(async (command) => {
      deliveries.push(command.delivery);
      await delay(ACK_WAIT_MS * 2.5);
      return { kind: 'done' };
    });
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await eventually('handled', async () => deliveries.length > 0 && (await isEmpty()));
    expect(deliveries).toEqual([1]);
    expect(await rig.metric('tally_commands_redelivered_total{service="execution",command="submit"}')).toBe(0);
  });

  it('lets go of a command whose handler outlives the cap, says so, and runs no second handler beside the first', async () => {
    let begun = 0;
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    consume(
      async () => {
        begun += 1;
        await finished;
        return { kind: 'done' };
      },
      { heldMsMax: ACK_WAIT_MS / 2 },
    );
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await eventually('delivered again', async () => (await rig.metric('tally_commands_redelivered_total{service="execution",command="submit"}')) >= 1);
    expect(begun).toBe(1);
    expect(rig.lines.filter(({ event }) => event === 'command.stuck')).toHaveLength(1);
    finish();
    await settled();
    expect(begun).toBe(1);
  });

  it('carries the trace and correlation of the sender to the handler, which becomes the cause of what follows', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    let seen: WorkContext | undefined;
    consume(() => {
      seen = currentContext();
      return Promise.resolve({ kind: 'done' });
    });
    await rig.send({ key: 'a', n: 1, correlationid: 'c-1', causationid: 'e-1', traceparent }, 'm1');
    await settled();
    expect(seen).toMatchObject({ correlation_id: 'c-1', causation_id: 'm1', traceparent });
  });

  it('on stop finishes what is in hand and gives back the rest at once, for another to handle', async () => {
    const begun: number[] = [];
    const done: number[] = [];
    const first = consume(
      async (command) => {
        begun.push(numberOf(command));
        await delay(100);
        done.push(numberOf(command));
        return { kind: 'done' };
      },
      { concurrencyMax: 2 },
    );
    for (let n = 0; n < 10; n += 1) await rig.send({ key: `k${n}`, n }, `m${n}`);
    await eventually('two in hand', () => begun.length === 2 && first.held() === 10);
    await first.stop();
    expect(done.sort()).toEqual([0, 1]);
    expect(first.held()).toBe(0);
    const after: string[] = [];
    consume((command) => {
      after.push(`${numberOf(command)}/${command.delivery}`);
      return Promise.resolve({ kind: 'done' });
    });
    // Well under the ack wait: they were given back, not timed out.
    await eventually('the rest handled', () => after.length === 8, ACK_WAIT_MS / 2);
    expect(after.sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((n) => `${n}/2`));
  });

  it('on stop wakes a handler that waits for a retry, and gives its command back', async () => {
    let tries = 0;
    const consumer = consume(
      () => {
        tries += 1;
        return Promise.resolve({ kind: 'retry', code: 'STORE_UNAVAILABLE', detail: '' });
      },
      { retry: { attemptsMax: 10, firstDelayMs: 60_000, delayMsMax: 60_000 } },
    );
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await eventually('tried once', () => tries === 1);
    await consumer.stop();
    expect(consumer.held()).toBe(0);
    expect(tries).toBe(1);
  });

  it('refuses a lane or partition that the topology does not have', () => {
    expect(() => consume(() => Promise.resolve({ kind: 'done' }), { lane: 'evaluate' })).toThrow('BAD_TOPOLOGY');
    expect(() => consume(() => Promise.resolve({ kind: 'done' }), { partition: 2 })).toThrow('BAD_TOPOLOGY');
  });
});
