import { Empty, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, it } from '@jest/globals';
import type { JsonObject, RecordedEvent } from '@tallystick/ports';
import fc from 'fast-check';
import { encodeHeadRead, encodeStreamRead, encodeSubscription } from './read-request.ts';
import { decodeEventPlace, decodeReadMessage, UnreadableEvent } from './read-response.ts';
import { WireError } from './reader.ts';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => value.isWellFormed());
const json = fc.dictionary(text, fc.jsonValue(), { maxKeys: 5 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);
const position = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const recorded: fc.Arbitrary<RecordedEvent> = fc.record({
  id: fc.uuid(),
  type: text,
  stream: text,
  revision: fc.maxSafeNat(),
  position,
  recordedAtMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  data: json,
  metadata: json,
});

interface Extras {
  readonly contentType?: string;
  readonly data?: string;
  readonly metadata?: string;
  readonly structuredId?: boolean;
}

function responseWith(event: RecordedEvent, extras: Extras = {}): Buffer {
  const record = new ReadResp.ReadEvent.RecordedEvent();
  const id = new UUID();
  if (extras.structuredId === true) {
    const hex = event.id.replaceAll('-', '');
    const halves = new UUID.Structured();
    halves.setMostSignificantBits(BigInt.asIntN(64, BigInt(`0x${hex.slice(0, 16)}`)).toString());
    halves.setLeastSignificantBits(BigInt.asIntN(64, BigInt(`0x${hex.slice(16)}`)).toString());
    id.setStructured(halves);
  } else id.setString(event.id);
  record.setId(id);
  const identifier = new StreamIdentifier();
  identifier.setStreamName(Buffer.from(event.stream).toString('base64'));
  record.setStreamIdentifier(identifier);
  record.setStreamRevision(String(event.revision));
  record.setCommitPosition(event.position.toString());
  record.setPreparePosition(event.position.toString());
  record.getMetadataMap().set('type', event.type);
  record.getMetadataMap().set('content-type', extras.contentType ?? 'application/json');
  record.getMetadataMap().set('created', String(BigInt(event.recordedAtMs) * 10_000n + 17n));
  record.setData(Buffer.from(extras.data ?? JSON.stringify(event.data)).toString('base64'));
  record.setCustomMetadata(Buffer.from(extras.metadata ?? JSON.stringify(event.metadata)).toString('base64'));
  const read = new ReadResp.ReadEvent();
  read.setEvent(record);
  read.setCommitPosition(event.position.toString());
  const response = new ReadResp();
  response.setEvent(read);
  return Buffer.from(response.serializeBinary());
}

const sample: RecordedEvent = {
  id: '6f1b1b8e-7d5e-4a86-9c1f-0d7b5c0e9a11',
  type: 'OrderAccepted',
  stream: 'order-1',
  revision: 3,
  position: 77n,
  recordedAtMs: 1_700_000_000_000,
  data: { qty: '1' },
  metadata: {},
};

describe('read requests', () => {
  it('ask for a stream as the generated classes understand it', () => {
    fc.assert(
      fc.property(text, fc.oneof(fc.constant('start' as const), fc.constant('end' as const), fc.maxSafeNat()), fc.boolean(), fc.option(fc.integer({ min: 1, max: 1e9 })), (stream, from, backwards, maxCount) => {
        const bytes = encodeStreamRead({ stream, from, backwards, ...(maxCount === null ? {} : { maxCount }) });
        const options = ReadReq.deserializeBinary(bytes).getOptions();
        const asked = options?.getStream();
        expect(Buffer.from(asked?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8')).toBe(stream);
        if (from === 'start') expect(asked?.hasStart()).toBe(true);
        else if (from === 'end') expect(asked?.hasEnd()).toBe(true);
        else expect(asked?.getRevision()).toBe(String(from));
        expect(options?.getReadDirection()).toBe(backwards ? 1 : 0);
        expect(options?.getCount()).toBe(String(maxCount ?? Number.MAX_SAFE_INTEGER));
        expect(options?.hasNoFilter()).toBe(true);
        expect(options?.getUuidOption()?.hasString()).toBe(true);
        expect(options?.getResolveLinks()).toBe(false);
      }),
    );
  });

  it('ask for the newest event of the log', () => {
    const options = ReadReq.deserializeBinary(encodeHeadRead()).getOptions();
    expect([options?.getAll()?.hasEnd(), options?.getReadDirection(), options?.getCount(), options?.hasNoFilter()]).toEqual([true, 1, '1', true]);
  });

  it('subscribe to streams by prefix, after a place or from the start', () => {
    fc.assert(
      fc.property(fc.option(fc.record({ commit: position, prepare: position })), fc.array(text, { minLength: 1, maxLength: 4 }), (after, prefixes) => {
        const options = ReadReq.deserializeBinary(encodeSubscription(after ?? 'start', prefixes)).getOptions();
        if (after === null) expect(options?.getAll()?.hasStart()).toBe(true);
        else {
          expect(options?.getAll()?.getPosition()?.getCommitPosition()).toBe(after.commit.toString());
          expect(options?.getAll()?.getPosition()?.getPreparePosition()).toBe(after.prepare.toString());
        }
        expect(options?.hasSubscription()).toBe(true);
        expect(options?.getFilter()?.getStreamIdentifier()?.getPrefixList()).toEqual(prefixes);
        expect(options?.getFilter()?.getMax()).toBeGreaterThan(0);
        expect(options?.getFilter()?.getCheckpointintervalmultiplier()).toBe(1);
      }),
    );
  });
});

describe('read responses', () => {
  it('give back the event that was recorded, with the id in either form', () => {
    fc.assert(
      fc.property(recorded, fc.boolean(), (event, structuredId) => {
        const bytes = responseWith(event, { structuredId });
        const spelled = { data: Buffer.from(JSON.stringify(event.data)), metadata: Buffer.from(JSON.stringify(event.metadata)) };
        expect(decodeReadMessage(bytes)).toEqual({ kind: 'event', event: { ...event, spelled }, place: { commit: event.position, prepare: event.position } });
        const pushed = decodeReadMessage(bytes, 'when asked for');
        expect(pushed.kind === 'event' && { ...pushed.event, data: pushed.event.data, metadata: pushed.event.metadata }).toMatchObject({ ...event, spelled });
        expect(decodeEventPlace(bytes)).toEqual({ commit: event.position, prepare: event.position });
      }),
    );
  });

  it('take absent metadata for empty', () => {
    const message = decodeReadMessage(responseWith(sample, { metadata: '' }));
    expect(message.kind === 'event' && message.event.metadata).toEqual({});
  });

  it.each([
    ['bytes of another content type', { contentType: 'application/octet-stream' }],
    ['malformed JSON', { data: '{"qty":' }],
    ['JSON that is no object', { data: '[1]' }],
    ['malformed metadata', { metadata: 'x' }],
  ])('refuse %s, and say which event it was', (_what, extras) => {
    expect(() => decodeReadMessage(responseWith(sample, extras))).toThrow(UnreadableEvent);
    expect(() => decodeReadMessage(responseWith(sample, extras))).toThrow('order-1@3');
    expect(decodeEventPlace(responseWith(sample, extras))).toEqual({ commit: 77n, prepare: 77n });
  });

  it('tell the messages without an event apart', () => {
    const kinds: string[] = [];
    for (const set of [
      (response: ReadResp) => response.setConfirmation(new ReadResp.SubscriptionConfirmation()),
      (response: ReadResp) => response.setStreamNotFound(new ReadResp.StreamNotFound()),
      (response: ReadResp) => response.setCaughtUp(new ReadResp.CaughtUp()),
      (response: ReadResp) => response.setFellBehind(new ReadResp.FellBehind()),
      (response: ReadResp) => response.setFirstStreamPosition('7'),
    ]) {
      const response = new ReadResp();
      set(response);
      kinds.push(decodeReadMessage(Buffer.from(response.serializeBinary())).kind);
    }
    expect(kinds).toEqual(['confirmed', 'stream_not_found', 'caught_up', 'fell_behind', 'other']);
  });

  it('give the place of a tombstone, which may be the head of the log, and not the event', () => {
    const response = ReadResp.deserializeBinary(responseWith(sample, { contentType: 'application/octet-stream', data: '' }));
    response.getEvent()?.getEvent()?.setStreamRevision('9223372036854775807');
    const bytes = Buffer.from(response.serializeBinary());
    expect(decodeEventPlace(bytes)).toEqual({ commit: 77n, prepare: 77n });
    expect(() => decodeReadMessage(bytes)).toThrow(UnreadableEvent);
  });

  it('keep both halves of a checkpoint', () => {
    const response = new ReadResp();
    const checkpoint = new ReadResp.Checkpoint();
    checkpoint.setCommitPosition('9007199254740993');
    checkpoint.setPreparePosition('0');
    response.setCheckpoint(checkpoint);
    expect(decodeReadMessage(Buffer.from(response.serializeBinary()))).toEqual({ kind: 'checkpoint', place: { commit: 9_007_199_254_740_993n, prepare: 0n } });
  });

  it('read the events of a link as what lies in the stream', () => {
    const response = ReadResp.deserializeBinary(responseWith(sample));
    response.getEvent()?.setLink(response.getEvent()?.getEvent());
    response.getEvent()?.setNoPosition(new Empty());
    expect(decodeReadMessage(Buffer.from(response.serializeBinary())).kind).toBe('event');
  });

  it('never take damaged bytes for anything but an error or some message', () => {
    const whole = responseWith(sample);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        try {
          decodeReadMessage(damaged);
        } catch (error) {
          expect(error instanceof WireError || error instanceof UnreadableEvent).toBe(true);
        }
      }),
    );
  });
});
