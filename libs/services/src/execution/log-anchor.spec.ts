import { beforeEach, describe, expect, it } from '@jest/globals';
import { anchorStream, leaseStream } from '@tallystick/contracts';
import type { AnchorEvent } from '@tallystick/domain';
import { LogTail } from '@tallystick/event-sourcing';
import { MemoryStore } from '@tallystick/event-sourcing/testing';
import type { AnchorFile } from '@tallystick/ports';
import type { GatewayPorts } from '../gateway/gateway-ports.ts';
import { acceptStore } from '../gateway/use-cases/accept-store.ts';
import type { ServicePorts } from '../shared/service-ports.ts';
import { happened, manualWorld, writer, type ManualWorld } from '../supervisor/spec-world.ts';
import { acquireLease } from './lease.ts';
import { LogAnchor } from './log-anchor.ts';

const DAY_MS = 86_400_000;
/** Until what is missing counts as missing. */
const PATIENCE_MS = 2_000;

interface Paper extends AnchorFile {
  text: string | undefined;
  failing: Error | undefined;
}

/** A file that a test can damage. */
const paper = (text?: string): Paper => {
  const made: Paper = {
    text, failing: undefined,
    read: () => (made.failing ? Promise.reject(made.failing) : Promise.resolve(made.text)),
    write: (written) => {
      if (made.failing) return Promise.reject(made.failing);
      made.text = written;
      return Promise.resolve();
    },
  };
  return made;
};

/** The log as it was after its first `count` events. */
const copyOf = async (store: MemoryStore, count: number, nowMs: () => number): Promise<MemoryStore> => {
  const copy = new MemoryStore({ nowMs });
  for (const { stream, revision, id, type, data, metadata } of store.all().slice(0, count)) {
    const appended = await copy.append(stream, revision === 0 ? 'no_stream' : revision - 1, [{ id, type, data, metadata }]);
    expect(appended.ok).toBe(true);
  }
  return copy;
};

