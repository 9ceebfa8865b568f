import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { recordingLog, silentMetrics } from '@tallystick/platform';
import { eventually, startTestNats } from '@tallystick/testing';
import type { TestNats } from '@tallystick/testing';
import { consumeCommands } from './consumer.ts';
import type { CommandConsumer } from './consumer.ts';
import { connectBus } from './connection.ts';
import { managerOf } from './ensure-topology.ts';
import { SERVICE, keyOf, numberOf, startRig } from './spec-rig.ts';
import type { Rig } from './spec-rig.ts';

// Restarts of a real server under load of other suites.
jest.setTimeout(40_000);

describe('when the server fails', () => {
  let nats: TestNats;
  let rig: Rig;

  beforeEach(async () => {
    nats = await startTestNats();
    rig = await startRig(nats.url, { ackWaitMs: 1_000 });
  });
  afterEach(async () => {
    await rig.connection.close();
    await nats.stop();
  });

  const collect = (seen: number[], lane = 'submit'): CommandConsumer =>
    consumeCommands(rig.connection, {
      topology: rig.topology,
      service: SERVICE,
      partition: 0,
      lane,
      keyOf,
      handler: (command) => {
        seen.push(numberOf(command));
        return Promise.resolve({ kind: 'done' });
      },
    });

  it('says at once that a command was not sent while it is away, and sends again when it is back', async () => {
    await nats.kill();
    await eventually('the loss is noticed', () => !rig.connection.isConnected());
    expect(await rig.send({ key: 'a', n: 1 }, 'm1')).toMatchObject({ ok: false, detail: expect.stringContaining('BUS_DISCONNECTED') });
    await nats.restart();
    await eventually('reconnected', () => rig.connection.isConnected());
    expect(await eventually('sent', async () => ((await rig.send({ key: 'a', n: 1 }, 'm1')).ok ? 'sent' : undefined))).toBe('sent');
  });

  it('answers every publish that was under way when the server was killed', async () => {
    const sends = Array.from({ length: 500 }, (_, n) => rig.send({ key: 'a', n }, `m${n}`));
    await nats.kill();
    const outcomes = await Promise.all(sends);
    expect(outcomes).toHaveLength(500);
    const stored = outcomes.filter(({ ok }) => ok).length;
    await nats.restart();
    const seen: number[] = [];
    collect(seen);
    // No acknowledged command is lost by a kill of the process; some that were not acknowledged may be there too.
    await eventually('all acknowledged ones came', () => new Set(seen).size >= stored);
    for (const [n, { ok }] of outcomes.entries()) if (ok) expect(seen).toContain(n);
  });

  it('delivers what was waiting after a kill and a restart, repeats included, and goes on by itself', async () => {
    for (let n = 0; n < 20; n += 1) await rig.send({ key: `k${n}`, n }, `m${n}`);
    const seen: number[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const consumer = consumeCommands(rig.connection, {
      topology: rig.topology,
      service: SERVICE,
      partition: 0,
      lane: 'submit',
      keyOf,
      handler: async (command) => {
        seen.push(numberOf(command));
        if (numberOf(command) >= 10) await held;
        return { kind: 'done' };
      },
    });
    await eventually('all begun', () => seen.length === 20);
    await nats.kill();
    // Their acknowledgements go nowhere: the server is gone.
    release();
    await eventually('let go', () => consumer.held() === 0);
    await nats.restart();
    await eventually('the unacknowledged ones came again', () => [...Array(10).keys()].every((n) => seen.filter((each) => each === n + 10).length >= 2));
    await eventually('live', () => consumer.isLive());
    await rig.send({ key: 'new', n: 100 }, 'm100');
    await eventually('new ones come', () => seen.includes(100));
  });

  it('makes the stream and its durables anew when the server comes back empty', async () => {
    const submits: number[] = [];
    const cancels: number[] = [];
    const consumers = [collect(submits), collect(cancels, 'cancel')];
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await eventually('the first came', () => submits.length === 1);
    await nats.wipe();
    await eventually('live again', () => consumers.every((consumer) => consumer.isLive()));
    // The same id as before: what a wiped server remembers of ids is nothing.
    expect(await rig.send({ key: 'a', n: 2 }, 'm1')).toEqual({ ok: true });
    expect(await rig.send({ key: 'a', n: 3 }, 'm3', { lane: 'cancel' })).toEqual({ ok: true });
    await eventually('both came', () => submits.includes(2) && cancels.includes(3));
    expect(await rig.metric('tally_topology_repairs_total{kind="stream_created"}')).toBeGreaterThanOrEqual(3);
  });

  it('makes a deleted stream anew while it stays connected', async () => {
    const seen: number[] = [];
    const consumer = collect(seen);
    await eventually('live', () => consumer.isLive());
    await (await managerOf(rig.connection)).streams.delete('CMD_EXECUTION');
    expect(await rig.send({ key: 'a', n: 1 }, 'm1')).toMatchObject({ ok: false, detail: expect.stringContaining('NO_STREAM') });
    await eventually('sent', async () => (await rig.send({ key: 'a', n: 1 }, 'm2')).ok);
    await eventually('it comes', () => seen.includes(1));
  });

  it('goes on after a server that hung with its questions open and was then killed', async () => {
    const seen: number[] = [];
    collect(seen);
    nats.freeze();
    const pending = rig.send({ key: 'a', n: 1 }, 'm1');
    await nats.kill();
    await pending;
    await nats.restart();
    await eventually('sent', async () => (await rig.send({ key: 'a', n: 2 }, 'm2')).ok);
    // Sooner than the time-out of the question that the hung server never answered.
    await eventually('it comes', () => seen.includes(2));
  });

  it('waits for a first connection until it is there, or until it is told to give up', async () => {
    await nats.kill();
    const log = recordingLog();
    const giveUp = new AbortController();
    const connecting = connectBus({ servers: nats.url, name: 'late', log, metrics: silentMetrics, signal: giveUp.signal });
    const other = connectBus({ servers: nats.url, name: 'patient', log, metrics: silentMetrics });
    await eventually('tried', () => log.lines.some(({ event }) => event === 'bus.unreachable'));
    giveUp.abort();
    await expect(connecting).rejects.toThrow('BUS_UNREACHABLE');
    await nats.restart();
    const connection = await other;
    expect(connection.isConnected()).toBe(true);
    expect(await connection.roundTripMs(1_000)).toBeLessThan(1_000);
    await connection.close();
    expect(await connection.closed).toBeUndefined();
  });
});
