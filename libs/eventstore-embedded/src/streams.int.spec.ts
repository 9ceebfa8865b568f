import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ANY, BACKWARDS, END, NO_STREAM, START, binaryEvent, jsonEvent } from '@eventstore/db-client';
import type { Direction, ReadRevision } from '@eventstore/db-client';
import { Fixture, WAYS, append, event, id, readIds, until } from '../test/support.ts';

const fixture = new Fixture();
beforeAll(() => fixture.start({ httpPort: 0 }));
afterAll(() => fixture.remove());

async function revisions(stream: string, options: { fromRevision?: ReadRevision; direction?: Direction; maxCount?: number } = {}): Promise<number[]> {
  const found: number[] = [];
  for await (const { event: e } of fixture.client.readStream(stream, options)) found.push(Number(e!.revision));
  return found;
}

async function fill(stream: string, count: number): Promise<void> {
  await fixture.client.appendToStream(stream, Array.from({ length: count }, (_, n) => event(n)), { expectedRevision: NO_STREAM });
}

describe('reading a stream', () => {
  it('goes both ways from any revision, inclusive, up to a count', async () => {
    await fill('ways', 10);
    expect(await revisions('ways')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await revisions('ways', { fromRevision: 7n })).toEqual([7, 8, 9]);
    expect(await revisions('ways', { fromRevision: 3n, maxCount: 2 })).toEqual([3, 4]);
    expect(await revisions('ways', { fromRevision: 99n })).toEqual([]);
    expect(await revisions('ways', { fromRevision: END })).toEqual([]);
    expect(await revisions('ways', { direction: BACKWARDS, fromRevision: END, maxCount: 1 })).toEqual([9]);
    expect(await revisions('ways', { direction: BACKWARDS, fromRevision: 2n })).toEqual([2, 1, 0]);
    expect(await revisions('ways', { direction: BACKWARDS, fromRevision: 99n, maxCount: 2 })).toEqual([9, 8]);
  });

  it('gives back what was written: ids, types, bytes, metadata, names beyond ASCII', async () => {
    const stream = 'Straße-✓-заказ';
    const binary = new Uint8Array([0, 255, 1, 254]);
    await fixture.client.appendToStream(stream, [
      jsonEvent({ id: id(1), type: 'Ünï', data: { text: 'naïve ✓' }, metadata: { by: 'ö' } }),
      binaryEvent({ id: id(2), type: 'raw', data: binary, metadata: binary }),
      jsonEvent({ id: id(3), type: 'empty', data: {} }),
    ]);
    const found = [];
    for await (const { event: e } of fixture.client.readStream(stream)) found.push(e!);
    expect(found[0]).toMatchObject({ id: id(1), streamId: stream, type: 'Ünï', data: { text: 'naïve ✓' }, metadata: { by: 'ö' }, isJson: true });
    expect(found[1]).toMatchObject({ id: id(2), isJson: false, type: 'raw' });
    expect(Buffer.from(found[1]!.data as Uint8Array).equals(binary)).toBe(true);
    expect(Math.abs(found[0]!.created.getTime() - Date.now())).toBeLessThan(10_000);
    await fixture.client.tombstoneStream(stream);
    await expect(revisions(stream)).rejects.toMatchObject({ type: 'stream-deleted' });
    await expect(fixture.client.deleteStream(stream)).rejects.toMatchObject({ type: 'stream-deleted' });
  });

  it('resolves links, and shows a link that leads nowhere as a link alone', async () => {
    await fill('target', 2);
    await fixture.client.appendToStream('links', [
      binaryEvent({ type: '$>', data: Buffer.from('1@target') }),
      binaryEvent({ type: '$>', data: Buffer.from('9@target') }),
      binaryEvent({ type: '$>', data: Buffer.from('-1@target') }),
      binaryEvent({ type: '$>', data: Buffer.from('nowhere') }),
    ]);
    const found = [];
    for await (const resolved of fixture.client.readStream('links', { resolveLinkTos: true })) found.push(resolved);
    expect(found[0]!.event).toMatchObject({ streamId: 'target', revision: 1n });
    expect(found[0]!.link).toMatchObject({ streamId: 'links', revision: 0n, type: '$>' });
    expect(found[1]!.event).toBeUndefined();
    expect(found[1]!.link).toMatchObject({ streamId: 'links', revision: 1n });
    // The real server takes -1 for the last event, and what is no link at all for an event like any other.
    expect(found[2]!.event).toMatchObject({ streamId: 'target', revision: 1n });
    expect(found[3]!.event).toMatchObject({ streamId: 'links', revision: 3n });
    expect(found[3]!.link).toBeUndefined();
  });
});

