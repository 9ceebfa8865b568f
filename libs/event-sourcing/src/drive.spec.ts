import { describe, expect, it } from '@jest/globals';
import { uuidOf } from '@tallystick/contracts';
import type { RecordedEvent } from '@tallystick/ports';
import { drive, type DriveOptions } from './drive.ts';
import { heldTimers } from './testing/counter.ts';
import { MemoryStore } from './testing/memory-store.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

const storeWith = async (keys: string): Promise<MemoryStore> => {
  const store = new MemoryStore();
  const next = new Map<string, number>();
  for (const [i, key] of [...keys].entries()) {
    const revision = next.get(key) ?? -1;
    await store.append(`x-${key}`, revision < 0 ? 'no_stream' : revision, [{ id: uuidOf('test', String(i)), type: 'Happened', data: { n: i }, metadata: {} }]);
    next.set(key, revision + 1);
  }
  return store;
};
const places = (store: MemoryStore): readonly bigint[] => store.all().map(({ position }) => position);
const numberOf = (event: RecordedEvent): number => Number(event.data['n']);

/** A drive whose handler ends when the test says how. */
const heldDrive = (store: MemoryStore, options: Partial<DriveOptions> = {}) => {
  const started: number[] = [];
  const held = new Map<number, (outcome: 'done' | 'retry') => void>();
  const failures: unknown[] = [];
  const timers = heldTimers();
  const driving = drive(store, {
    name: 'test', after: 'start', streamPrefixes: ['x-'], keyOf: ({ stream }) => stream, timers, onFailed: (error) => failures.push(error),
    handle: (event) => new Promise((resolve) => {
      started.push(numberOf(event));
      held.set(numberOf(event), resolve);
    }),
    ...options,
  });
  const end = async (n: number, outcome: 'done' | 'retry' = 'done'): Promise<void> => {
    held.get(n)?.(outcome);
    await turn();
  };
  return { driving, started, end, failures, timers };
};

describe('a service driven by the log', () => {
  it('handles events of one key in order, one at a time, and different keys in parallel', async () => {
    const { started, end } = heldDrive(await storeWith('aabab'));
    await turn();
    expect(started).toEqual([0, 2]);
    await end(2);
    expect(started).toEqual([0, 2, 4]);
    await end(0);
    await end(1);
    expect(started).toEqual([0, 2, 4, 1, 3]);
  });

  it('keeps a bounded number in work, and takes the next when one is done', async () => {
    const store = new MemoryStore();
    for (let i = 0; i < 100; i += 1) await store.append(`x-${i}`, 'no_stream', [{ id: uuidOf('test', String(i)), type: 'Happened', data: { n: i }, metadata: {} }]);
    const { driving, started, end } = heldDrive(store);
    await turn();
    expect(started).toHaveLength(64);
    expect(driving.inFlight()).toBe(64);
    await end(40);
    expect(started).toHaveLength(65);
  });

  it('tries again what asks for it, after longer and longer waits, and holds back nothing but its key', async () => {
    const { started, end, timers } = heldDrive(await storeWith('aab'));
    await turn();
    await end(0, 'retry');
    await end(2);
    expect(started).toEqual([0, 2]);
    const waits = [...timers.waits()];
    for (let i = 0; i < 10; i += 1) {
      timers.ring();
      await turn();
      await end(0, 'retry');
      waits.push(...timers.waits());
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 2000, 2000, 2000]);
    expect(started.filter((n) => n === 1)).toEqual([]);
    timers.ring();
    await turn();
    await end(0);
    expect(started.at(-1)).toBe(1);
  });

  it('counts as done what lies before the oldest in work, at the place of an event', async () => {
    const store = await storeWith('abcd');
    const [first, second, , fourth] = places(store);
    const { driving, end } = heldDrive(store);
    await turn();
    await end(1);
    await end(2);
    expect(driving.done()).toBeUndefined();
    await end(0);
    expect(driving.done()).toBe(places(store)[2]);
    await end(3);
    expect(driving.done()).toBe(fourth);
    expect(first !== undefined && second !== undefined && first < second).toBe(true);
  });

  it('saves checkpoints that never pass an unfinished event', async () => {
    const store = await storeWith('abcdef');
    const saved: bigint[] = [];
    const { end } = heldDrive(store, { checkpointEvery: 2, onCheckpoint: (position) => Promise.resolve(void saved.push(position)) });
    await turn();
    for (const n of [0, 2, 3, 4, 1, 5]) await end(n);
    const at = places(store);
    // After 0 and 2: behind 1. After 3 and 4: still behind 1. After 1 and 5: everything.
    expect(saved).toEqual([at[0], at[0], at[5]]);
  });

  it('starts after its checkpoint and counts it as done', async () => {
    const store = await storeWith('abc');
    const { driving, started } = heldDrive(store, { after: places(store)[1] ?? 0n });
    await turn();
    expect(started).toEqual([2]);
    expect(driving.done()).toBe(places(store)[1]);
  });

  it('loses nothing, whatever order work ends in: a restart from its checkpoint handles what was not done', async () => {
    const store = await storeWith('abcde');
    const first = heldDrive(store);
    await turn();
    for (const n of [4, 0, 2]) await first.end(n);
    const stopping = first.driving.stop();
    await first.end(1, 'retry');
    await first.end(3, 'retry');
    await stopping;
    const second = heldDrive(store, { after: first.driving.done() ?? 'start' });
    await turn();
    expect(second.started).toEqual([1, 2, 3, 4]);
  });
});

describe('stopping', () => {
  it('waits for what is in work and starts nothing more', async () => {
    const { driving, started, end } = heldDrive(await storeWith('aab'));
    await turn();
    let stopped = false;
    const stopping = driving.stop().then(() => (stopped = true));
    await end(2);
    expect(stopped).toBe(false);
    await end(0);
    await stopping;
    expect(started).toEqual([0, 2]);
    expect(driving.isLive()).toBe(false);
  });

  it('does not wait out a backoff, and does not count the event as done', async () => {
    const store = await storeWith('ab');
    const { driving, end } = heldDrive(store);
    await turn();
    await end(1);
    await end(0, 'retry');
    await driving.stop();
    expect(driving.done()).toBeUndefined();
  });

  it('ends a drive that waits for room', async () => {
    const store = new MemoryStore();
    for (let i = 0; i < 70; i += 1) await store.append(`x-${i}`, 'no_stream', [{ id: uuidOf('test', String(i)), type: 'Happened', data: { n: i }, metadata: {} }]);
    const { driving, started, end } = heldDrive(store);
    await turn();
    const stopping = driving.stop();
    for (let i = 0; i < 64; i += 1) await end(i);
    await stopping;
    expect(started).toHaveLength(64);
  });
});

describe('a handler that throws', () => {
  it('stops the drive, is told, and is not done', async () => {
    const store = await storeWith('ab');
    const failures: unknown[] = [];
    const driving = drive(store, {
      name: 'test', after: 'start', streamPrefixes: ['x-'], keyOf: ({ stream }) => stream, timers: heldTimers(), onFailed: (error) => failures.push(error),
      handle: (event) => (numberOf(event) === 0 ? Promise.reject(new Error('broken')) : Promise.resolve('done')),
    });
    await turn();
    expect(failures).toEqual([new Error('broken')]);
    expect(driving.isLive()).toBe(false);
    expect(driving.done()).toBeUndefined();
    await driving.stop();
  });
});
