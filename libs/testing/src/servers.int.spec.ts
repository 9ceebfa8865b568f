import { describe, expect, it } from '@jest/globals';
import { connectEventStore } from '@tallystick/eventstore';
import { silentLog, silentMetrics, systemPorts } from '@tallystick/platform';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { eventually } from './eventually.ts';
import { startTestNats } from './nats.ts';
import { startTestStore } from './store.ts';

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

describe('servers for tests', () => {
  it('start a nats-server that keeps its port over a kill and a wipe, and leaves nothing behind', async () => {
    const nats = await startTestNats();
    const first = nats.pid();
    expect(await accepts(nats.port)).toBe(true);
    await nats.kill();
    expect(await accepts(nats.port)).toBe(false);
    await nats.restart();
    expect(await accepts(nats.port)).toBe(true);
    await nats.wipe();
    expect(nats.pid()).not.toBe(first);
    expect(await accepts(nats.port)).toBe(true);
    await nats.stop();
    expect([await accepts(nats.port), existsSync(nats.storeDir)]).toEqual([false, false]);
  });

  it('say what a nats-server said that did not start', async () => {
    await expect(startTestNats({ config: ['no_such_option: 1', 'port: "x"'] })).rejects.toThrow('nats-server did not start');
  });

  it('start a store that keeps its log over a restart and loses it by a wipe', async () => {
    const server = await startTestStore();
    const store = connectEventStore({ url: server.url, ports: systemPorts(), log: silentLog, metrics: silentMetrics, connectionName: 'spec' });
    const event = { id: '0b7f3d2e-0000-4000-8000-000000000001', type: 'Tested', data: {}, metadata: {} };
    expect(await store.append('test-1', 'no_stream', [event])).toMatchObject({ ok: true, revision: 0 });
    await server.restart();
    const exists = async (): Promise<string | undefined> => {
      const read = await store.read('test-1');
      return read.ok ? String(read.exists) : undefined;
    };
    expect(await eventually('it answers', exists)).toBe('true');
    await server.wipe();
    expect(await eventually('it answers', exists)).toBe('false');
    await store.close();
    await server.stop();
    expect(existsSync(server.dataDir)).toBe(false);
  });

  it('eventually says what it waited for and what it saw', async () => {
    await expect(eventually('the moon', () => false, 20)).rejects.toThrow('the moon; last seen: false');
    await expect(eventually('the sun', () => Promise.reject(new Error('clouds')), 20)).rejects.toThrow('clouds');
  });
});