describe('stream metadata', () => {
  it('hides all but the newest with $maxCount', async () => {
    await fill('counted', 5);
    await fixture.client.setStreamMetadata('counted', { maxCount: 2 });
    expect(await revisions('counted')).toEqual([3, 4]);
    expect(await revisions('counted', { direction: BACKWARDS, fromRevision: END })).toEqual([4, 3]);
    expect(await revisions('counted', { fromRevision: 0n, maxCount: 1 })).toEqual([3]);
  });

  it('hides everything before $tb, also when that is beyond the end', async () => {
    await fill('cut', 5);
    await fixture.client.setStreamMetadata('cut', { truncateBefore: 3 });
    expect(await revisions('cut')).toEqual([3, 4]);
    await fixture.client.setStreamMetadata('cut', { truncateBefore: 50 });
    expect(await revisions('cut')).toEqual([]);
  });

  it('hides what is older than $maxAge', async () => {
    await fill('aged', 2);
    await fixture.client.setStreamMetadata('aged', { maxAge: 3_600 });
    expect(await revisions('aged')).toEqual([0, 1]);
    await fixture.client.setStreamMetadata('aged', { maxAge: 1 });
    await until(async () => (await revisions('aged')).length === 0);
  });

  it('keeps only the newest metadata visible, and reads it back', async () => {
    await fixture.client.setStreamMetadata('described', { owner: 'a' });
    await fixture.client.setStreamMetadata('described', { owner: 'b' });
    expect((await fixture.client.getStreamMetadata('described')).metadata).toEqual({ owner: 'b' });
    expect(await revisions('$$described')).toEqual([1]);
  });
});

describe('deleting', () => {
  it('a deleted stream reads as missing and revives with other metadata kept out of sight', async () => {
    await fill('gone', 3);
    await fixture.client.setStreamMetadata('gone', { maxCount: 1 });
    await fixture.client.deleteStream('gone', { expectedRevision: 2n });
    expect(await readIds(fixture.client, 'gone')).toBeUndefined();
    await fixture.restart();
    expect(await readIds(fixture.client, 'gone')).toBeUndefined();
    await fixture.client.appendToStream('gone', [event(7), event(8)], { expectedRevision: 2n });
    expect(await revisions('gone')).toEqual([3, 4]);
    expect((await fixture.client.getStreamMetadata('gone')).metadata).toEqual({ truncateBefore: 3 });
  });

  it('writing metadata to a deleted stream revives it, from its next revision on', async () => {
    await fill('back', 2);
    await fixture.client.deleteStream('back');
    await fixture.client.setStreamMetadata('back', { owner: 'x' });
    expect(await revisions('back')).toEqual([]);
    expect((await fixture.client.getStreamMetadata('back')).metadata).toEqual({ owner: 'x', truncateBefore: 2 });
  });

  it('refuses a wrong revision with all the trailers the client reads', async () => {
    await fill('guarded', 2);
    await expect(fixture.client.deleteStream('guarded', { expectedRevision: 0n })).rejects.toMatchObject({
      type: 'wrong-expected-version', streamName: 'guarded', expectedVersion: 0n, actualVersion: 1n,
    });
    await expect(fixture.client.tombstoneStream('guarded', { expectedRevision: 5n })).rejects.toMatchObject({ type: 'wrong-expected-version' });
    await expect(fixture.client.deleteStream('never-written')).rejects.toMatchObject({ type: 'wrong-expected-version' });
  });

  it('tombstones a stream never written, for ever', async () => {
    await fixture.client.tombstoneStream('reserved', { expectedRevision: NO_STREAM });
    await fixture.restart();
    expect(await append(fixture.client, 'batch', { stream: 'reserved', expected: ANY, events: [event(1)] })).toBe('deleted');
    await expect(fixture.client.setStreamMetadata('reserved', { owner: 'x' })).rejects.toMatchObject({ type: 'stream-deleted' });
  });
});

