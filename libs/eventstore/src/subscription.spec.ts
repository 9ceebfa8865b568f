import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventStore, RecordedEvent, SubscribeAllOptions } from '@tallystick/ports';
import { connectEventStore } from './connect.ts';
import { caughtUpMessage, checkpointMessage, eventMessage, ScriptedStore, storedEvent } from './testing/scripted-store.ts';
import { recordingLog, systemPorts, until } from './testing/world.ts';

type ReadCall = Parameters<ScriptedStore['onRead']>[0];

let store: ScriptedStore;
let one: EventStore;
/** Where each subscription asked to start, as `commit/prepare` or `start`. */
let asked: string[];
let failures: unknown[];

/** One script per connection, in order; further connections stay silent. */
const serve = (...scripts: readonly ((call: ReadCall) => void)[]): void => {
  const left = [...scripts];
  store.onRead = (call) => {
    const all = call.request.getOptions()?.getAll();
    if (call.request.getOptions()?.hasSubscription() === true) {
      const position = all?.getPosition();
      asked.push(position === undefined ? 'start' : `${position.getCommitPosition()}/${position.getPreparePosition()}`);
    }
    left.shift()?.(call);
  };
};

const breakWith = (call: ReadCall, code: number, details = 'as scripted'): void => void call.emit('error', { code, details });

const subscribe = (options: Partial<SubscribeAllOptions> = {}): { readonly positions: bigint[]; readonly subscription: ReturnType<EventStore['subscribeAll']> } => {
  const positions: bigint[] = [];
  const subscription = one.subscribeAll({
    after: 'start',
    streamPrefixes: ['order-'],
    onEvent: (event) => void positions.push(event.position),
    onFailed: (error) => void failures.push(error),
    name: 'spec',
    ...options,
  });
  return { positions, subscription };
};

beforeEach(async () => {
  asked = [];
  failures = [];
  store = new ScriptedStore();
  await store.start();
  one = connectEventStore({ url: store.url, ports: systemPorts(), log: recordingLog(), connectionName: 'spec', readDeadlineMs: 1_000 });
});

afterEach(async () => {
  await one.close();
  await store.stop();
});

