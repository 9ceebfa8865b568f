import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ANY, BACKWARDS, END, NO_STREAM, START } from '@eventstore/db-client';
import type { ReadRevision } from '@eventstore/db-client';
import { Fixture, WAYS, append, event, readIds, until } from '../test/support.ts';

const fixture = new Fixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.remove());

type Range = { readonly maxCount?: number; readonly maxAge?: number; readonly truncateBefore?: number };

async function revisions(stream: string, options: { fromRevision?: ReadRevision; direction?: typeof BACKWARDS; maxCount?: number } = {}): Promise<number[]> {
  const found: number[] = [];
  for await (const { event: e } of fixture.client.readStream(stream, options)) found.push(Number(e!.revision));
  return found;
}

const from = (first: number, last: number): number[] => Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n);

async function filled(stream: string, count: number): Promise<void> {
  await fixture.client.appendToStream(stream, from(0, count - 1).map((n) => event(n)), { expectedRevision: NO_STREAM });
}

describe('what a stream of ten events shows, from the larger of $tb and last - $maxCount + 1', () => {
  it.each<[string, Range, number]>([
    ['neither', {}, 0],
    ['$maxCount alone', { maxCount: 3 }, 7],
    ['$maxCount of all there are', { maxCount: 10 }, 0],
    ['$maxCount of more than there are', { maxCount: 99 }, 0],
    ['$tb alone', { truncateBefore: 4 }, 4],
    ['$tb of nothing', { truncateBefore: 0 }, 0],
    ['$tb of the last', { truncateBefore: 9 }, 9],
    ['$tb behind the last', { truncateBefore: 10 }, 10],
    ['$tb above $maxCount', { truncateBefore: 8, maxCount: 5 }, 8],
    ['$maxCount above $tb', { truncateBefore: 2, maxCount: 5 }, 5],
    ['both alike', { truncateBefore: 5, maxCount: 5 }, 5],
    ['with $maxAge that hides nothing', { truncateBefore: 2, maxCount: 5, maxAge: 86_400 }, 5],
  ])('%s', async (says, metadata, first) => {
    const stream = `range ${says}`;
    await filled(stream, 10);
    await fixture.client.setStreamMetadata(stream, metadata);
    expect(await revisions(stream)).toEqual(from(first, 9));
    expect(await revisions(stream, { direction: BACKWARDS, fromRevision: END })).toEqual(from(first, 9).reverse());
    // From below it begins with the first that is shown; a count is of events shown.
    expect(await revisions(stream, { fromRevision: 1n, maxCount: 2 })).toEqual(from(Math.max(first, 1), 9).slice(0, 2));
    expect(await revisions(stream, { fromRevision: 9n })).toEqual(from(Math.max(first, 9), 9));
    expect(await revisions(stream, { direction: BACKWARDS, fromRevision: 6n })).toEqual(from(first, 6).reverse());
    expect(await revisions(stream, { direction: BACKWARDS, fromRevision: 0n })).toEqual(first === 0 ? [0] : []);
    // What is hidden counts all the same for who appends, and moves on with the stream.
    await fixture.client.appendToStream(stream, event(10), { expectedRevision: 9n });
    const moved = Math.max(metadata.truncateBefore ?? 0, metadata.maxCount === undefined ? 0 : 11 - metadata.maxCount);
    expect(await revisions(stream)).toEqual(from(moved, 10));
    await fixture.restart();
    expect(await revisions(stream)).toEqual(from(moved, 10));
  });

  it('shows nothing and still exists when all is hidden or too old', async () => {
    await filled('all hidden', 3);
    await fixture.client.setStreamMetadata('all hidden', { truncateBefore: 99 });
    expect(await readIds(fixture.client, 'all hidden')).toEqual([]);
    await filled('all old', 3);
    await fixture.client.setStreamMetadata('all old', { maxAge: 1 });
    await until(async () => (await revisions('all old')).length === 0);
    expect(await readIds(fixture.client, 'all old')).toEqual([]);
    await fixture.client.setStreamMetadata('all old', {});
    expect(await revisions('all old')).toEqual([0, 1, 2]);
  });

  it('hides nothing from the log of all streams', async () => {
    await filled('still there', 3);
    await fixture.client.setStreamMetadata('still there', { maxCount: 1, truncateBefore: 2 });
    await fixture.client.deleteStream('still there');
    const seen: string[] = [];
    for await (const { event: e } of fixture.client.readAll()) if (e!.streamId.endsWith('still there')) seen.push(`${e!.streamId}@${e!.revision}`);
    expect(seen).toEqual(['still there@0', 'still there@1', 'still there@2', '$$still there@0', '$$still there@1']);
  });
});

describe.each(WAYS)('a stream written again after it was deleted, %s', (way) => {
  it.each([['ANY', ANY], ['NO_STREAM', NO_STREAM], ['the last revision', 2n]] as const)('expecting %s: revisions go on, and $tb is the first of them', async (says, expected) => {
    const stream = `again ${way} ${says}`;
    await filled(stream, 3);
    await fixture.client.setStreamMetadata(stream, { maxCount: 100, owner: 'somebody' });
    await fixture.client.deleteStream(stream);
    expect(await readIds(fixture.client, stream)).toBeUndefined();
    expect(await append(fixture.client, way, { stream, expected, events: [event(10), event(11)] })).toBe(4);
    expect(await revisions(stream)).toEqual([3, 4]);
    // The delete had replaced what the metadata said before.
    expect((await fixture.client.getStreamMetadata(stream)).metadata).toEqual({ truncateBefore: 3 });
    await fixture.client.deleteStream(stream, { expectedRevision: 4n });
    expect(await append(fixture.client, way, { stream, expected: NO_STREAM, events: [event(12)] })).toBe(5);
    expect(await revisions(stream)).toEqual([5]);
    await fixture.restart();
    expect(await revisions(stream, { fromRevision: START })).toEqual([5]);
    expect((await fixture.client.getStreamMetadata(stream)).metadata).toEqual({ truncateBefore: 5 });
  });
});
