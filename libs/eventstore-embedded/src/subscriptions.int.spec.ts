import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { END, EventStoreDBClient, NO_STREAM, START, eventTypeFilter, jsonEvent, streamNameFilter } from '@eventstore/db-client';
import type { AllStreamSubscription, AppendExpectedRevision, AppendResult, Filter, Position, ReadPosition } from '@eventstore/db-client';
import { Fixture, event, until } from '../test/support.ts';

let fixture: Fixture;
let round = 0;
beforeAll(async () => {
  fixture = new Fixture();
  await fixture.start();
});
afterAll(() => fixture.remove());
beforeEach(() => {
  round++;
});

interface Watch {
  readonly seen: string[];
  readonly checkpoints: bigint[];
  caughtUp: number;
  error: { type?: string; message: string } | undefined;
  readonly subscription: AllStreamSubscription;
}

function watchAll(options: { fromPosition?: ReadPosition; filter?: Omit<Filter, 'checkpointReached'> } = {}): Watch {
  const checkpoints: bigint[] = [];
  const filter = options.filter && ({ ...options.filter, checkpointReached: async (_: unknown, p: Position) => void checkpoints.push(p.commit) } as Filter);
  const subscription = fixture.client.subscribeToAll({ fromPosition: options.fromPosition ?? START, ...(filter && { filter }) });
  const watch: Watch = { seen: [], checkpoints, caughtUp: 0, error: undefined, subscription };
  subscription.on('data', ({ event: e }) => void watch.seen.push(`${e!.streamId}@${e!.revision}`));
  subscription.on('caughtUp', () => void watch.caughtUp++);
  subscription.on('error', (error) => {
    watch.error = error;
  });
  return watch;
}

async function write(stream: string, count: number, type = 'Happened'): Promise<bigint[]> {
  const positions: bigint[] = [];
  for (let n = 0; n < count; n++) {
    const result = await fixture.client.appendToStream(stream, jsonEvent({ type, data: { n } }));
    positions.push(result.position!.commit);
  }
  return positions;
}

