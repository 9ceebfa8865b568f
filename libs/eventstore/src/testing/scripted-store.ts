import {
  AccessDenied,
  AllStreamPosition,
  BadRequest,
  Empty,
  MaximumAppendSizeExceeded,
  StreamDeleted,
  StreamIdentifier,
  Timeout,
  Unknown,
  UUID,
  WrongExpectedVersion,
} from '@eventstore/db-client/generated/shared_pb.js';
import { Status } from '@eventstore/db-client/generated/status_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { AppendReq, BatchAppendReq, ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { AppendResp, BatchAppendResp, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerDuplexStream, ServerReadableStream, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';

/** What a scripted store does with an append. Batch answers and unary answers follow from it. */
export type Step =
  | 'answer'
  /** Neither stored nor answered. */
  | 'swallow'
  /** Stored, and never answered. */
  | 'store_and_swallow'
  /** Stored, then the call ends without an answer. */
  | 'store_and_break'
  /** The call ends with OK and no answer; not stored. */
  | 'end'
  | 'answer_twice'
  | 'answer_without_position'
  | 'answer_garbage'
  | 'answer_without_details'
  /** The call ends with this status; `leaderPort` makes it a follower's answer. */
  | { readonly break: number; readonly exception?: string; readonly leaderPort?: number }
  | { readonly detail: 'Timeout' | 'Unknown' | 'AccessDenied' | 'StreamDeleted' | 'MaximumAppendSizeExceeded' | 'BadRequest' }
  | { readonly message: string };

export interface StoredEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly id: string;
  readonly data: string;
}

type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

const DETAILS = {
  Timeout: () => new Timeout().serializeBinary(),
  Unknown: () => new Unknown().serializeBinary(),
  AccessDenied: () => new AccessDenied().serializeBinary(),
  StreamDeleted: () => new StreamDeleted().serializeBinary(),
  MaximumAppendSizeExceeded: () => new MaximumAppendSizeExceeded().serializeBinary(),
  BadRequest: () => new BadRequest().serializeBinary(),
};

interface Proposed {
  readonly id: string;
  readonly data: string;
}

/** A store in memory whose answers follow a script: for what a healthy server never does. */
export class ScriptedStore {
  readonly log: StoredEvent[] = [];
  /** Stream names in the order their appends arrived, repeats included. */
  readonly arrived: string[] = [];
  /** Asked for every append, in order. */
  onAppend: (stream: string) => Step = () => 'answer';
  /** Reads and subscriptions are left to the test; by default they find the stream in `log`. */
  onRead: (call: ReadCall) => void = (call) => this.readStream(call);
  batchCalls = 0;
  port = 0;
  private server: Server | undefined;

  async start(port = 0): Promise<void> {
    const server = new Server();
    server.addService(StreamsService, {
      read: (call: ReadCall) => this.onRead(call),
      append: (call: ServerReadableStream<AppendReq, AppendResp>, reply: sendUnaryData<AppendResp>) => this.appendUnary(call, reply),
      batchAppend: (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>) => this.appendBatch(call),
      delete: () => undefined,
      tombstone: () => undefined,
    });
    this.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    this.server = server;
  }

  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  /** Cuts every connection. */
  stop(): Promise<void> {
    this.server?.forceShutdown();
    return Promise.resolve();
  }

  eventsOf(stream: string): readonly StoredEvent[] {
    return this.log.filter((event) => event.stream === stream);
  }

  private store(stream: string, expected: number, events: readonly Proposed[]): { readonly wrong?: number; readonly last?: StoredEvent } {
    const held = this.eventsOf(stream);
    const last = held.length - 1;
    if (expected !== last) {
      const repeated = events.map((event, index) => held[expected + 1 + index]?.id === event.id);
      if (expected < last && repeated.every(Boolean)) return { last: held[expected + events.length] as StoredEvent };
      return { wrong: last };
    }
    for (const [index, event] of events.entries()) {
      this.log.push({ stream, revision: expected + 1 + index, position: this.log.length * 10 + 10, id: event.id, data: event.data });
    }
    return { last: this.log.at(-1) as StoredEvent };
  }

