import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { currentContext } from '@tallystick/platform';
import type { HandlerOutcome } from '@tallystick/ports';
import { eventually, startTestNats } from '@tallystick/testing';
import type { TestNats } from '@tallystick/testing';
import type { Command } from './command.ts';
import { consumeCommands } from './consumer.ts';
import { deadLetters } from './dead-letters.ts';
import { deadLetterCount, managerOf, queueBacklogs } from './ensure-topology.ts';
import { SERVICE, keyOf, numberOf, startRig } from './spec-rig.ts';
import type { Rig } from './spec-rig.ts';

const POISON: HandlerOutcome = { kind: 'poison', code: 'SCHEMA_INVALID', detail: 'no qty' };
const DONE: HandlerOutcome = { kind: 'done' };

describe('the dead letters', () => {
  let nats: TestNats;
  let rig: Rig;

  beforeAll(async () => {
    nats = await startTestNats();
  });
  afterAll(() => nats.stop());
  beforeEach(async () => {
    rig = await startRig(nats.url);
  });
  afterEach(async () => {
    await rig.connection.close();
    await nats.wipe();
  });

  const consume = (judge: (command: Command) => HandlerOutcome) =>
    consumeCommands(rig.connection, { topology: rig.topology, service: SERVICE, partition: 0, lane: 'submit', keyOf, handler: (command) => Promise.resolve(judge(command)) });

  const poisoned = async (count: number): Promise<void> => {
    const consumer = consume(() => POISON);
    for (let n = 1; n <= count; n += 1) await rig.send({ key: 'a', n, correlationid: `c-${n}` }, `m${n}`);
    await eventually('dead letters', async () => (await deadLetterCount(rig.connection)) === count);
    await consumer.stop();
  };

  it('are listed oldest first, by service, in pages, with the command as it was sent', async () => {
    await poisoned(3);
    const letters = deadLetters(rig.connection);
    const all = await letters.list();
    expect(all.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(JSON.parse(all[0]?.body ?? '')).toEqual({ key: 'a', n: 1, correlationid: 'c-1' });
    expect(all[0]).toMatchObject({ correlation_id: 'c-1', from_stream: 'CMD_EXECUTION', from_sequence: 1 });
    expect((await letters.list({ limit: 2 })).map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect((await letters.list({ afterSequence: 2 })).map(({ sequence }) => sequence)).toEqual([3]);
    expect(await letters.list({ service: 'risk' })).toEqual([]);
    expect(await letters.show(2)).toEqual(all[1]);
    expect(await letters.show(99)).toBeUndefined();
  });

  it('go back to their queue under a fresh id with their headers, and leave the list', async () => {
    await poisoned(1);
    const seen: { readonly id: string; readonly n: number; readonly correlation: string | undefined }[] = [];
    const consumer = consume((command) => {
      seen.push({ id: command.messageId, n: numberOf(command), correlation: currentContext()?.correlation_id });
      return DONE;
    });
    const result = await deadLetters(rig.connection).redrive(1);
    expect(result).toMatchObject({ sequence: 1, outcome: 'redriven' });
    await eventually('handled', () => seen.length === 1);
    expect(seen[0]).toEqual({ id: result.message_id, n: 1, correlation: 'c-1' });
    expect(seen[0]?.id).not.toBe('m1');
    expect(await deadLetterCount(rig.connection)).toBe(0);
    expect(await deadLetters(rig.connection).redrive(1)).toEqual({ sequence: 1, outcome: 'not_found' });
    await consumer.stop();
  });

  it('come back when the redriven command is poison still, also within the window of repeats', async () => {
    await poisoned(1);
    consume(() => POISON);
    expect((await deadLetters(rig.connection).redrive(1)).outcome).toBe('redriven');
    const again = await eventually('it is back', async () => (await deadLetters(rig.connection).list())[0]);
    expect(again).toMatchObject({ sequence: 2, code: 'SCHEMA_INVALID' });
  });

  it('are all redriven at once, and only those that were there', async () => {
    await poisoned(5);
    const seen: number[] = [];
    consume((command) => {
      seen.push(numberOf(command));
      // One of them is poison for ever: it must not keep the redrive going round.
      return numberOf(command) === 2 ? POISON : DONE;
    });
    const results = await deadLetters(rig.connection).redriveAll({ service: SERVICE });
    expect(results.map(({ sequence, outcome }) => `${sequence} ${outcome}`)).toEqual([1, 2, 3, 4, 5].map((n) => `${n} redriven`));
    await eventually('the one that failed is back', async () => (await deadLetters(rig.connection).list()).length === 1);
    expect(seen.sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('stay when they cannot be sent back', async () => {
    await poisoned(2);
    await (await managerOf(rig.connection)).streams.delete('CMD_EXECUTION');
    const results = await deadLetters(rig.connection).redriveAll();
    expect(results).toMatchObject([{ sequence: 1, outcome: 'failed', detail: expect.stringContaining('NO_STREAM') }]);
    expect(await deadLetterCount(rig.connection)).toBe(2);
  });

  it('keep the command in its queue when they cannot take it', async () => {
    const manager = await managerOf(rig.connection);
    await manager.streams.delete('DLQ');
    const consumer = consumeCommands(rig.connection, {
      topology: rig.topology,
      service: SERVICE,
      partition: 0,
      lane: 'submit',
      keyOf,
      handler: () => Promise.resolve(POISON),
      retry: { giveBackMs: 50 },
    });
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await eventually('the refusal is logged', () => rig.lines.some(({ event }) => event === 'dead_letter.not_stored'));
    expect((await queueBacklogs(rig.connection, rig.topology))?.reduce((sum, { pending, out }) => sum + pending + out, 0)).toBe(1);
    await manager.streams.add({ name: 'DLQ', subjects: ['tally.dlq.>'] });
    await eventually('it is stored once they can', async () => (await deadLetterCount(rig.connection)) === 1);
    await consumer.stop();
  });
});
