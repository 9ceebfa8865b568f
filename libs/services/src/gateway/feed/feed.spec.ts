import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@tallystick/ports';
import type { HttpRequest, HttpResponse } from '../http/exchange.ts';
import { fakeWorld } from '../testing/fake-world.ts';
import { Feed } from './feed.ts';

const event = (n: number, stream = 'policy-paper', data: object = {}): RecordedEvent => ({
  id: `e${n}`, type: 'PolicyActivated', stream, revision: n, position: BigInt(n), recordedAtMs: 0, data: data as RecordedEvent['data'],
  metadata: { specversion: '1.0', source: '/s', time: '2013-10-08T13:30:00.000Z', schemaversion: 1, actor: 'a', build: 'b', policyhash: '', prevhash: '0'.repeat(64), correlationid: 'c', causationid: 'c' },
});

const exchange = (options: { readonly takes: boolean }) => {
  const written: string[] = [];
  const closers: (() => void)[] = [];
  const state = { destroyed: false, ended: false };
  const request = { on: (_event: string, listener: () => void) => void closers.push(listener) } as unknown as HttpRequest;
  const response = {
    get writableEnded() { return state.ended; }, writeHead: () => undefined, write: (text: string) => { written.push(text); return options.takes; },
    end: () => void (state.ended = true), destroy: () => void (state.destroyed = true), once: () => undefined,
  } as unknown as HttpResponse;
  return { request, response, written, state, close: () => closers.forEach((listener) => listener()) };
};

describe('the live feed', () => {
  it('gives each event its position as id, and a place to resume from with every heartbeat', async () => {
    const world = fakeWorld();
    const { request, response, written } = exchange({ takes: true });
    new Feed(world.ports).serve(request, response, '12', {});
    expect(world.subscriptions[0]?.after).toBe(12n);
    await world.subscriptions[0]?.onEvent(event(13));
    expect(written.at(-1)).toMatch(/^id: 13\nevent: PolicyActivated\ndata: \{"specversion":"1.0".*"position":"13".*\}\n\n$/);
    await world.subscriptions[0]?.onCheckpoint?.(90n);
    await world.beat();
    expect(written.at(-1)).toBe('id: 90\n: heartbeat\n\n');
  });

  it('lets go of who does not take what was sent, and of nobody else', async () => {
    const world = fakeWorld();
    const feed = new Feed(world.ports);
    const slow = exchange({ takes: false });
    const quick = exchange({ takes: true });
    feed.serve(slow.request, slow.response, undefined, {});
    feed.serve(quick.request, quick.response, undefined, {});
    await world.subscriptions[0]?.onEvent(event(1));
    expect(slow.state.destroyed).toBe(true);
    expect(world.logged).toContain('feed.slow_watcher');
    expect([feed.count(), world.stopped]).toEqual([1, 1]);
    await world.subscriptions[1]?.onEvent(event(1));
    expect(quick.state.destroyed).toBe(false);
  });

  it('stops its subscription when the watcher goes, and has room for no more than it can serve', () => {
    const world = fakeWorld();
    const feed = new Feed(world.ports);
    const all = Array.from({ length: 64 }, () => exchange({ takes: true }));
    for (const { request, response } of all) feed.serve(request, response, undefined, {});
    const more = exchange({ takes: true });
    expect(() => feed.serve(more.request, more.response, undefined, {})).toThrow('TOO_MANY_STREAMS');
    all[0]?.close();
    expect([feed.count(), world.stopped]).toEqual([63, 1]);
    feed.stop();
    expect([feed.count(), world.stopped]).toEqual([0, 64]);
  });

  it('leaves out events of other accounts', async () => {
    const world = fakeWorld();
    const { request, response, written } = exchange({ takes: true });
    new Feed(world.ports).serve(request, response, undefined, { account: 'paper-1', category: 'reconciliation' });
    expect(world.subscriptions[0]).toMatchObject({ after: 'end', streamPrefixes: ['reconciliation-'] });
    const before = written.length;
    await world.subscriptions[0]?.onEvent(event(1, 'reconciliation-paper-2', { account: 'paper-2' }));
    expect(written).toHaveLength(before);
    await world.subscriptions[0]?.onEvent(event(2, 'reconciliation-paper-1', { account: 'paper-1' }));
    expect(written).toHaveLength(before + 1);
  });
});
