import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Log, Metrics, Timers } from '@tallystick/ports';
import { ReadModel } from './read-model.ts';
import { ReadModelFile } from './store/database.ts';
import { drawsOf, historyOf } from './testing/history.ts';
import type { MemoryLog } from './testing/memory-log.ts';
import { verifyReadModel, type VerifyResult } from './verify/verify.ts';

const timers: Timers = {
  // Waits for the store are shortened, waits of the test are not.
  sleep: async (ms, why, signal) => {
    await delay(why === 'read model position' ? ms : Math.min(ms, 50), undefined, signal ? { signal } : {}).catch(() => undefined);
  },
  every: () => () => undefined,
};
const log: Log = { write: () => undefined };
const metrics: Metrics = { count: () => undefined, observeMs: () => undefined, gauge: () => undefined };

const someHistory = (steps: number, seed = 7) => historyOf(drawsOf(seed), steps);

describe('a read model', () => {
  let dir: string;
  const open: ReadModel[] = [];
  const path = () => join(dir, 'read-model.sqlite');
  const start = (store: MemoryLog, at = path()): ReadModel => {
    const model = new ReadModel({ path: at, store, timers, log, metrics });
    open.push(model);
    model.start();
    return model;
  };
  const headOf = (store: MemoryLog): bigint => store.events.at(-1)?.position ?? -1n;
  const verify = (store: MemoryLog): Promise<VerifyResult> => verifyReadModel({ path: path(), scratchPath: join(dir, 'scratch.sqlite'), store, timers });

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'read-model-'));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((model) => model.stop()));
    rmSync(dir, { recursive: true });
  });

  it('folds what is there and what comes, and says when it has reached a position', async () => {
    const history = someHistory(60);
    const model = start(history.log);
    expect(await model.waitFor(headOf(history.log), 5000)).toBe(true);
    history.log.nowMs += 1000;
    for (let n = 0; n < 20; n += 1) history.step();
    const head = headOf(history.log);
    expect(await model.waitFor(head, 5000)).toBe(true);
    expect(model.queries.position()).toBe(head);
    expect(model.isLive()).toBe(true);
    expect(await model.waitFor(head + 1n, 20)).toBe(false);
  });

  it('finds the position that held at a time', async () => {
    const history = someHistory(30);
    const model = start(history.log);
    const before = headOf(history.log);
    const timeMs = history.log.nowMs;
    history.log.nowMs += 5000;
    const [later] = history.log.record('kill', { type: 'KillEngaged', data: { scope: 'firm', reason: 'drill', engaged_by: 'operator:a' } });
    await model.waitFor(later?.position ?? 0n, 5000);
    expect(model.queries.positionAt(timeMs)).toBe((later?.position ?? 0n) - 1n);
    expect(model.queries.positionAt(timeMs)).toBeGreaterThanOrEqual(before);
    expect(model.queries.positionAt(timeMs + 5000)).toBe(later?.position);
    expect(model.queries.positionAt(0)).toBeLessThan(history.log.events[0]?.position ?? 0n);
    expect(model.queries.kill(model.queries.positionAt(timeMs)).engaged.has('firm')).toBe(false);
  });

  it('goes on after a restart where its file is', async () => {
    const history = someHistory(50);
    const first = start(history.log);
    await first.waitFor(headOf(history.log), 5000);
    await first.stop();
    open.length = 0;
    for (let n = 0; n < 50; n += 1) history.step();
    const second = start(history.log);
    expect(second.queries.position()).toBeGreaterThanOrEqual(0n);
    expect(await second.waitFor(headOf(history.log), 5000)).toBe(true);
    expect(await verify(history.log)).toMatchObject({ outcome: 'same' });
  });

  it('throws its file away when the store holds another log, or the file is no read model', async () => {
    const old = someHistory(40);
    const first = start(old.log);
    await first.waitFor(headOf(old.log), 5000);
    await first.stop();
    const other = someHistory(80, 555);
    other.log.events.splice(0, 1, { ...(other.log.events[0] as MemoryLog['events'][number]), id: 'another' });
    Object.assign(other.log, { read: () => Promise.resolve({ ok: true, exists: true, events: other.log.events.slice(0, 1) }) });
    const second = start(other.log);
    await second.waitFor(headOf(other.log), 5000);
    expect(second.queries.events()).toBeLessThanOrEqual(other.log.events.length);
    expect(second.queries.orders({}, { limit: 1000 })).not.toEqual(first);
    await second.stop();
    open.length = 0;
    writeFileSync(path(), 'not a database at all, but long enough to be looked at as one by its first bytes');
    const third = start(old.log);
    expect(await third.waitFor(headOf(old.log), 5000)).toBe(true);
  });

  it('waits for a store that cannot be reached, and says so', async () => {
    const history = someHistory(20);
    const first = start(history.log);
    await first.waitFor(headOf(history.log), 5000);
    await first.stop();
    open.length = 0;
    history.log.available = false;
    const model = start(history.log);
    expect(model.isLive()).toBe(false);
    expect(model.fault()).toBe('the store has not answered yet');
    history.log.available = true;
    history.step();
    expect(await model.waitFor(headOf(history.log), 5000)).toBe(true);
  });

  it('verifies: same, different with the row that differs, unreadable', async () => {
    const history = someHistory(120);
    const model = start(history.log);
    await model.waitFor(headOf(history.log), 5000);
    const same = await verify(history.log);
    expect(same).toMatchObject({ outcome: 'same', position: String(model.queries.position()), events: model.queries.events() });
    await model.stop();
    open.length = 0;

    const file = ReadModelFile.openToFold(path());
    file.run("UPDATE positions SET qty = '999' WHERE valid_to IS NULL");
    file.close();
    expect(await verify(history.log)).toMatchObject({ outcome: 'different', first: { table: 'positions', live: expect.stringContaining('"qty":"999"') } });

    history.log.available = false;
    expect(await verify(history.log)).toMatchObject({ outcome: 'unreadable', code: 'STORE_UNREADABLE' });
    rmSync(path());
    history.log.available = true;
    expect(await verify(history.log)).toMatchObject({ outcome: 'unreadable', code: 'READ_MODEL_UNREADABLE' });
  });

  it('verifies that every event carries the hash of the one before it', async () => {
    const history = someHistory(60);
    const model = start(history.log);
    await model.waitFor(headOf(history.log), 5000);
    const at = history.log.events.findIndex(({ stream, revision, type }) => stream.startsWith('riskGroup-') && revision > 3 && type === 'OrderDecided');
    const event = history.log.events[at] as MemoryLog['events'][number];
    history.log.events[at] = { ...event, metadata: { ...event.metadata, actor: 'somebody else' } };
    expect(await verify(history.log)).toMatchObject({ outcome: 'unreadable', code: 'CHAIN_BROKEN' });
  });
});
