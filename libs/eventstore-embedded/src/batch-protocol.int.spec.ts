import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { NO_STREAM } from '@eventstore/db-client';
import { RawConnection, encodeAppend } from '../test/raw-grpc.ts';
import type { RawBatch } from '../test/raw-grpc.ts';
import { StalledDisk } from '../test/stalled-disk.ts';
import { Fixture, event, readIds, until } from '../test/support.ts';

const APPEND = '/event_store.client.streams.Streams/Append';

const fixture = new Fixture();
let connection: RawConnection;
let batch: RawBatch;
let disk: StalledDisk | undefined;
let round = 0;

beforeAll(() => fixture.start({ httpPort: 0 }));
afterAll(() => fixture.remove());
beforeEach(() => {
  round++;
  connection = new RawConnection(fixture.store.port);
  batch = connection.batch();
});
afterEach(async () => {
  disk?.go();
  await connection.close();
});

/** Resolves when everything sent before it has been answered: answers come in the order of the log. */
async function settled(): Promise<void> {
  const correlation = `settled-${++round}`;
  batch.append({ correlation, stream: correlation, ids: [1] });
  await until(() => batch.repliesTo(correlation).length > 0);
}

describe('one answer for each correlation id', () => {
  it('however often the request was sent again while the first is under way', async () => {
    const stream = `again${round}`;
    disk = new StalledDisk();
    for (let n = 0; n < 5; n++) batch.append({ correlation: 'a', stream, expected: 'no_stream', ids: [1] });
    // Its beginning again, and then its end: neither may be taken for another append.
    batch.append({ correlation: 'a', stream, expected: 'no_stream', ids: [2], isFinal: false });
    batch.append({ correlation: 'a', stream, ids: [3], withoutOptions: true });
    await until(() => disk!.stalled > 0);
    disk.go();
    await settled();
    expect(batch.repliesTo('a')).toEqual([{ correlation: 'a', revision: 0, error: undefined, code: undefined }]);
    expect(await readIds(fixture.client, stream)).toEqual([1]);
    batch.append({ correlation: 'a', stream, expected: 'no_stream', ids: [1] });
    await settled();
    expect(batch.repliesTo('a').map(({ revision }) => revision)).toEqual([0, 0]);
    expect(await readIds(fixture.client, stream)).toEqual([1]);
  });

  it('of the same events sent under many: one is written, all are told its revision', async () => {
    const stream = `same${round}`;
    for (let n = 0; n < 50; n++) batch.append({ correlation: `s${n}`, stream, expected: 'no_stream', ids: [1, 2] });
    await settled();
    for (let n = 0; n < 50; n++) expect(batch.repliesTo(`s${n}`)).toMatchObject([{ revision: 1, error: undefined }]);
    expect(await readIds(fixture.client, stream)).toEqual([1, 2]);
  });

  it('that comes in parts, several at once', async () => {
    for (const part of [0, 1, 2]) {
      for (const c of ['x', 'y', 'z']) batch.append({ correlation: c, stream: `parts${round}${c}`, ids: [part], isFinal: part === 2, withoutOptions: part > 0 });
    }
    const names = ['x', 'y', 'z'].map((c) => `parts${round}${c}`);
    await settled();
    for (const c of ['x', 'y', 'z']) expect(batch.repliesTo(c)).toMatchObject([{ revision: 2 }]);
    for (const name of names) expect(await readIds(fixture.client, name)).toEqual([0, 1, 2]);
  });

  it('that is refused before its end; what follows of it is dropped, the rest of the call goes on', async () => {
    const stream = `early${round}`;
    const large = Buffer.alloc(700_000, 0x20);
    batch.append({ correlation: 'l', stream, ids: [1], data: large, isFinal: false });
    batch.append({ correlation: 'l', stream, ids: [2], data: large, isFinal: false, withoutOptions: true });
    batch.append({ correlation: 'l', stream, ids: [3], isFinal: false, withoutOptions: true });
    batch.append({ correlation: 'l', stream, ids: [4], withoutOptions: true });
    batch.append({ correlation: 'l', stream, ids: [5], withoutOptions: true });
    await settled();
    expect(batch.repliesTo('l')).toEqual([{ correlation: 'l', revision: undefined, error: 'MaximumAppendSizeExceeded', code: 3 }]);
    expect(await readIds(fixture.client, stream)).toBeUndefined();
  });

  it('whose time was up when it came, or runs out before its end does', async () => {
    const stream = `late${round}`;
    batch.append({ correlation: 'e', stream, ids: [1], deadlineMs: Date.now() - 1 });
    batch.append({ correlation: 'u', stream, ids: [1], deadlineMs: Date.now() + 300, isFinal: false });
    await until(() => batch.repliesTo('u').length > 0);
    batch.append({ correlation: 'u', stream, ids: [2], withoutOptions: true });
    await settled();
    for (const c of ['e', 'u']) expect(batch.repliesTo(c)).toEqual([{ correlation: c, revision: undefined, error: 'Timeout', code: 4 }]);
    expect(await readIds(fixture.client, stream)).toBeUndefined();
  });

  it('with the codes and types the real server gives', async () => {
    const stream = `codes${round}`;
    batch.append({ correlation: 'w', stream, expected: 3, ids: [1] });
    batch.append({ correlation: 'd', stream: '$all', ids: [1] });
    await fixture.client.tombstoneStream(`${stream}-gone`, { expectedRevision: NO_STREAM });
    batch.append({ correlation: 'g', stream: `${stream}-gone`, ids: [1] });
    await settled();
    expect(batch.repliesTo('w')).toMatchObject([{ error: 'WrongExpectedVersion', code: 6 }]);
    expect(batch.repliesTo('d')).toMatchObject([{ error: 'AccessDenied', code: 7 }]);
    expect(batch.repliesTo('g')).toMatchObject([{ error: 'StreamDeleted', code: 5 }]);
  });
});

