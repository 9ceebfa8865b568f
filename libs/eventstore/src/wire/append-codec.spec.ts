import { StreamIdentifier, UUID, Empty, WrongExpectedVersion, AllStreamPosition, Timeout } from '@eventstore/db-client/generated/shared_pb.js';
import { Status } from '@eventstore/db-client/generated/status_pb.js';
import { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, it } from '@jest/globals';
import type { ExpectedRevision, JsonObject, NewEvent } from '@tallystick/ports';
import fc from 'fast-check';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import { encodeBatchAppend, stampCorrelation } from './append-request.ts';
import { decodeBatchAnswer } from './append-response.ts';
import { WireError } from './reader.ts';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => value.isWellFormed());
const json = fc.dictionary(text, fc.jsonValue(), { maxKeys: 5 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);
const event: fc.Arbitrary<NewEvent> = fc.record({ id: fc.uuid(), type: text, data: json, metadata: json });
const expected: fc.Arbitrary<ExpectedRevision> = fc.oneof(fc.constant('no_stream' as const), fc.maxSafeNat());

const uuidOf = (value: string): UUID => {
  const uuid = new UUID();
  uuid.setString(value);
  return uuid;
};

const structured = (value: string): UUID => {
  const uuid = new UUID();
  const hex = value.replaceAll('-', '');
  const halves = new UUID.Structured();
  halves.setMostSignificantBits(BigInt.asIntN(64, BigInt(`0x${hex.slice(0, 16)}`)).toString());
  halves.setLeastSignificantBits(BigInt.asIntN(64, BigInt(`0x${hex.slice(16)}`)).toString());
  uuid.setStructured(halves);
  return uuid;
};

const answerFor = (uuid: UUID): BatchAppendResp => {
  const answer = new BatchAppendResp();
  answer.setCorrelationId(uuid);
  const identifier = new StreamIdentifier();
  identifier.setStreamName(Buffer.from('order-1').toString('base64'));
  answer.setStreamIdentifier(identifier);
  return answer;
};

const bytesOf = (message: { serializeBinary(): Uint8Array }): Buffer => Buffer.from(message.serializeBinary());

const errorAnswer = (uuid: UUID, name: string, detail: Uint8Array): BatchAppendResp => {
  const answer = answerFor(uuid);
  const status = new Status();
  const any = new anyPb.Any();
  any.pack(detail, name);
  status.setMessage('said so');
  status.setDetails(any);
  answer.setError(status);
  return answer;
};

describe('the batch append request', () => {
  it('says to the generated classes exactly what was to be appended, whatever the text', () => {
    fc.assert(
      fc.property(text, expected, fc.array(event, { minLength: 1, maxLength: 4 }), (stream, revision, events) => {
        const message = encodeBatchAppend(stream, revision, events);
        const read = BatchAppendReq.deserializeBinary(message);
        const options = read.getOptions();
        expect(Buffer.from(options?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8')).toBe(stream);
        if (revision === 'no_stream') expect(options?.hasNoStream()).toBe(true);
        else expect(options?.getStreamPosition()).toBe(String(revision));
        expect(options?.hasDeadline()).toBe(false);
        expect(read.getIsFinal()).toBe(true);
        const proposed = read.getProposedMessagesList();
        expect(proposed.map((one) => one.getId()?.getString())).toEqual(events.map(({ id }) => id));
        expect(proposed.map((one) => one.getMetadataMap().get('type'))).toEqual(events.map(({ type }) => type));
        expect(proposed.map((one) => one.getMetadataMap().get('content-type'))).toEqual(events.map(() => 'application/json'));
        expect(proposed.map((one) => JSON.parse(Buffer.from(one.getData_asU8()).toString('utf8')) as unknown)).toEqual(events.map(({ data }) => data));
        expect(proposed.map((one) => JSON.parse(Buffer.from(one.getCustomMetadata_asU8()).toString('utf8')) as unknown)).toEqual(events.map(({ metadata }) => metadata));
        expect(message.length).toBe(read.serializeBinary().length);
      }),
    );
  });

  it('carries the number of the append in its correlation id, also when it is stamped again', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 2 ** 48 - 1 }), (uuid, number) => {
        const message = encodeBatchAppend('order-1', 0, [{ id: uuid, type: 'T', data: {}, metadata: {} }]);
        stampCorrelation(message, uuid.slice(0, 24), 7);
        stampCorrelation(message, uuid.slice(0, 24), number);
        const sent = BatchAppendReq.deserializeBinary(message).getCorrelationId()?.getString() ?? '';
        expect(sent).toBe(`${uuid.slice(0, 24)}${number.toString(16).padStart(12, '0')}`);
        expect(decodeBatchAnswer(bytesOf(success(uuidOf(sent), '0', '0'))).number).toBe(number);
        expect(decodeBatchAnswer(bytesOf(success(structured(sent), '0', '0'))).number).toBe(number);
      }),
    );
  });
});

function success(uuid: UUID, revision: string, commit: string): BatchAppendResp {
  const answer = answerFor(uuid);
  const done = new BatchAppendResp.Success();
  done.setCurrentRevision(revision);
  const position = new AllStreamPosition();
  position.setCommitPosition(commit);
  position.setPreparePosition(commit);
  done.setPosition(position);
  answer.setSuccess(done);
  return answer;
}

describe('the batch append answer', () => {
  const uuid = uuidOf('00000000-0000-4000-8000-000000000009');

  it('gives revision and position over their whole range', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (revision, commit) => {
        expect(decodeBatchAnswer(bytesOf(success(uuid, String(revision), commit.toString())))).toEqual({ number: 9, kind: 'written', revision, position: commit });
      }),
    );
  });

  it('leaves the position open when the server does', () => {
    const answer = answerFor(uuid);
    const done = new BatchAppendResp.Success();
    done.setCurrentRevision('4');
    done.setNoPosition(new Empty());
    answer.setSuccess(done);
    expect(decodeBatchAnswer(bytesOf(answer))).toEqual({ number: 9, kind: 'written', revision: 4, position: undefined });
  });

  it('tells a wrong revision with the actual one', () => {
    const wrong = new WrongExpectedVersion();
    wrong.setCurrentStreamRevision('41');
    wrong.setExpectedNoStream(new Empty());
    const answer = errorAnswer(uuid, 'event_store.client.WrongExpectedVersion', wrong.serializeBinary());
    expect(decodeBatchAnswer(bytesOf(answer))).toEqual({ number: 9, kind: 'wrong_revision', actual: 41 });
  });

  it('tells a stream that does not exist', () => {
    const wrong = new WrongExpectedVersion();
    wrong.setCurrentNoStream(new Empty());
    wrong.setExpectedStreamPosition('3');
    const answer = errorAnswer(uuid, 'event_store.client.WrongExpectedVersion', wrong.serializeBinary());
    expect(decodeBatchAnswer(bytesOf(answer))).toEqual({ number: 9, kind: 'wrong_revision', actual: 'no_stream' });
  });

  it('tells any other error by the name of its detail', () => {
    const answer = errorAnswer(uuid, 'event_store.client.Timeout', new Timeout().serializeBinary());
    expect(decodeBatchAnswer(bytesOf(answer))).toEqual({ number: 9, kind: 'error', type: 'Timeout', status: 0, message: 'said so' });
  });

  it('never takes damaged bytes for anything but an error or some answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeBatchAnswer(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
    );
  });
});
