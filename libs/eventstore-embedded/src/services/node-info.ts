import { randomBytes } from 'node:crypto';
import { ProtoWriter } from '../wire/proto.ts';
import { encodeUuid } from '../wire/uuid.ts';

/** The behaviour copied is that of this line of servers; clients use it only to choose between calls. */
const SERVER_VERSION = '23.10.6';
const STREAMS = 'event_store.client.streams.streams';

/** `ServerFeatures.GetSupportedMethods`: names are lower case, as the real server gives them. */
export function supportedMethods(): Buffer {
  const writer = new ProtoWriter();
  const methods: readonly (readonly [string, string, readonly string[]])[] = [
    ['read', STREAMS, ['position', 'events']],
    ['append', STREAMS, []],
    ['batchappend', STREAMS, ['deadline_duration']],
    ['delete', STREAMS, []],
    ['tombstone', STREAMS, []],
    ['read', 'event_store.client.gossip.gossip', []],
    ['getsupportedmethods', 'event_store.client.server_features.serverfeatures', []],
  ];
  for (const [method, service, features] of methods) {
    const entry = new ProtoWriter().string(1, method).string(2, service);
    for (const feature of features) entry.string(3, feature);
    writer.message(1, entry);
  }
  return writer.string(2, SERVER_VERSION).finish();
}

const STATE_LEADER = 8;

/** `Gossip.Read` of a cluster of one: the address is where clients are to connect. */
export function gossip(instanceId: Buffer, host: string, port: number): Buffer {
  const endPoint = new ProtoWriter().string(1, host).uint(2, port);
  const member = new ProtoWriter()
    .message(1, encodeUuid(instanceId))
    .uint(2, Date.now() * 10_000)
    .uint(3, STATE_LEADER)
    .uint(4, 1)
    .message(5, endPoint);
  return new ProtoWriter().message(1, member).finish();
}

export function newInstanceId(): Buffer {
  return randomBytes(16);
}
