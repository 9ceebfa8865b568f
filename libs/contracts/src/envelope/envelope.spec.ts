import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@tallystick/ports';
import { CloudEventV1, toCloudEvent } from './cloud-event.ts';
import { EventMetadata, eventHashOf, GENESIS_HASH } from './envelope.ts';

const metadata: EventMetadata = {
  specversion: '1.0', source: '/services/fills', time: '2024-01-02T00:00:00.000Z', schemaversion: 1, actor: 'service:fills', build: 'b', policyhash: '', prevhash: GENESIS_HASH,
  correlationid: 'c', causationid: 'd',
};
const recorded: RecordedEvent = { stream: 'order-1', revision: 3, position: 77n, recordedAtMs: 5, id: 'e', type: 'OrderFilled', data: { qty: '1' }, metadata };

describe('the metadata of an event', () => {
  it.each([{ source: undefined }, { time: 'yesterday' }, { time: '2024-01-02T00:00:00+01:00' }, { schemaversion: 0 }, { policyhash: 'x' }, { prevhash: '' }, { surprise: 1 }, { specversion: '0.3' }])('is refused with %j', (change) => {
    expect(EventMetadata.safeParse({ ...metadata, ...change }).success).toBe(false);
  });

  it('has attribute names as CloudEvents takes them', () => {
    expect(Object.keys(EventMetadata.shape).filter((name) => !/^[a-z0-9]{1,20}$/.test(name))).toEqual([]);
  });
});

describe('the hash of an event', () => {
  it('has a stable value', () => {
    expect(eventHashOf(recorded)).toBe('82b08c88454aba4c0d4dbb36ab43155ceb7670b448f8bf2f26205f6daa37cd87');
  });

  it('depends on the place it stands in, and not on the order of members', () => {
    expect(eventHashOf({ ...recorded, revision: 4 })).not.toBe(eventHashOf(recorded));
    expect(eventHashOf({ ...recorded, metadata: Object.fromEntries(Object.entries(metadata).reverse()) })).toBe(eventHashOf(recorded));
  });
});

describe('an event for the outside', () => {
  it('is a CloudEvent of its own id, stream and place, with its causation', () => {
    const event = toCloudEvent('order', { ...recorded, metadata: { ...metadata, traceparent: 't' } });
    expect(CloudEventV1.safeParse(event).success).toBe(true);
    expect(event).toEqual({
      specversion: '1.0', id: 'e', source: '/services/fills', type: 'io.tallystick.order.OrderFilled.v1', subject: 'order-1', time: metadata.time, datacontenttype: 'application/json',
      revision: 3, position: '77', actor: 'service:fills', correlationid: 'c', causationid: 'd', traceparent: 't', data: { qty: '1' },
    });
  });

  it('is none when its metadata is not as ours', () => {
    expect(toCloudEvent('order', { ...recorded, metadata: {} })).toBeUndefined();
  });
});