describe('the log of all streams', () => {
  it('is in order, forward inclusive and backward exclusive, across a restart', async () => {
    const forward: { position: bigint; key: string }[] = [];
    for await (const { event: e } of fixture.client.readAll()) forward.push({ position: e!.position!.commit, key: `${e!.streamId}@${e!.revision}` });
    expect(forward.map((e) => e.position)).toEqual(forward.map((e) => e.position).sort((a, b) => (a < b ? -1 : 1)));
    const backward: string[] = [];
    for await (const { event: e } of fixture.client.readAll({ direction: BACKWARDS, fromPosition: END })) backward.push(`${e!.streamId}@${e!.revision}`);
    expect(backward).toEqual(forward.map((e) => e.key).reverse());
    const middle = forward[20]!;
    const position = { commit: middle.position, prepare: middle.position };
    for await (const { event: e } of fixture.client.readAll({ fromPosition: position, maxCount: 1 })) expect(`${e!.streamId}@${e!.revision}`).toBe(middle.key);
    for await (const { event: e } of fixture.client.readAll({ fromPosition: position, maxCount: 1, direction: BACKWARDS })) {
      expect(`${e!.streamId}@${e!.revision}`).toBe(forward[19]!.key);
    }
    expect(forward.length).toBeGreaterThan(30);
    for await (const { event: e } of fixture.client.readAll({ fromPosition: START, maxCount: 1 })) expect(e!.position!.commit).toBe(1n);
  });
});

describe.each(WAYS)('limits, %s', (way) => {
  const credentials = way === 'unary' ? { credentials: { username: 'any', password: 'any' } } : {};

  it('takes 1 MiB of data and refuses a byte more, saying the limit', async () => {
    const sized = (bytes: number): ReturnType<typeof binaryEvent> => binaryEvent({ type: 'Big', data: new Uint8Array(bytes) });
    const stream = `big-${way}`;
    await fixture.client.appendToStream(stream, sized(1_048_576), credentials);
    await expect(fixture.client.appendToStream(stream, sized(1_048_577), credentials)).rejects.toMatchObject({
      type: 'maximum-append-size-exceeded', maxAppendSize: 1_048_576,
    });
    expect(await revisions(stream)).toEqual([0]);
  });

  it('takes 30,000 tiny events as one append and reads them back', async () => {
    const stream = `tiny-${way}`;
    const events = Array.from({ length: 30_000 }, (_, n) => jsonEvent({ type: 'T', data: { n } }));
    const result = await fixture.client.appendToStream(stream, events, { expectedRevision: NO_STREAM, deadline: 60_000, ...credentials });
    expect(result.nextExpectedRevision).toBe(29_999n);
    expect(await revisions(stream)).toHaveLength(30_000);
  });
});

describe('many appends at once', () => {
  it('takes 10,000 ANY appends to one stream', async () => {
    const results = await Promise.all(Array.from({ length: 10_000 }, () => fixture.client.appendToStream('flood', jsonEvent({ type: 'F', data: { pad: 'x'.repeat(1_000) } }))));
    expect(new Set(results.map((r) => r.nextExpectedRevision)).size).toBe(10_000);
    expect(await revisions('flood', { direction: BACKWARDS, fromRevision: END, maxCount: 1 })).toEqual([9_999]);
  });

  it('answers an append whose deadline has passed with a timeout, and writes nothing', async () => {
    await expect(fixture.client.appendToStream('late', event(1), { deadline: -1_000 })).rejects.toMatchObject({ type: 'deadline-exceeded' });
    expect(await readIds(fixture.client, 'late')).toBeUndefined();
  });
});

describe('health and metrics', () => {
  it('says that it is ready and what it did', async () => {
    await fixture.restart({ httpPort: 0 });
    await fixture.client.appendToStream('measured', event(1));
    const url = `http://127.0.0.1:${fixture.store.httpPort}`;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^tally_store_append_seconds_count 1$/m);
    expect(metrics).toMatch(/^tally_store_group_appends_count 1$/m);
    expect(metrics).toMatch(/^tally_store_sync_seconds_count 1$/m);
  });
});