  private appendBatch(call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void {
    this.batchCalls += 1;
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    call.on('data', (request: BatchAppendReq) => {
      const options = request.getOptions();
      const stream = Buffer.from(options?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8');
      const expected = options?.hasNoStream() === true ? -1 : Number(options?.getStreamPosition());
      const events = request.getProposedMessagesList().map((one) => ({ id: one.getId()?.getString() ?? '', data: Buffer.from(one.getData_asU8()).toString('utf8') }));
      this.arrived.push(stream);
      const step = this.onAppend(stream);
      const stores = typeof step === 'string' && step !== 'swallow' && step !== 'end';
      const stored = stores ? this.store(stream, expected, events) : {};
      if (step === 'swallow' || step === 'store_and_swallow') return;
      if (step === 'end') call.end();
      else if (step === 'store_and_break') call.emit('error', { code: status.UNAVAILABLE, details: 'gone' });
      else if (typeof step === 'object' && 'break' in step) call.emit('error', failure(step));
      else if (step === 'answer_garbage') call.write(garbage());
      else {
        const answer = batchAnswer(request, step, stored);
        call.write(answer);
        if (step === 'answer_twice') call.write(answer);
      }
    });
  }

  private appendUnary(call: ServerReadableStream<AppendReq, AppendResp>, reply: sendUnaryData<AppendResp>): void {
    let stream = '';
    let expected = -1;
    const events: Proposed[] = [];
    call.on('data', (request: AppendReq) => {
      const options = request.getOptions();
      const message = request.getProposedMessage();
      if (options !== undefined) {
        stream = Buffer.from(options.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8');
        expected = options.hasNoStream() ? -1 : Number(options.getRevision());
      }
      if (message !== undefined) events.push({ id: message.getId()?.getString() ?? '', data: Buffer.from(message.getData_asU8()).toString('utf8') });
    });
    call.on('end', () => {
      this.arrived.push(stream);
      const step = this.onAppend(stream);
      if (step === 'swallow') return;
      if (typeof step === 'object') {
        reply(failure('break' in step ? step : unaryFailure(step)));
        return;
      }
      const stored = this.store(stream, expected, events);
      if (step === 'store_and_swallow') return;
      if (step === 'store_and_break' || step === 'end') reply({ code: status.UNAVAILABLE, details: 'gone' });
      else reply(null, unaryAnswer(stored, step === 'answer_without_position'));
    });
  }

  private readStream(call: ReadCall): void {
    const asked = call.request.getOptions()?.getStream();
    const stream = Buffer.from(asked?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8');
    const held = this.eventsOf(stream);
    if (held.length === 0) {
      const missing = new ReadResp();
      missing.setStreamNotFound(new ReadResp.StreamNotFound());
      call.write(missing);
    }
    for (const event of held.slice(Number(asked?.getRevision() ?? 0)).slice(0, Number(call.request.getOptions()?.getCount()))) call.write(eventMessage(event));
    call.end();
  }
}

/** A ReadResp with an event. `contentType` other than JSON makes one the adapter cannot read. */
export function eventMessage(event: StoredEvent, contentType = 'application/json'): ReadResp {
  const record = new ReadResp.ReadEvent.RecordedEvent();
  const id = new UUID();
  id.setString(event.id);
  record.setId(id);
  const identifier = new StreamIdentifier();
  identifier.setStreamName(Buffer.from(event.stream).toString('base64'));
  record.setStreamIdentifier(identifier);
  record.setStreamRevision(String(event.revision));
  record.setCommitPosition(String(event.position));
  record.setPreparePosition(String(event.position));
  record.getMetadataMap().set('type', 'Happened').set('content-type', contentType).set('created', '17000000000000000');
  record.setData(Buffer.from(event.data).toString('base64'));
  const read = new ReadResp.ReadEvent();
  read.setEvent(record);
  const response = new ReadResp();
  response.setEvent(read);
  return response;
}

export function checkpointMessage(commit: number, prepare: number): ReadResp {
  const checkpoint = new ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(commit));
  checkpoint.setPreparePosition(String(prepare));
  const response = new ReadResp();
  response.setCheckpoint(checkpoint);
  return response;
}

export function caughtUpMessage(): ReadResp {
  const response = new ReadResp();
  response.setCaughtUp(new ReadResp.CaughtUp());
  return response;
}

export const storedEvent = (position: number, data = '{}', stream = 'order-1'): StoredEvent => ({
  stream,
  revision: position,
  position,
  id: `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`,
  data,
});

function failure(step: { readonly break: number; readonly exception?: string; readonly leaderPort?: number }): { code: number; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  if (step.exception !== undefined) metadata.set('exception', step.exception);
  if (step.leaderPort !== undefined) {
    metadata.set('exception', 'not-leader');
    metadata.set('leader-endpoint-host', '127.0.0.1');
    metadata.set('leader-endpoint-port', String(step.leaderPort));
  }
  return { code: step.break, details: 'as scripted', metadata };
}

function unaryFailure(step: { readonly detail: string } | { readonly message: string }): { readonly break: number; readonly exception?: string } {
  if ('message' in step) return { break: status.UNAVAILABLE };
  if (step.detail === 'Timeout') return { break: status.ABORTED };
  if (step.detail === 'AccessDenied') return { break: status.PERMISSION_DENIED, exception: 'access-denied' };
  if (step.detail === 'BadRequest') return { break: status.INVALID_ARGUMENT };
  return { break: status.UNKNOWN };
}

function garbage(): BatchAppendResp {
  const response = new BatchAppendResp();
  response.serializeBinary = () => Uint8Array.from([0xff, 0xff, 0xff]);
  return response;
}

function batchAnswer(request: BatchAppendReq, step: Step, stored: { readonly wrong?: number; readonly last?: StoredEvent }): BatchAppendResp {
  const answer = new BatchAppendResp();
  answer.setCorrelationId(request.getCorrelationId());
  answer.setStreamIdentifier(request.getOptions()?.getStreamIdentifier());
  if (typeof step === 'object' || step === 'answer_without_details') {
    answer.setError(errorStatus(step));
  } else if (stored.wrong !== undefined) {
    const wrong = new WrongExpectedVersion();
    if (stored.wrong < 0) wrong.setCurrentNoStream(new Empty());
    else wrong.setCurrentStreamRevision(String(stored.wrong));
    answer.setError(detailed('WrongExpectedVersion', wrong.serializeBinary()));
  } else {
    const success = new BatchAppendResp.Success();
    success.setCurrentRevision(String(stored.last?.revision));
    if (step === 'answer_without_position') success.setNoPosition(new Empty());
    else {
      const position = new AllStreamPosition();
      position.setCommitPosition(String(stored.last?.position));
      position.setPreparePosition(String(stored.last?.position));
      success.setPosition(position);
    }
    answer.setSuccess(success);
  }
  return answer;
}

function errorStatus(step: Step): Status {
  if (typeof step === 'object' && 'detail' in step) return detailed(step.detail, DETAILS[step.detail]());
  const bare = new Status();
  if (typeof step === 'object' && 'message' in step) bare.setMessage(step.message);
  else bare.setCode(2);
  return bare;
}

function detailed(name: string, bytes: Uint8Array): Status {
  const any = new anyPb.Any();
  any.pack(bytes, `event_store.client.${name}`);
  const said = new Status();
  said.setMessage(name);
  said.setDetails(any);
  return said;
}

function unaryAnswer(stored: { readonly wrong?: number; readonly last?: StoredEvent }, withoutPosition: boolean): AppendResp {
  const response = new AppendResp();
  if (stored.wrong !== undefined) {
    const wrong = new AppendResp.WrongExpectedVersion();
    if (stored.wrong < 0) wrong.setCurrentNoStream(new Empty());
    else wrong.setCurrentRevision(String(stored.wrong));
    response.setWrongExpectedVersion(wrong);
    return response;
  }
  const success = new AppendResp.Success();
  success.setCurrentRevision(String(stored.last?.revision));
  if (withoutPosition) success.setNoPosition(new Empty());
  else {
    const position = new AppendResp.Position();
    position.setCommitPosition(String(stored.last?.position));
    position.setPreparePosition(String(stored.last?.position));
    success.setPosition(position);
  }
  response.setSuccess(success);
  return response;
}
