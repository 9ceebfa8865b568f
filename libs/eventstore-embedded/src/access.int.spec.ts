import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readdirSync, rmSync } from 'node:fs';
import { ANY, EventStoreDBClient, NO_STREAM, jsonEvent } from '@eventstore/db-client';
import type { Credentials } from '@eventstore/db-client';
import { newCertificate } from '@tallystick/testing';
import { RawConnection, encodeAppend, encodeDelete } from '../test/raw-grpc.ts';
import { Fixture, event, newDirectory, readIds } from '../test/support.ts';
import { startEmbeddedStore } from './index.ts';
import type { StoreUser } from './index.ts';

const DENIED = { type: 'access-denied' };
const STREAMS = '/event_store.client.streams.Streams';

const USERS = new Map<string, StoreUser | string>([
  ['intents', 'pass word:with colon'],
  ['auditor', { password: 'audit-secret', role: 'read' }],
  ['operator', { password: 'admin-secret', role: 'admin' }],
]);
const SERVICE = { username: 'intents', password: 'pass word:with colon' };
const READER = { username: 'auditor', password: 'audit-secret' };
const ADMIN = { username: 'operator', password: 'admin-secret' };

const metadataEvent = (data: Record<string, unknown>, type = '$metadata'): ReturnType<typeof jsonEvent> => jsonEvent({ type, data });