describe('a client that sends appends and does not read the answers', () => {
  const COUNT = 40_000;

  async function answered(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${fixture.store.httpPort}/metrics`)).text();
    return Number(/^tally_store_append_seconds_count (\d+)$/m.exec(text)?.[1]);
  }

  it('is not read from any more until it does, and then gets every answer', async () => {
    const before = await answered();
    batch.call.stream.pause();
    for (let n = 0; n < COUNT; n++) batch.append({ correlation: `n${n}`, stream: `unread${round}`, expected: 7, ids: [] });
    let last = -1;
    for (let same = 0; same < 10; ) {
      const now = await answered();
      same = now === last && now > before ? same + 1 : 0;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(last - before).toBeLessThan(COUNT);
    // Others are served meanwhile.
    await fixture.client.appendToStream(`unread${round}-other`, event(1));
    batch.call.stream.resume();
    await until(() => batch.replies.length === COUNT);
    expect(new Set(batch.replies.map(({ correlation }) => correlation)).size).toBe(COUNT);
  });
});

describe('a stop with appends under way', () => {
  it('answers each once, takes no more, and ends the call with a status', async () => {
    const unary = new RawConnection(fixture.store.port);
    disk = new StalledDisk();
    const single = unary.call(APPEND, encodeAppend({ stream: `pending${round}-unary`, ids: [1] }));
    await until(() => disk!.stalled > 0);
    for (let n = 0; n < 200; n++) batch.append({ correlation: `p${n}`, stream: `pending${round}-${n}`, expected: 'no_stream', ids: [1] });
    batch.append({ correlation: 'half', stream: `half${round}`, ids: [1], isFinal: false });
    // Answered without the disk, so all before it has been taken.
    batch.append({ correlation: 'denied', stream: '$all', ids: [1] });
    await until(() => batch.replies.length > 0);
    const stopping = fixture.stop();
    // The fixture disposes of its client first; then the server refuses.
    await until(async () => (await unary.call(APPEND, encodeAppend({ stream: `probe${round}`, ids: [1] }), { 'grpc-timeout': '100m' })).code === 14);
    batch.append({ correlation: 'after', stream: `refused${round}`, ids: [1] });
    batch.append({ correlation: 'p0', stream: `pending${round}-0`, ids: [2] });
    disk.go();
    const ended = await batch.call.ended;
    await stopping;
    expect(ended.code).toBe(1);
    expect(batch.replies).toHaveLength(201);
    for (let n = 0; n < 200; n++) expect(batch.repliesTo(`p${n}`)).toMatchObject([{ revision: 0, error: undefined }]);
    expect(await single).toMatchObject({ code: 0 });
    await unary.close();
    await fixture.start({ httpPort: 0 });
    for (let n = 0; n < 200; n += 20) expect(await readIds(fixture.client, `pending${round}-${n}`)).toEqual([1]);
    expect(await readIds(fixture.client, `pending${round}-unary`)).toEqual([1]);
    expect(await readIds(fixture.client, `refused${round}`)).toBeUndefined();
  });
});