describe('a subscription to all streams', () => {
  it('goes from history to live without a gap or a repeat while many write', async () => {
    const prefix = `gap${round}-`;
    let writing = true;
    let written = 0;
    const writers = Array.from({ length: 8 }, async (_, w) => {
      let revision: AppendExpectedRevision = NO_STREAM;
      while (writing) {
        const result: AppendResult = await fixture.client.appendToStream(`${prefix}${w}`, jsonEvent({ type: 'W', data: {} }), { expectedRevision: revision });
        revision = result.nextExpectedRevision;
        written++;
        if (written % 3 === 0) await fixture.client.appendToStream(`other-${w}`, jsonEvent({ type: 'W', data: {} }));
      }
    });
    await until(() => written > 500);
    const watches = Array.from({ length: 4 }, () => watchAll({ filter: streamNameFilter({ prefixes: [prefix] }) }));
    await until(() => watches.every((w) => w.caughtUp > 0) && written > 1_500);
    writing = false;
    await Promise.all(writers);
    for (const watch of watches) {
      await until(() => watch.seen.length >= written);
      expect(watch.seen).toHaveLength(written);
      const next = new Map<string, number>();
      for (const key of watch.seen) {
        const [stream, revision] = key.split('@') as [string, string];
        expect(Number(revision)).toBe(next.get(stream) ?? 0);
        next.set(stream, Number(revision) + 1);
      }
      expect(watch.caughtUp).toBe(1);
      await watch.subscription.unsubscribe();
    }
  });

  it('begins after the position given, and after the end when asked to', async () => {
    const stream = `exclusive${round}`;
    const positions = await write(stream, 3);
    const after = watchAll({ fromPosition: { commit: positions[1]!, prepare: positions[1]! } });
    const live = watchAll({ fromPosition: END });
    await until(() => after.caughtUp === 1 && live.caughtUp === 1);
    expect(after.seen).toEqual([`${stream}@2`]);
    expect(live.seen).toEqual([]);
    await write(stream, 1);
    await until(() => after.seen.length === 2 && live.seen.length === 1);
    expect(live.seen).toEqual([`${stream}@3`]);
    await after.subscription.unsubscribe();
    await live.subscription.unsubscribe();
  });

  it('filters by stream or type, by prefix or regular expression', async () => {
    await write(`apple${round}-1`, 1, `Red${round}`);
    await write(`pear${round}-1`, 1, `Green${round}`);
    const cases: readonly (readonly [Omit<Filter, 'checkpointReached'>, readonly string[]])[] = [
      [streamNameFilter({ prefixes: [`apple${round}`] }), [`apple${round}-1@0`]],
      [streamNameFilter({ prefixes: [`apple${round}`, `pear${round}`] }), [`apple${round}-1@0`, `pear${round}-1@0`]],
      [streamNameFilter({ regex: `^p.*r${round}-\\d$` }), [`pear${round}-1@0`]],
      [eventTypeFilter({ prefixes: [`Gre`] }), [`pear${round}-1@0`]],
      [eventTypeFilter({ regex: `(Red|Blue)${round}` }), [`apple${round}-1@0`]],
    ];
    for (const [filter, expected] of cases) {
      const watch = watchAll({ filter });
      await until(() => watch.caughtUp === 1);
      expect(watch.seen).toEqual(expected);
      await watch.subscription.unsubscribe();
    }
  });

  it('gives checkpoints every interval and at the end of history, matching or not', async () => {
    const positions = await write(`quiet${round}`, 25);
    const from = positions[0]! - 1n;
    const watch = watchAll({
      fromPosition: { commit: from, prepare: from },
      filter: streamNameFilter({ prefixes: ['nothing-has-this-name'], maxSearchWindow: 5, checkpointInterval: 2 }),
    });
    await until(() => watch.caughtUp === 1);
    expect(watch.seen).toEqual([]);
    await until(() => watch.checkpoints.length === 3);
    expect(watch.checkpoints).toEqual([positions[9], positions[19], positions[24]]);
    const more = await write(`quiet${round}`, 10);
    await until(() => watch.checkpoints.length === 4);
    expect(watch.checkpoints[3]).toBe(more[9]);
    await watch.subscription.unsubscribe();
  });

  it('refuses an expression that could stall the server', async () => {
    for (const regex of ['(a)\\1', '(?=a)b', '(', 'x'.repeat(2_000)]) {
      const watch = watchAll({ filter: streamNameFilter({ regex }) });
      await until(() => watch.error !== undefined);
      expect(watch.error!.message).toMatch(/INVALID_ARGUMENT/);
    }
  });

  it('is not stalled by an expression that backtracks without end elsewhere', async () => {
    await write('a'.repeat(60), 1);
    const watch = watchAll({ filter: streamNameFilter({ regex: '^(a+)+$' }) });
    const never = watchAll({ filter: streamNameFilter({ regex: '^(a|a)*b$' }) });
    await until(() => watch.caughtUp === 1 && never.caughtUp === 1);
    expect(watch.seen).toHaveLength(1);
    await watch.subscription.unsubscribe();
    await never.subscription.unsubscribe();
  });

  it('keeps a slow consumer waiting alone: nothing dropped, others and appends go on', async () => {
    const stream = `slow${round}`;
    const client = EventStoreDBClient.connectionString(fixture.store.connectionString);
    const subscription = client.subscribeToAll({ filter: streamNameFilter({ prefixes: [stream] }), fromPosition: START });
    const seen: bigint[] = [];
    let slow = true;
    const reading = (async () => {
      for await (const { event: e } of subscription) {
        seen.push(e!.revision);
        if (seen.length === 3_000) return;
        if (slow) await until(() => !slow);
      }
    })();
    const quick = watchAll({ filter: streamNameFilter({ prefixes: [stream] }) });
    const data = { pad: 'x'.repeat(4_000) };
    for (let n = 0; n < 30; n++) await fixture.client.appendToStream(stream, Array.from({ length: 100 }, () => jsonEvent({ type: 'S', data })));
    await until(() => quick.seen.length === 3_000);
    expect(seen.length).toBeLessThan(3_000);
    slow = false;
    await reading;
    expect(seen).toEqual(Array.from({ length: 3_000 }, (_, n) => BigInt(n)));
    await quick.subscription.unsubscribe();
    await subscription.unsubscribe();
    await client.dispose();
  });

  it('ends with UNAVAILABLE when the server stops, after the pending appends were answered', async () => {
    const watch = watchAll();
    await until(() => watch.caughtUp === 1);
    const appends = Promise.allSettled(Array.from({ length: 100 }, (_, n) => fixture.client.appendToStream(`last${round}-${n}`, event(n))));
    await fixture.store.stop();
    await until(() => watch.error !== undefined);
    expect(watch.error).toMatchObject({ type: 'unavailable' });
    const acknowledged = (await appends).filter((a) => a.status === 'fulfilled').length;
    await fixture.restart();
    let stored = 0;
    for await (const { event: e } of fixture.client.readAll()) if (e!.streamId.startsWith(`last${round}-`)) stored++;
    expect(stored).toBeGreaterThanOrEqual(acknowledged);
  });
});

