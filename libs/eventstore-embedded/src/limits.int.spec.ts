import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ANY, NO_STREAM, binaryEvent } from '@eventstore/db-client';
import type { AppendToStreamOptions, BinaryEventType, EventData } from '@eventstore/db-client';
import { RawConnection, encodeAppend } from '../test/raw-grpc.ts';
import { Fixture, WAYS, append, event, readIds, until } from '../test/support.ts';

const APPEND = '/event_store.client.streams.Streams/Append';
const MIB = 1_048_576;

const fixture = new Fixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.remove());

const sized = (dataBytes: number, metadataBytes = 0, type = 'Sized'): EventData =>
  binaryEvent<BinaryEventType>({ type, data: new Uint8Array(dataBytes), ...(metadataBytes > 0 && { metadata: new Uint8Array(metadataBytes) }) });

describe.each(WAYS)('the size of an append, %s', (way) => {
  const options: AppendToStreamOptions = { deadline: 60_000, ...(way === 'unary' && { credentials: { username: 'any', password: 'any' } }) };
  const count = async (stream: string): Promise<number> => {
    let events = 0;
    for await (const _ of fixture.client.readStream(stream)) events++;
    return events;
  };

  it('is the data of all its events: exactly 1 MiB is taken, in one or many', async () => {
    await fixture.client.appendToStream(`one-${way}`, sized(MIB), options);
    await fixture.client.appendToStream(`many-${way}`, Array.from({ length: 64 }, () => sized(MIB / 64)), options);
    expect(await count(`many-${way}`)).toBe(64);
  });

  it('does not count metadata and types', async () => {
    const long = 'T'.repeat(1_000);
    await fixture.client.appendToStream(`other-${way}`, Array.from({ length: 64 }, () => sized(MIB / 64, MIB / 8, long)), options);
    expect(await count(`other-${way}`)).toBe(64);
  });

  it.each([['one event', [MIB + 1]], ['the last of many', [...Array.from({ length: 63 }, () => MIB / 64), MIB / 64 + 1]], ['the first', [MIB + 1, 0]]])(
    'is refused a byte above that with the limit, %s, and nothing of it is written',
    async (says, bytes) => {
      const stream = `large-${way}-${says}`;
      await expect(fixture.client.appendToStream(stream, bytes.map((n) => sized(n)), options)).rejects.toMatchObject({ type: 'maximum-append-size-exceeded', maxAppendSize: MIB });
      expect(await readIds(fixture.client, stream)).toBeUndefined();
      // The connection goes on.
      await fixture.client.appendToStream(stream, sized(1), options);
    },
  );
});

describe('names beyond ASCII', () => {
  const stream = 'Straße-заказ-✓ %25';
  const named = (error: unknown): string => decodeURIComponent(String((error as { streamName?: unknown }).streamName));

  it.each(WAYS)('are right in every refusal that names the stream, %s', async (way) => {
    const name = `${stream} ${way}`;
    await fixture.client.appendToStream(name, event(1), { expectedRevision: NO_STREAM });
    const wrong: unknown = await fixture.client.deleteStream(name, { expectedRevision: 7n }).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ type: 'wrong-expected-version', expectedVersion: 7n, actualVersion: 0n });
    expect(named(wrong)).toBe(name);
    expect(await append(fixture.client, way, { stream: name, expected: 7n, events: [event(2)] })).toBe('wrong');
    await fixture.client.tombstoneStream(name);
    for (const refused of [fixture.client.deleteStream(name), fixture.client.tombstoneStream(name), readIds(fixture.client, name)]) {
      const error: unknown = await refused.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ type: 'stream-deleted' });
      expect(named(error)).toBe(name);
    }
    expect(await append(fixture.client, way, { stream: name, expected: ANY, events: [event(2)] })).toBe('deleted');
  });

  it('are kept as they are: found by their bytes, shown in events, prefixes and what is missing', async () => {
    const name = `${stream} kept`;
    await fixture.client.appendToStream(name, event(1));
    for await (const { event: e } of fixture.client.readStream(name)) expect(e!.streamId).toBe(name);
    await expect(async () => {
      for await (const _ of fixture.client.readStream(`${stream} missing`)) expect(true).toBe(false);
    }).rejects.toMatchObject({ type: 'stream-not-found', streamName: `${stream} missing` });
    const seen: string[] = [];
    const subscription = fixture.client.subscribeToAll({ filter: { filterOn: 'streamName', prefixes: ['Straße-заказ-✓ %25 k'], checkpointInterval: 1 } });
    subscription.on('data', ({ event: e }) => void seen.push(e!.streamId));
    await until(() => seen.length === 1);
    expect(seen).toEqual([name]);
    await subscription.unsubscribe();
  });

  it('and names with line breaks cannot add to the answer', async () => {
    const connection = new RawConnection(fixture.store.port);
    const name = 'a\r\ngrpc-status: 0\r\n\0b';
    await fixture.client.tombstoneStream(name, { expectedRevision: NO_STREAM });
    const answer = await connection.call(APPEND, encodeAppend({ stream: name, ids: [1] }));
    expect(answer).toMatchObject({ code: 9, trailers: { exception: 'stream-deleted', 'stream-name': encodeURIComponent(name) } });
    await connection.close();
  });
});
