import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NO_STREAM, jsonEvent } from '@eventstore/db-client';
import { RawConnection } from '../test/raw-grpc.ts';
import { Fixture, event, until } from '../test/support.ts';

const fixture = new Fixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.remove());

describe('a request that cannot be understood', () => {
  it('is answered alone: other appends of the same call go on', async () => {
    const connection = new RawConnection(fixture.store.port);
    const batch = connection.batch();
    batch.append({ correlation: 'no-name', stream: '', ids: [1] });
    batch.append({ correlation: 'no-type', stream: 'a', ids: [2], type: '' });
    batch.append({ correlation: 'good', stream: 'a', ids: [3] });
    await until(() => batch.replies.length === 3);
    expect(batch.repliesTo('no-name')).toMatchObject([{ error: 'BadRequest', code: 3 }]);
    expect(batch.repliesTo('no-type')).toMatchObject([{ error: 'BadRequest', code: 3 }]);
    expect(batch.repliesTo('good')).toMatchObject([{ error: undefined, revision: 0 }]);
    await connection.close();
  });
});

describe('a delete that is refused', () => {
  it('says which stream and versions, also of a stream beyond ASCII', async () => {
    const stream = 'заказ-ü';
    await fixture.client.appendToStream(stream, event(1), { expectedRevision: NO_STREAM });
    await expect(fixture.client.deleteStream(stream, { expectedRevision: 4n })).rejects.toMatchObject({
      message: expect.stringContaining(`Delete failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: 4, Actual version: 0`),
    });
  });
});

describe('a server that stops', () => {
  it('tells an append that is still being sent that nothing came of it', async () => {
    const connection = new RawConnection(fixture.store.port);
    const call = connection.open('/event_store.client.streams.Streams/Append');
    call.stream.write(Buffer.from([0]));
    // The call is known to the server once another on the same connection was answered.
    await connection.call('/event_store.client.server_features.ServerFeatures/GetSupportedMethods', [Buffer.alloc(0)]);
    await fixture.store.stop();
    expect((await call.ended).code).toBe(14);
    await connection.close();
  });

  it('cancels a read that its client is slow to take', async () => {
    await fixture.restart();
    const data = { text: 'x'.repeat(1_000) };
    await fixture.client.appendToStream('long', Array.from({ length: 800 }, () => jsonEvent({ type: 'Long', data })));
    let count = 0;
    const reading = (async () => {
      for await (const _ of fixture.client.readStream('long')) if (++count === 12) await fixture.store.stop();
    })();
    await expect(reading).rejects.toMatchObject({ type: 'cancelled' });
    expect(count).toBeLessThan(800);
  });
});