describe('a subscription to one stream', () => {
  it('waits for a stream that does not exist, and goes on with it', async () => {
    const stream = `later${round}`;
    const seen: bigint[] = [];
    let caughtUp = 0;
    const subscription = fixture.client.subscribeToStream(stream);
    subscription.on('data', ({ event: e }) => void seen.push(e!.revision));
    subscription.on('caughtUp', () => void caughtUp++);
    await until(() => caughtUp === 1);
    await fixture.client.appendToStream(stream, [event(1), event(2)]);
    await write(stream, 300);
    await until(() => seen.length === 302);
    expect(seen).toEqual(Array.from({ length: 302 }, (_, n) => BigInt(n)));
    await subscription.unsubscribe();
  });

  it('begins after the revision given, and ends when the stream is tombstoned', async () => {
    const stream = `ended${round}`;
    await write(stream, 4);
    const seen: bigint[] = [];
    let failure: Error | undefined;
    const subscription = fixture.client.subscribeToStream(stream, { fromRevision: 1n });
    subscription.on('data', ({ event: e }) => void seen.push(e!.revision));
    subscription.on('error', (error) => {
      failure = error;
    });
    await until(() => seen.length === 2);
    expect(seen).toEqual([2n, 3n]);
    await fixture.client.tombstoneStream(stream);
    await until(() => failure !== undefined);
    expect(failure).toMatchObject({ type: 'stream-deleted' });
    // Who is live sees the tombstone itself, as on the real server; who comes later is only told.
    expect(seen).toEqual([2n, 3n, 2n ** 63n - 1n]);
    const late: bigint[] = [];
    let refusal: Error | undefined;
    fixture.client.subscribeToStream(stream).on('data', ({ event: e }) => void late.push(e!.revision)).on('error', (error) => {
      refusal = error;
    });
    await until(() => refusal !== undefined);
    expect(refusal).toMatchObject({ type: 'stream-deleted' });
    expect(late).toEqual([]);
  });

  it('is sent everything once live, also what $maxCount hides at once, but of history only what is shown', async () => {
    const stream = `counted${round}`;
    await fixture.client.appendToStream(stream, [event(0), event(1), event(2)]);
    await fixture.client.setStreamMetadata(stream, { maxCount: 2 });
    const seen: bigint[] = [];
    let caughtUp = 0;
    const subscription = fixture.client.subscribeToStream(stream);
    subscription.on('data', ({ event: e }) => void seen.push(e!.revision));
    subscription.on('caughtUp', () => void caughtUp++);
    await until(() => caughtUp === 1);
    await fixture.client.appendToStream(stream, [event(3), event(4), event(5), event(6)]);
    await until(() => seen.length === 6);
    expect(seen).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
    await subscription.unsubscribe();
  });

  it('to a deleted stream waits, and is not sent what was deleted', async () => {
    const stream = `revived${round}`;
    await fixture.client.appendToStream(stream, [event(0), event(1)]);
    await fixture.client.deleteStream(stream);
    const seen: bigint[] = [];
    let caughtUp = 0;
    const subscription = fixture.client.subscribeToStream(stream);
    subscription.on('data', ({ event: e }) => void seen.push(e!.revision));
    subscription.on('caughtUp', () => void caughtUp++);
    await until(() => caughtUp === 1);
    await fixture.client.appendToStream(stream, event(2));
    await until(() => seen.length > 0);
    expect(seen).toEqual([2n]);
    await subscription.unsubscribe();
  });
});

describe('discovery and features', () => {
  it('tells clients where to connect by gossip', async () => {
    const client = EventStoreDBClient.connectionString(`esdb+discover://127.0.0.1:${fixture.store.port}?tls=false`);
    await client.appendToStream(`discovered${round}`, event(1));
    await client.dispose();
  });

  it('says UNIMPLEMENTED to what it does not do', async () => {
    await expect(fixture.client.listProjections()).rejects.toMatchObject({ code: 12 });
  });
});