describe('a subscription', () => {
  it.each([
    ['a broken connection', (call: ReadCall) => breakWith(call, status.UNAVAILABLE)],
    ['a slow-consumer drop', (call: ReadCall) => breakWith(call, status.ABORTED, 'Consumer too slow')],
    ['a cancellation by the server', (call: ReadCall) => breakWith(call, status.CANCELLED)],
    ['a refusal', (call: ReadCall) => breakWith(call, status.UNAUTHENTICATED)],
    ['a deleted stream', (call: ReadCall) => breakWith(call, status.FAILED_PRECONDITION)],
    ['a clean end', (call: ReadCall) => call.end()],
  ])('resumes after %s, from the last event handled', async (_what, ending) => {
    serve(
      (call) => {
        call.write(eventMessage(storedEvent(10)));
        call.write(eventMessage(storedEvent(20)));
        ending(call);
      },
      (call) => call.write(eventMessage(storedEvent(30))),
    );
    const { positions, subscription } = subscribe();
    await until('three events', () => positions.length === 3);
    expect(positions).toEqual([10n, 20n, 30n]);
    expect(asked).toEqual(['start', '20/20']);
    expect(subscription.position()).toBe(30n);
    expect(failures).toEqual([]);
  });

  it('drops what a server sends again', async () => {
    serve(
      (call) => {
        for (const position of [10, 20, 20, 10]) call.write(eventMessage(storedEvent(position)));
        call.end();
      },
      (call) => {
        for (const position of [10, 20, 30]) call.write(eventMessage(storedEvent(position)));
      },
    );
    const { positions } = subscribe();
    await until('the third', () => positions.includes(30n));
    expect(positions).toEqual([10n, 20n, 30n]);
  });

  it('starts after a given position', async () => {
    serve((call) => call.write(eventMessage(storedEvent(41))));
    const { positions, subscription } = subscribe({ after: 40n });
    expect(subscription.position()).toBe(40n);
    await until('one event', () => positions.length === 1);
    expect(asked).toEqual(['40/40']);
  });

  it('turns "end" into a position once, so that a connection lost before the first event loses nothing', async () => {
    serve(
      (call) => {
        // The head of the log is a system's event in another format.
        call.write(eventMessage(storedEvent(90, 'raw', '$scavenges'), 'application/octet-stream'));
        call.end();
      },
      (call) => call.end(),
      (call) => call.write(eventMessage(storedEvent(100))),
    );
    const { positions } = subscribe({ after: 'end' });
    await until('one event', () => positions.length === 1);
    expect(asked).toEqual(['90/90', '90/90']);
  });

  it('takes the end of an empty log for its start', async () => {
    serve((call) => call.end());
    subscribe({ after: 'end' });
    await until('it asked', () => asked.length > 0);
    expect(asked).toEqual(['start']);
  });

  it('passes an exact checkpoint on and resumes after it', async () => {
    const checkpoints: bigint[] = [];
    serve(
      (call) => {
        call.write(eventMessage(storedEvent(10)));
        call.write(checkpointMessage(500, 500));
        call.write(checkpointMessage(5, 5));
        call.end();
      },
      (call) => call.write(eventMessage(storedEvent(510))),
    );
    const { positions, subscription } = subscribe({ onCheckpoint: (position) => void checkpoints.push(position) });
    await until('two events', () => positions.length === 2);
    expect(checkpoints).toEqual([500n]);
    expect(asked).toEqual(['start', '500/500']);
    expect(subscription.position()).toBe(510n);
  });

  it('does not lose the event that a checkpoint lies just before', async () => {
    const checkpoints: bigint[] = [];
    serve(
      (call) => {
        call.write(eventMessage(storedEvent(10)));
        call.write(checkpointMessage(500, 0));
        call.end();
      },
      (call) => call.write(eventMessage(storedEvent(500))),
    );
    const { positions } = subscribe({ onCheckpoint: (position) => void checkpoints.push(position) });
    await until('two events', () => positions.length === 2);
    expect(positions).toEqual([10n, 500n]);
    expect(asked).toEqual(['start', '500/0']);
    expect(checkpoints).toEqual([]);
  });

  it('is live from caught up to the end of its connection', async () => {
    const calls: ReadCall[] = [];
    let caughtUp = 0;
    serve((call) => {
      calls.push(call);
      call.write(caughtUpMessage());
    });
    const { subscription } = subscribe({ onCaughtUp: () => (caughtUp += 1) });
    expect(subscription.isLive()).toBe(false);
    await until('live', () => subscription.isLive());
    expect(caughtUp).toBe(1);
    for (const call of calls) breakWith(call, status.UNAVAILABLE);
    await until('not live', () => !subscription.isLive());
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('handler'))],
    [
      'throws',
      () => {
        throw new Error('handler');
      },
    ],
  ])('stops for good when its handler %s', async (_what, onEvent) => {
    serve((call) => {
      call.write(eventMessage(storedEvent(10)));
      call.write(eventMessage(storedEvent(20)));
    });
    let calls = 0;
    const { subscription } = subscribe({
      onEvent: () => {
        calls += 1;
        return onEvent();
      },
    });
    await until('it failed', () => failures.length > 0);
    await subscription.stop();
    expect(failures).toEqual([new Error('handler')]);
    expect(calls).toBe(1);
    expect(subscription.isLive()).toBe(false);
    expect(subscription.position()).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it('stops for good at an event that is not what the product writes, and names it', async () => {
    serve((call) => {
      call.write(eventMessage(storedEvent(10)));
      call.write(eventMessage(storedEvent(20), 'application/octet-stream'));
    });
    const { positions } = subscribe();
    await until('it failed', () => failures.length > 0);
    expect(positions).toEqual([10n]);
    expect(String(failures[0])).toContain('order-1@20');
  });

  it('hands over one event at a time, and keeps the server waiting instead of the memory full', async () => {
    const padding = 'x'.repeat(10_000);
    const total = 3_000;
    let written = 0;
    serve((call) => {
      const fill = (): void => {
        while (written < total) {
          written += 1;
          if (!call.write(eventMessage(storedEvent(written, JSON.stringify({ padding }))))) {
            call.once('drain', fill);
            return;
          }
        }
      };
      fill();
    });
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let running = 0;
    let most = 0;
    const seen: RecordedEvent[] = [];
    subscribe({
      onEvent: async (event) => {
        running += 1;
        most = Math.max(most, running);
        if (seen.length === 0) await gate;
        seen.push(event);
        running -= 1;
      },
    });
    await until('the handler runs', () => running === 1);
    let before = -1;
    // Written until the windows of the connection are full, and no further.
    await until('the server is held back', async () => {
      const still = before === written;
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still;
    });
    expect(written).toBeLessThan(total / 2);
    release();
    await until('all events', () => seen.length === total);
    expect(most).toBe(1);
    expect(seen.map(({ position }) => position)).toEqual(Array.from({ length: total }, (_, n) => BigInt(n + 1)));
  });

  it('stops when its handler is at rest, and delivers nothing after', async () => {
    serve((call) => {
      for (const position of [10, 20, 30]) call.write(eventMessage(storedEvent(position)));
    });
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const started: bigint[] = [];
    let stopped = false;
    const { subscription } = subscribe({
      onEvent: async ({ position }) => {
        started.push(position);
        await gate;
      },
    });
    await until('the first event', () => started.length === 1);
    const stopping = subscription.stop().then(() => (stopped = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stopped).toBe(false);
    release();
    await stopping;
    expect(started).toEqual([10n]);
    expect(subscription.position()).toBe(10n);
  });

  it('fails without a prefix instead of guessing whether that means all or nothing', async () => {
    subscribe({ streamPrefixes: [] });
    await until('it failed', () => failures.length > 0);
    expect(asked).toEqual([]);
  });

  it('waits for a store that is not there yet', async () => {
    const { port } = store;
    await store.stop();
    const { positions } = subscribe();
    serve((call) => call.write(eventMessage(storedEvent(10))));
    await store.start(port);
    await until('the event', () => positions.length === 1);
  });
});

describe('the head of the log', () => {
  it('is the position of the newest event', async () => {
    serve((call) => {
      call.write(eventMessage(storedEvent(70)));
      call.end();
    });
    expect(await one.head()).toEqual({ ok: true, position: 70n });
  });

  it('is undefined when the log is empty, and unavailable when it cannot be read', async () => {
    serve(
      (call) => call.end(),
      () => undefined,
    );
    expect(await one.head()).toEqual({ ok: true, position: undefined });
    expect(await one.head()).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
  });
});

describe('a read', () => {
  const missing = 'order-none';

  it('tells a missing stream from a store that cannot answer', async () => {
    expect(await one.read(missing)).toEqual({ ok: true, exists: false, events: [] });
    await store.stop();
    expect(await one.read(missing)).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
  });

  it('is tried again when its connection breaks, and brings each event once', async () => {
    serve(
      (call) => {
        call.write(eventMessage(storedEvent(0)));
        breakWith(call, status.UNAVAILABLE);
      },
      (call) => {
        call.write(eventMessage(storedEvent(0)));
        call.write(eventMessage(storedEvent(1)));
        call.end();
      },
    );
    const read = await one.read('order-1');
    expect(read.ok && read.events.map(({ revision }) => revision)).toEqual([0, 1]);
  });

  it('ends at its deadline when no answer comes', async () => {
    serve(() => undefined);
    expect(await one.read('order-1')).toMatchObject({ ok: false, code: 'STORE_UNAVAILABLE' });
  });

  it('is refused with the reason the store gives', async () => {
    serve((call) => breakWith(call, status.PERMISSION_DENIED, 'not yours'));
    expect(await one.read('order-1')).toEqual({ ok: false, code: 'STORE_REFUSED', detail: 'PERMISSION_DENIED: not yours' });
  });

  it('is refused when the stream holds what the product did not write', async () => {
    serve((call) => {
      call.write(eventMessage(storedEvent(3, '[]')));
      call.end();
    });
    const read = await one.read('order-1');
    expect(read).toMatchObject({ ok: false, code: 'STORE_REFUSED' });
    expect(JSON.stringify(read)).toContain('EVENT_UNREADABLE');
  });

  it.each([{ from: -1 }, { from: 0.5 }, { maxCount: 0 }, { maxCount: 1.5 }])('is refused unsent when it makes no sense: %j', async (options) => {
    expect(await one.read('order-1', options)).toMatchObject({ ok: false, code: 'STORE_REFUSED' });
  });
});
