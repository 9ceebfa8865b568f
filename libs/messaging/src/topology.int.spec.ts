import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, startTestNats } from '@tallystick/testing';
import type { TestNats } from '@tallystick/testing';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { consumeCommands } from './consumer.ts';
import { ensureTopology, guardTopology, managerOf, queueBacklogs } from './ensure-topology.ts';
import type { EnsureOutcome } from './ensure-topology.ts';
import { SERVICE, keyOf, numberOf, startRig } from './spec-rig.ts';
import type { Rig } from './spec-rig.ts';
import { defineTopology } from './topology.ts';
import type { Topology } from './topology.ts';

const kinds = (outcome: EnsureOutcome): readonly string[] => (outcome.ok ? outcome.repairs.map(({ kind }) => kind) : [outcome.code]);
const withQueue = (queue: Partial<Topology['queues'][number]>): Topology =>
  defineTopology({ replicas: 1, queues: [{ service: SERVICE, partitions: 2, lanes: ['submit', 'cancel'], ...queue }] });

describe('the topology', () => {
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

  it('is made once: what stands as wanted is left alone', async () => {
    expect(await ensureTopology(rig.connection, rig.topology)).toEqual({ ok: true, repairs: [] });
  });

  it('is a file-backed work queue that refuses what is too much, with a durable per partition and lane', async () => {
    const manager = await managerOf(rig.connection);
    const { config } = await manager.streams.info('CMD_EXECUTION');
    expect(config).toMatchObject({ retention: 'workqueue', storage: 'file', discard: 'new', max_msg_size: 65_536, duplicate_window: 120e9 });
    const names: string[] = [];
    for await (const { name } of manager.consumers.list('CMD_EXECUTION')) names.push(name);
    expect(names.sort()).toEqual(['execution-0-cancel', 'execution-0-submit', 'execution-1-cancel', 'execution-1-submit']);
  });

  it('grows by partitions and lanes with the messages kept', async () => {
    await rig.send({ key: 'a', n: 1 }, 'm1');
    const outcome = await ensureTopology(rig.connection, withQueue({ partitions: 3, lanes: ['submit', 'cancel', 'amend'] }));
    expect(kinds(outcome).filter((kind) => kind === 'durable_created')).toHaveLength(5);
    expect(kinds(outcome)).toContain('stream_updated');
    expect(await rig.send({ key: 'a', n: 2 }, 'm2', { partition: 2, lane: 'amend' })).toEqual({ ok: true });
    const backlogs = await queueBacklogs(rig.connection, withQueue({ partitions: 3, lanes: ['submit', 'cancel', 'amend'] }));
    expect(backlogs?.filter(({ pending }) => pending > 0)).toEqual([
      { service: SERVICE, partition: 0, lane: 'submit', pending: 1, out: 0 },
      { service: SERVICE, partition: 2, lane: 'amend', pending: 1, out: 0 },
    ]);
  });

  it('changes limits and waits in place', async () => {
    const outcome = await ensureTopology(rig.connection, withQueue({ ackWaitMs: 5_000, maxAckPending: 7, bytesMax: 1024 * 1024 }));
    expect(kinds(outcome)).toEqual(['stream_updated', ...Array<string>(4).fill('durable_updated')]);
    const { config } = await (await managerOf(rig.connection)).consumers.info('CMD_EXECUTION', 'execution-0-submit');
    expect(config).toMatchObject({ ack_wait: 5e9, max_ack_pending: 7, max_deliver: -1 });
  });

  it('makes again what was deleted', async () => {
    const manager = await managerOf(rig.connection);
    await manager.consumers.delete('CMD_EXECUTION', 'execution-1-submit');
    await manager.streams.delete('DLQ');
    expect([...kinds(await ensureTopology(rig.connection, rig.topology))].sort()).toEqual(['durable_created', 'stream_created']);
  });

  it('is a conflict for a person when a stream of the name is something else', async () => {
    const manager = await managerOf(rig.connection);
    await manager.streams.delete('CMD_EXECUTION');
    await manager.streams.add({ name: 'CMD_EXECUTION', subjects: ['tally.cmd.execution.>'] });
    expect(await ensureTopology(rig.connection, rig.topology)).toMatchObject({ ok: false, code: 'TOPOLOGY_CONFLICT' });
  });

  it('is the same when several processes make it at once', async () => {
    const others = await Promise.all([startRig(nats.url), startRig(nats.url)]);
    const manager = await managerOf(rig.connection);
    await manager.streams.delete('CMD_EXECUTION');
    const outcomes = await Promise.all([rig, ...others].map(({ connection, topology }) => ensureTopology(connection, topology)));
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
    await Promise.all(others.map(({ connection }) => connection.close()));
  });

  it('refuses a publish to a partition or command that nobody works off', async () => {
    const noStream = { ok: false, detail: expect.stringContaining('NO_STREAM') };
    expect(await rig.send({}, 'm1', { partition: 2 })).toMatchObject(noStream);
    expect(await rig.send({}, 'm2', { lane: 'withdraw' })).toMatchObject(noStream);
  });

  it('refuses a message over 64 KiB, and more messages than fit', async () => {
    expect(await rig.send({ text: 'x'.repeat(66_000) }, 'm1')).toMatchObject({ ok: false, detail: expect.stringContaining('MESSAGE_TOO_LARGE') });
    await ensureTopology(rig.connection, withQueue({ bytesMax: 200_000 }));
    const sent = [];
    for (let n = 0; n < 5; n += 1) sent.push(await rig.send({ text: 'x'.repeat(60_000) }, `big${n}`));
    expect(sent.map(({ ok }) => ok)).toEqual([true, true, true, false, false]);
    expect(sent[4]?.detail).toContain('STREAM_FULL');
  });

  it('stores a message id once, and says so of the second', async () => {
    expect(await rig.send({ n: 1 }, 'm1')).toEqual({ ok: true });
    expect(await rig.send({ n: 1 }, 'm1')).toEqual({ ok: true, detail: 'duplicate' });
  });

  it('remakes a durable that has acknowledged more than its stream holds after a loss of power', async () => {
    const seen: number[] = [];
    const consumer = consumeCommands(rig.connection, {
      topology: rig.topology,
      service: SERVICE,
      partition: 0,
      lane: 'submit',
      keyOf,
      handler: (command) => {
        seen.push(numberOf(command));
        return Promise.resolve({ kind: 'done' });
      },
    });
    const manager = await managerOf(rig.connection);
    const stream = join(nats.storeDir, 'jetstream', '$G', 'streams', 'CMD_EXECUTION');
    // The stream as it was on disk before the messages; its consumers as they were after.
    await nats.shutdown();
    expect(existsSync(stream)).toBe(true);
    const before = join(nats.storeDir, 'before');
    cpSync(join(stream, 'msgs'), before, { recursive: true });
    await nats.restart();
    await eventually('live', () => consumer.isLive());
    for (let n = 1; n <= 5; n += 1) await rig.send({ key: 'a', n }, `m${n}`);
    await eventually('all acknowledged', async () => (await manager.consumers.info('CMD_EXECUTION', 'execution-0-submit')).ack_floor.stream_seq === 5);
    await consumer.stop();
    await nats.shutdown();
    rmSync(join(stream, 'msgs'), { recursive: true });
    cpSync(before, join(stream, 'msgs'), { recursive: true });
    await nats.restart();
    await eventually('connected', () => rig.connection.isConnected());
    const outcome = await eventually('asked', async () => {
      const result = await ensureTopology(rig.connection, rig.topology);
      return result.ok ? result : undefined;
    });
    const info = await manager.consumers.info('CMD_EXECUTION', 'execution-0-submit');
    const { state } = await manager.streams.info('CMD_EXECUTION');
    expect({ repairs: kinds(outcome), floor: info.ack_floor.stream_seq, last: state.last_seq, files: readdirSync(stream) }).toMatchObject({ repairs: ['durable_recreated'], floor: 0, last: 0 });
  });

  it('is guarded for as long as the process lives, with the backlog shown', async () => {
    const stop = guardTopology(rig.connection, rig.topology, 20);
    await (await managerOf(rig.connection)).consumers.delete('CMD_EXECUTION', 'execution-1-submit');
    await rig.send({ key: 'a', n: 1 }, 'm1');
    await eventually('made again', async () => (await rig.metric('tally_topology_repairs_total{kind="durable_created"}')) === 5);
    await eventually('shown', async () => (await rig.metric('tally_queue_pending{service="execution",command="submit"}')) === 1);
    stop();
  });
});