describe('a server with TLS and users', () => {
  const fixture = new Fixture();
  const tls = newCertificate();
  const clients: EventStoreDBClient[] = [];

  /** Its batch appends carry the credentials of the client; per call ones take the unary way. */
  const clientOf = (credentials?: Credentials): EventStoreDBClient => {
    const client = new EventStoreDBClient({ endpoint: `127.0.0.1:${fixture.store.port}` }, { rootCertificate: Buffer.from(tls.certificate) }, credentials);
    clients.push(client);
    return client;
  };

  beforeAll(() => fixture.start({ tls, users: USERS, protectedPrefixes: ['order-'], httpPort: 0 }));
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.dispose()));
    await fixture.remove();
  });

  it('lets each user in, on both ways to append, and reads', async () => {
    const client = clientOf(SERVICE);
    await client.appendToStream('notes-1', event(1), { expectedRevision: NO_STREAM });
    await client.appendToStream('notes-1', event(2), { expectedRevision: 0n, credentials: SERVICE });
    expect(await readIds(clientOf(READER), 'notes-1')).toEqual([1, 2]);
    expect(await readIds(clientOf(ADMIN), 'notes-1')).toEqual([1, 2]);
  });

  it.each([
    ['a wrong password', { username: 'intents', password: 'pass word:with colo' }],
    ['another user\'s password', { username: 'intents', password: 'admin-secret' }],
    ['no such user', { username: 'nobody', password: 'admin-secret' }],
    ['an empty password', { username: 'nobody', password: '' }],
    ['nothing', undefined],
  ])('refuses %s to every kind of call as not authenticated', async (_, credentials) => {
    const client = clientOf(credentials);
    const refused = { code: 16 };
    await expect(client.appendToStream('notes-2', event(1))).rejects.toMatchObject(refused);
    await expect(client.appendToStream('notes-2', event(1), credentials && { credentials })).rejects.toMatchObject(refused);
    await expect(readIds(client, 'notes-1')).rejects.toMatchObject({ type: 'access-denied', ...refused });
    await expect(client.deleteStream('notes-1')).rejects.toMatchObject(refused);
    const failure = await new Promise((resolve) => client.subscribeToAll().once('error', resolve));
    expect(failure).toMatchObject(refused);
    expect(await readIds(clientOf(SERVICE), 'notes-2')).toBeUndefined();
  });

  it('takes no append or delete from who may only read', async () => {
    const client = clientOf(READER);
    await expect(client.appendToStream('notes-3', event(1))).rejects.toMatchObject(DENIED);
    await expect(client.appendToStream('notes-3', event(1), { credentials: READER })).rejects.toMatchObject(DENIED);
    await expect(client.setStreamMetadata('notes-1', { owner: 'me' })).rejects.toMatchObject(DENIED);
    await expect(client.deleteStream('notes-1')).rejects.toMatchObject(DENIED);
    await expect(client.tombstoneStream('notes-1')).rejects.toMatchObject(DENIED);
    expect(await readIds(client, 'notes-3')).toBeUndefined();
    expect(await readIds(client, 'notes-1')).toEqual([1, 2]);
  });

  it('lets nobody but an admin delete or hide what a protected stream says', async () => {
    const client = clientOf(SERVICE);
    await client.appendToStream('order-1', [event(1), event(2)], { expectedRevision: NO_STREAM });
    await expect(client.deleteStream('order-1')).rejects.toMatchObject(DENIED);
    await expect(client.tombstoneStream('order-1')).rejects.toMatchObject(DENIED);
    await expect(client.tombstoneStream('order-never-written')).rejects.toMatchObject(DENIED);
    await expect(client.deleteStream('$$order-1')).rejects.toMatchObject(DENIED);
    for (const metadata of [{ maxCount: 1 }, { maxAge: 1 }, { truncateBefore: 1 }, { acl: { readRoles: ['me'] } }]) {
      await expect(client.setStreamMetadata('order-1', metadata)).rejects.toMatchObject(DENIED);
      await expect(client.setStreamMetadata('order-1', metadata, { credentials: SERVICE })).rejects.toMatchObject(DENIED);
    }
    // Whatever its type and place in the append, and through the metadata of the metadata.
    for (const options of [{}, { credentials: SERVICE }]) {
      const write = (stream: string, ...events: ReturnType<typeof jsonEvent>[]): Promise<unknown> => client.appendToStream(stream, events, { expectedRevision: ANY, ...options });
      await expect(write('$$order-1', metadataEvent({ $tb: 1 }, 'Innocent'))).rejects.toMatchObject(DENIED);
      await expect(write('$$order-1', metadataEvent({ owner: 'me' }), metadataEvent({ $maxCount: 1 }))).rejects.toMatchObject(DENIED);
      await expect(write('$$$$order-1', metadataEvent({ $maxCount: 1 }))).rejects.toMatchObject(DENIED);
    }
    expect(await readIds(client, 'order-1')).toEqual([1, 2]);
    await client.setStreamMetadata('order-1', { owner: 'me' });
    expect((await client.getStreamMetadata('order-1')).metadata).toEqual({ owner: 'me' });
    await clientOf(ADMIN).setStreamMetadata('order-1', { truncateBefore: 1 });
    expect(await readIds(client, 'order-1')).toEqual([2]);
    await clientOf(ADMIN).deleteStream('order-1');
    expect(await readIds(client, 'order-1')).toBeUndefined();
  });

  it('lets nobody but an admin write to system streams, and nobody at all to $all', async () => {
    const client = clientOf(SERVICE);
    for (const options of [{}, { credentials: SERVICE }]) {
      await expect(client.appendToStream('$settings', event(1), options)).rejects.toMatchObject(DENIED);
      await expect(client.appendToStream('$$$settings', metadataEvent({ $maxCount: 1 }), options)).rejects.toMatchObject(DENIED);
    }
    await expect(client.deleteStream('$log')).rejects.toMatchObject(DENIED);
    await clientOf(ADMIN).appendToStream('$settings', event(1));
    await expect(clientOf(ADMIN).appendToStream('$all', event(1))).rejects.toMatchObject(DENIED);
    expect(await readIds(client, '$settings')).toEqual([1]);
  });

  it('leaves streams that are not protected to the services: metadata, deletes, tombstones', async () => {
    const client = clientOf(SERVICE);
    await client.appendToStream('scratch', [event(1), event(2)]);
    await client.setStreamMetadata('scratch', { maxCount: 1 });
    expect(await readIds(client, 'scratch')).toEqual([2]);
    await client.deleteStream('scratch');
    await client.tombstoneStream('scratch');
    await expect(readIds(client, 'scratch')).rejects.toMatchObject({ type: 'stream-deleted' });
  });

  it('counts what it refused, and says it in the log without a password', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${fixture.store.httpPort}/metrics`)).text();
    expect(Number(/^tally_store_access_denied_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(20);
    expect(Number(/^tally_store_calls_unauthenticated (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(20);
    expect(fixture.logged).toContainEqual({
      event: 'store_access_denied', fields: { path: `${STREAMS}/Delete`, caller: 'service', stream: 'order-1' },
    });
    const logged = JSON.stringify(fixture.logged);
    for (const secret of ['pass word', 'audit-secret', 'admin-secret', Buffer.from('operator:admin-secret').toString('base64')]) expect(logged).not.toContain(secret);
  });
});

describe('a server without users on loopback', () => {
  const fixture = new Fixture();
  beforeAll(() => fixture.start({ protectedPrefixes: ['order-'] }));
  afterAll(() => fixture.remove());

  it('takes anybody, says so, and still lets nobody delete or hide protected streams', async () => {
    const { client } = fixture;
    expect(fixture.logged).toContainEqual({ event: 'store_anonymous_on_loopback', fields: { host: '127.0.0.1' } });
    await client.appendToStream('order-1', event(1));
    await expect(client.deleteStream('order-1')).rejects.toMatchObject({ ...DENIED, code: 7 });
    await expect(client.setStreamMetadata('order-1', { maxCount: 1 })).rejects.toMatchObject(DENIED);
    await client.appendToStream('$settings', event(1));
    expect(await readIds(client, 'order-1')).toEqual([1]);
  });

  it('refuses what no client sends to get around it: options twice, or after the events', async () => {
    const connection = new RawConnection(fixture.store.port);
    const [toMetadata, hiding] = encodeAppend({ stream: '$$order-1', ids: [9], data: Buffer.from('{"$tb":1}') });
    const [toNotes] = encodeAppend({ stream: 'notes', ids: [] });
    for (const messages of [[toNotes!, hiding!, toMetadata!], [hiding!, toMetadata!], [toMetadata!, toNotes!, hiding!]]) {
      expect(await connection.call(`${STREAMS}/Append`, messages)).toMatchObject({ code: 3 });
    }
    expect(await connection.call(`${STREAMS}/Append`, [toMetadata!, hiding!])).toMatchObject({ code: 7, trailers: { exception: 'access-denied' } });
    expect(await connection.call(`${STREAMS}/Delete`, [encodeDelete('order-1')])).toMatchObject({ code: 7, trailers: { exception: 'access-denied' } });
    await connection.close();
    expect(await readIds(fixture.client, 'order-1')).toEqual([1]);
  });
});

describe('a server that others could reach', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = newDirectory();
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('does not start without TLS and users, leaving the directory alone, and does when told to', async () => {
    await expect(startEmbeddedStore({ dataDir, host: '0.0.0.0' })).rejects.toMatchObject({ code: 'STORE_EXPOSED' });
    expect(readdirSync(dataDir)).toEqual([]);
    const open = await startEmbeddedStore({ dataDir, host: '0.0.0.0', insecure: true });
    await open.stop();
    const closed = await startEmbeddedStore({ dataDir, host: '0.0.0.0', tls: newCertificate(), users: USERS });
    await closed.stop();
  });

  it('refuses a key that does not belong to the certificate, and can be started again at once', async () => {
    const tls = { certificate: newCertificate().certificate, key: newCertificate().key };
    await expect(startEmbeddedStore({ dataDir, tls })).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    const store = await startEmbeddedStore({ dataDir });
    await store.stop();
  });
});
