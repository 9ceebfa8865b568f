import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BACKWARDS, END, NO_STREAM, START, binaryEvent, streamNameFilter } from '@eventstore/db-client';
import type { ResolvedEvent } from '@eventstore/db-client';
import { Fixture, event, until } from '../test/support.ts';

const fixture = new Fixture();
beforeAll(async () => {
  await fixture.start();
  const { client } = fixture;
  await client.appendToStream('target', [event(0), event(1), event(2)], { expectedRevision: NO_STREAM });
  for (const stream of ['truncated', 'deleted', 'tombstoned', 'Straße@1']) await client.appendToStream(stream, [event(0), event(1)], { expectedRevision: NO_STREAM });
  await client.setStreamMetadata('truncated', { truncateBefore: 1 });
  await client.deleteStream('deleted');
  await client.tombstoneStream('tombstoned');
  const links = ['1@target', '0@truncated', '1@truncated', '0@deleted', '0@tombstoned', '3@target', '0@never', '1@Straße@1', '0@links'];
  await client.appendToStream('links', links.map((data) => binaryEvent({ type: '$>', data: Buffer.from(data) })), { expectedRevision: NO_STREAM });
  await client.appendToStream('links', event(9));
});
afterAll(() => fixture.remove());

const nameOf = (shown: { readonly streamId: string; readonly revision: bigint } | undefined): string | undefined => shown && `${shown.streamId}@${shown.revision}`;
const shownBy = ({ event: target, link }: ResolvedEvent): readonly [string | undefined, string | undefined] => [nameOf(target), nameOf(link)];

/** What is shown for each of the ten, as target and link. */
const RESOLVED: readonly (readonly [string | undefined, string | undefined])[] = [
  ['target@1', 'links@0'], [undefined, 'links@1'], ['truncated@1', 'links@2'], [undefined, 'links@3'], [undefined, 'links@4'],
  [undefined, 'links@5'], [undefined, 'links@6'], ['Straße@1@1', 'links@7'],
  // One that leads to a link shows that link, and goes no further.
  ['links@0', 'links@8'],
  ['links@9', undefined],
];

describe('links', () => {
  it('lead to their event, or to nothing when it is hidden, deleted or never was; either way they are shown themselves', async () => {
    const shown = [];
    for await (const resolved of fixture.client.readStream('links', { resolveLinkTos: true })) shown.push(shownBy(resolved));
    expect(shown).toEqual(RESOLVED);
    const backwards = [];
    for await (const resolved of fixture.client.readStream('links', { resolveLinkTos: true, direction: BACKWARDS, fromRevision: END })) backwards.push(shownBy(resolved));
    expect(backwards).toEqual([...RESOLVED].reverse());
  });

  it('are events like any other to whoever does not ask to have them resolved', async () => {
    const shown: ResolvedEvent[] = [];
    for await (const resolved of fixture.client.readStream('links')) shown.push(resolved);
    expect(shown.map(shownBy)).toEqual(Array.from({ length: 10 }, (_, n) => [`links@${n}`, undefined]));
    expect(shown[0]!.event!.type).toBe('$>');
    expect(Buffer.from(shown[0]!.event!.data as Uint8Array).toString()).toBe('1@target');
  });

  it('are resolved alike in the log of all streams and in subscriptions, with the position of the link', async () => {
    const read = [];
    for await (const resolved of fixture.client.readAll({ resolveLinkTos: true, fromPosition: START })) if ((resolved.link ?? resolved.event)!.streamId === 'links') read.push(resolved);
    expect(read.map(shownBy)).toEqual(RESOLVED);
    const toStream: ResolvedEvent[] = [];
    const toAll: ResolvedEvent[] = [];
    const one = fixture.client.subscribeToStream('links', { resolveLinkTos: true }).on('data', (resolved) => void toStream.push(resolved));
    const all = fixture.client.subscribeToAll({ resolveLinkTos: true, filter: streamNameFilter({ prefixes: ['links'] }) }).on('data', (resolved) => void toAll.push(resolved as ResolvedEvent));
    await until(() => toStream.length === 10 && toAll.length === 10);
    expect(toStream.map(shownBy)).toEqual(RESOLVED);
    expect(toAll.map(shownBy)).toEqual(RESOLVED);
    expect(toAll.map(({ link, event: target }) => (link ?? target)!.position)).toEqual(read.map(({ link, event: target }) => (link ?? target)!.position));
    await one.unsubscribe();
    await all.unsubscribe();
  });
});