describe('the anchor of the log', () => {
  let made: ManualWorld;
  let file: Paper;
  let gauges: number[];
  let gaveUp: string[];

  beforeEach(() => {
    made = manualWorld();
    file = paper();
    gauges = [];
    gaveUp = [];
  });

  const worldOn = (store: MemoryStore, instance: string): ServicePorts => ({
    ...made.world, store, identity: { service: 'execution', instance, build: 'b' },
    metrics: { ...made.world.metrics, gauge: (name, value) => (name === 'tally_store_behind_anchor' ? void gauges.push(value) : undefined) },
    tail: new LogTail(store, { name: 'tail', streamPrefixes: ['order-'], watchedPrefixes: ['lease-execution-', 'kill'], timers: made.world.ports.timers, onUnreadable: () => undefined }),
  });

  /** An execution's first steps on this log. */
  const start = async (store: MemoryStore, instance: string) => {
    const world = worldOn(store, instance);
    world.tail.start();
    await made.advance(0);
    const lease = await acquireLease(world, 'execution', 'main');
    if (!lease.ok) throw new Error(lease.code);
    const anchor = new LogAnchor(world, file, (detail) => void gaveUp.push(detail));
    anchor.note(lease.newest);
    let admitted: boolean | undefined;
    void anchor.admit(lease.usedBefore).then((open) => (admitted = open));
    await made.advance(0);
    const stop = async (): Promise<void> => {
      await anchor.stop();
      await world.tail.stop();
    };
    return { world, anchor, admitted: () => admitted, stop, accept: () => acceptStore({ service: world } as GatewayPorts, { body: { version: 1, reason: 'the disk is gone' }, actor: 'operator:ada', requestId: 'r' }) };
  };
  const known = (): Record<string, unknown> => (JSON.parse(file.text ?? '{}') as { event: Record<string, unknown> }).event;
  const recorded = (store: MemoryStore): readonly AnchorEvent[] => store.all().filter(({ stream }) => stream === anchorStream('execution')).map(({ type, data }) => ({ type, data }) as unknown as AnchorEvent);
  const typesIn = (store: MemoryStore): readonly string[] => recorded(store).map(({ type }) => type);
  /** A day of trading: its log, and how many events of it a backup has. */
  const traded = async (): Promise<{ store: MemoryStore; backedUp: number }> => {
    const { store } = made;
    const first = await start(store, 'execution-1');
    const write = writer(made);
    await write('order-a', happened.approved('a'), happened.claimed());
    const backedUp = store.all().length;
    await write('order-a', happened.acknowledged());
    await write('order-b', happened.approved('b'), happened.claimed());
    await first.stop();
    return { store, backedUp };
  };

  it('is made at the first start, and follows the log within a second', async () => {
    const { anchor, admitted, stop } = await start(made.store, 'execution-1');
    expect(admitted()).toBe(true);
    expect(anchor.hold()).toBeUndefined();
    expect(known()).toMatchObject({ stream: leaseStream('execution', 'main'), revision: 0 });
    const write = writer(made);
    await write('order-a', happened.approved('a'));
    expect(known()).toMatchObject({ stream: leaseStream('execution', 'main') });
    await made.advance(1_000);
    const last = made.store.all().at(-1);
    expect(known()).toMatchObject({ stream: 'order-a', revision: 0, event_id: last?.id, position: last?.position.toString() });
    await write('kill', { type: 'KillEngaged', data: { scope: 'firm', reason: 'r', engaged_by: 'operator:ada' } });
    await stop();
    expect(known()).toMatchObject({ stream: 'kill', revision: 0 });
    expect(typesIn(made.store)).toEqual([]);
  });

  it('lets the next start go on with the log it knows', async () => {
    const { store } = await traded();
    const { admitted, anchor } = await start(store, 'execution-2');
    expect(admitted()).toBe(true);
    expect(anchor.lostBeforeMs()).toBeUndefined();
    expect(gauges).toEqual([0, 0]);
    expect(made.logged).toEqual([]);
  });

  it('holds a log that lacks its event, and says once what was known and what is there', async () => {
    const { store, backedUp } = await traded();
    const before = file.text;
    const older = await copyOf(store, backedUp, made.nowMs);
    const { anchor, admitted, stop } = await start(older, 'execution-2');
    expect(anchor.hold()?.code).toBe('ANCHOR_NOT_CHECKED');
    await made.advance(30_000);
    expect(admitted()).toBeUndefined();
    expect(anchor.hold()).toEqual({ code: 'STORE_BEHIND_ANCHOR', detail: expect.stringMatching(/no order-b in the log.*event 1.*tally store accept --reason/) });
    expect(anchor.health()).toMatchObject({ ok: false, detail: expect.stringContaining('STORE_BEHIND_ANCHOR') });
    expect(gauges.at(-1)).toBe(1);
    expect(made.logged.filter(({ event }) => event === 'anchor.holds').map(({ fields }) => fields)).toEqual([expect.objectContaining({ code: 'ANCHOR_NOT_CHECKED' }), expect.objectContaining({ code: 'STORE_BEHIND_ANCHOR' })]);
    await stop();
    expect(admitted()).toBe(false);
    expect(file.text).toBe(before);
    const again = await start(older, 'execution-3');
    await made.advance(PATIENCE_MS);
    expect(again.anchor.hold()?.code).toBe('STORE_BEHIND_ANCHOR');
    expect(recorded(older)).toEqual([{ type: 'LogDoubted', data: expect.objectContaining({ code: 'STORE_BEHIND_ANCHOR', expected: known(), found_by: 'execution-2' }) }]);
  });

  it('names what is there instead, where the stream is shorter or goes on otherwise', async () => {
    const { store } = await traded();
    const shorter = await copyOf(store, store.all().length - 1, made.nowMs);
    const onShorter = await start(shorter, 'execution-2');
    await made.advance(PATIENCE_MS);
    expect(onShorter.anchor.hold()?.detail).toMatch(/^order-b ends with event 0 in the log, and event 1 of it was known/);
    expect(recorded(shorter)[0]?.data).toMatchObject({ found: { revision: 0, event_id: store.all().at(-2)?.id } });
    const other = await copyOf(store, store.all().length - 1, made.nowMs);
    const last = store.all().at(-1);
    if (!last) throw new Error('nothing was traded');
    await other.append(last.stream, last.revision - 1, [{ ...last, data: { ...last.data, owner: 'execution-9' } }]);
    const onOther = await start(other, 'execution-2');
    await made.advance(PATIENCE_MS);
    expect(onOther.anchor.hold()?.detail).toMatch(/^event 1 of order-b is another one than was known/);
  });

  it('is replaced by the acceptance, which is good once and says from when on the venue is to be asked first', async () => {
    const { store, backedUp } = await traded();
    const older = await copyOf(store, backedUp, made.nowMs);
    const { anchor, admitted, accept, stop } = await start(older, 'execution-2');
    const startedMs = made.nowMs();
    await made.advance(5_000);
    expect((await accept()).body).toMatchObject({ role: 'execution', code: 'STORE_BEHIND_ANCHOR', given_up: { stream: 'order-b', revision: 1 } });
    await made.advance(1_000);
    expect(admitted()).toBe(true);
    expect(anchor.hold()).toBeUndefined();
    expect(gauges.at(-1)).toBe(0);
    expect(typesIn(older)).toEqual(['LogDoubted', 'LogAccepted', 'AnchorReplaced']);
    expect(known()).toMatchObject({ stream: anchorStream('execution'), revision: 1 });
    expect(anchor.lostBeforeMs()).toBe(startedMs);
    await expect(accept()).rejects.toThrow(/NOTHING_TO_ACCEPT.*operator:ada: the disk is gone/);
    await stop();
    const next = await start(older, 'execution-3');
    expect([next.admitted(), next.anchor.lostBeforeMs()]).toEqual([true, made.nowMs()]);
    await next.stop();
    await made.advance(DAY_MS);
    expect(next.anchor.lostBeforeMs()).toBeUndefined();
  });

  it('takes an acceptance that came while nobody was there, and none that was made for another anchor', async () => {
    const { store, backedUp } = await traded();
    const given = file.text;
    const older = await copyOf(store, backedUp, made.nowMs);
    const second = await start(older, 'execution-2');
    await made.advance(PATIENCE_MS);
    await second.stop();
    await second.accept();
    file.text = given?.replace(/"checksum": "./, '"checksum": "x');
    const third = await start(older, 'execution-3');
    expect(third.anchor.hold()?.code).toBe('ANCHOR_UNREADABLE');
    await third.stop();
    file.text = given;
    expect((await start(older, 'execution-4')).admitted()).toBe(true);
    expect(typesIn(older)).toEqual(['LogDoubted', 'LogAccepted', 'LogDoubted', 'AnchorReplaced']);
  });

  it.each<[string, (text: string) => string]>([
    ['empty', () => ''], ['cut short', (text) => text.slice(0, 100)], ['changed by a digit', (text) => text.replace(/"revision": \d/, '"revision": 7')],
    ['something else', () => '{"version":1}'], ['zeros', (text) => '\0'.repeat(text.length)],
  ])('holds a log when it is %s, until that is accepted', async (_what, damage) => {
    const { store } = await traded();
    file.text = damage(file.text ?? '');
    const { anchor, admitted, accept } = await start(store, 'execution-2');
    expect(anchor.hold()).toEqual({ code: 'ANCHOR_UNREADABLE', detail: expect.stringContaining('cannot be read') });
    const { body } = await accept();
    expect(body).toMatchObject({ code: 'ANCHOR_UNREADABLE' });
    expect(body).not.toHaveProperty('given_up');
    await made.advance(1_000);
    expect(admitted()).toBe(true);
    expect(known()).toMatchObject({ stream: anchorStream('execution') });
    file.text = damage(file.text ?? '');
    expect((await start(store, 'execution-3')).anchor.hold()?.code).toBe('ANCHOR_UNREADABLE');
  });

  it('cannot be read at all: the same, and what can be read again is worth another start', async () => {
    const { store } = await traded();
    file.failing = new Error('EIO: i/o error');
    const { anchor, admitted, accept } = await start(store, 'execution-2');
    expect(anchor.hold()).toMatchObject({ code: 'ANCHOR_UNREADABLE', detail: expect.stringContaining('EIO') });
    await accept();
    await made.advance(1_000);
    expect(anchor.hold()?.code).toBe('ANCHOR_NOT_KEPT');
    expect(admitted()).toBeUndefined();
    file.failing = undefined;
    await made.advance(1_000);
    expect(gaveUp).toHaveLength(1);
    expect((await start(store, 'execution-3')).admitted()).toBe(true);
  });

  it('must be kept before anything is sent, and is tried again for ever after', async () => {
    file.write = () => Promise.reject(new Error('EROFS: read-only file system'));
    const { anchor, admitted } = await start(made.store, 'execution-1');
    await made.advance(2_000);
    expect(admitted()).toBeUndefined();
    expect(anchor.hold()).toEqual({ code: 'ANCHOR_NOT_KEPT', detail: 'EROFS: read-only file system' });
    file = Object.assign(file, paper());
    await made.advance(1_000);
    expect(admitted()).toBe(true);
  });

  it('is said to lag when it cannot be kept while trading', async () => {
    const { anchor, stop } = await start(made.store, 'execution-1');
    const keepAgain = file.write;
    file.write = () => Promise.reject(new Error('ENOSPC: no space left on device'));
    await writer(made)('order-a', happened.approved('a'));
    await made.advance(3_000);
    expect(anchor.hold()).toBeUndefined();
    expect(anchor.health()).toEqual({ ok: false, detail: 'ANCHOR_NOT_KEPT: ENOSPC: no space left on device' });
    file.write = keepAgain;
    await made.advance(1_000);
    expect(anchor.health()).toEqual({ ok: true, detail: 'order-a@0' });
    expect(made.logged.map(({ event }) => event)).toEqual(['anchor.not_kept', 'anchor.kept_again']);
    await stop();
  });

  it('waits for a store that does not answer, and doubts nothing for it', async () => {
    const { store } = await traded();
    store.failNext('read', 'unavailable', 1);
    const world = worldOn(store, 'execution-2');
    const anchor = new LogAnchor(world, file, (detail) => void gaveUp.push(detail));
    let admitted: boolean | undefined;
    void anchor.admit(true).then((open) => (admitted = open));
    await made.advance(0);
    expect(anchor.hold()?.code).toBe('STORE_UNAVAILABLE');
    store.failNext('read', 'unavailable', 2);
    await made.advance(5_000);
    expect(admitted).toBe(true);
    expect(typesIn(store)).toEqual([]);
  });

  it('doubts nothing for what a node that lags does not have yet', async () => {
    const { store, backedUp } = await traded();
    const { world, admitted } = await start(await copyOf(store, backedUp, made.nowMs), 'execution-2');
    await made.advance(PATIENCE_MS - 1);
    Object.assign(world, { store });
    await made.advance(1);
    expect([admitted(), gaveUp, typesIn(store)]).toEqual([true, [], []]);
  });

  it('ends a process whose log is exchanged for an older one, and leaves what is known as it is', async () => {
    const { store, backedUp } = await traded();
    const older = await copyOf(store, backedUp, made.nowMs);
    const { world, anchor } = await start(store, 'execution-2');
    const before = file.text;
    Object.assign(world, { store: older });
    await made.advance(1_000);
    expect(gaveUp).toEqual([expect.stringMatching(/in the log/)]);
    expect(anchor.hold()?.code).toBe('LOG_CHANGED');
    await anchor.stop();
    expect(file.text).toBe(before);
  });

  it('ends a process that held an older log when the right one is put back', async () => {
    const { store, backedUp } = await traded();
    const { world, admitted } = await start(await copyOf(store, backedUp, made.nowMs), 'execution-2');
    await made.advance(PATIENCE_MS);
    expect(admitted()).toBeUndefined();
    Object.assign(world, { store });
    await made.advance(1_000);
    expect(gaveUp).toHaveLength(1);
    expect(admitted()).toBeUndefined();
  });

  it('is missing beside a log that was traded on: said, and gone on with', async () => {
    const { store } = await traded();
    file.text = undefined;
    const { admitted } = await start(store, 'execution-2');
    expect(admitted()).toBe(true);
    expect(made.logged.map(({ event }) => event)).toEqual(['anchor.none']);
  });
});
