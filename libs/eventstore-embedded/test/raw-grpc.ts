import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { frame } from '../src/wire/append-codec.ts';
import { ProtoReader, ProtoWriter } from '../src/wire/proto.ts';

/** How a call ended: its messages and the status, from trailers or from headers alone. */
export interface RawAnswer {
  readonly messages: readonly Buffer[];
  readonly code: number;
  readonly message: string;
  readonly trailers: IncomingHttpHeaders;
}

export type RawExpected = 'any' | 'no_stream' | 'stream_exists' | number;

export interface RawAppend {
  /** Any text: the server sends it back as it came. */
  readonly correlation: string;
  readonly stream: string;
  readonly expected?: RawExpected;
  /** Ids of the events, small numbers. */
  readonly ids: readonly number[];
  readonly data?: Buffer;
  readonly type?: string;
  readonly deadlineMs?: number;
  readonly isFinal?: boolean;
  readonly withoutOptions?: boolean;
}

/** What a batch append was answered. */
export interface RawReply {
  readonly correlation: string;
  readonly revision: number | undefined;
  /** Name of the error's message, as `WrongExpectedVersion`; undefined for a success. */
  readonly error: string | undefined;
  readonly code: number | undefined;
}

/** gRPC without a client, to send what no client sends and to see what none shows. */
export class RawConnection {
  readonly session: ClientHttp2Session;

  constructor(port: number) {
    this.session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 64 * 1024 } });
    // Calls end with it and say so.
    this.session.on('error', () => undefined);
  }

  open(path: string, headers: Readonly<Record<string, string>> = {}): RawCall {
    return new RawCall(this.session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers }));
  }

  /** One request, all of the answer. */
  async call(path: string, messages: readonly Buffer[], headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const call = this.open(path, headers);
    for (const message of messages) call.send(message);
    call.stream.end();
    return call.ended;
  }

  batch(headers: Readonly<Record<string, string>> = {}): RawBatch {
    return new RawBatch(this.open('/event_store.client.streams.Streams/BatchAppend', headers));
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.session.closed) resolve();
      else this.session.once('close', () => resolve());
      this.session.destroy();
    });
  }
}

export class RawCall {
  readonly stream: ClientHttp2Stream;
  readonly messages: Buffer[] = [];
  readonly ended: Promise<RawAnswer>;
  onMessage: (message: Buffer) => void = () => undefined;
  private pending: Buffer = Buffer.alloc(0);

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders | undefined;
    stream.on('response', (received) => {
      headers = received;
    });
    stream.on('trailers', (received: IncomingHttpHeaders) => {
      trailers = received;
    });
    stream.on('data', (chunk: Buffer) => this.receive(chunk));
    // A cut connection has no status: told apart from any by the code -1.
    stream.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      stream.on('close', () => {
        const status = trailers ?? headers;
        const code = status['grpc-status'];
        resolve({ messages: this.messages, code: code === undefined ? -1 : Number(code), message: decodeURIComponent(String(status['grpc-message'] ?? '')), trailers: status });
      });
    });
  }

  /** False when the connection takes no more for now. */
  send(message: Buffer): boolean {
    return this.stream.write(frame(message));
  }

  private receive(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= 5) {
      const end = 5 + this.pending.readUInt32BE(1);
      if (this.pending.length < end) return;
      const message = this.pending.subarray(5, end);
      this.pending = this.pending.subarray(end);
      this.messages.push(message);
      this.onMessage(message);
    }
  }
}

export class RawBatch {
  readonly call: RawCall;
  readonly replies: RawReply[] = [];

  constructor(call: RawCall) {
    this.call = call;
    call.onMessage = (message) => void this.replies.push(decodeReply(message));
  }

  append(request: RawAppend): boolean {
    return this.call.send(encodeBatchAppend(request));
  }

  repliesTo(correlation: string): readonly RawReply[] {
    return this.replies.filter((reply) => reply.correlation === correlation);
  }
}

export function encodeBatchAppend(request: RawAppend): Buffer {
  const message = new ProtoWriter().message(1, new ProtoWriter().string(2, request.correlation));
  if (request.withoutOptions !== true) {
    const options = encodeTarget(request.stream, request.expected ?? 'any');
    if (request.deadlineMs !== undefined) {
      const seconds = Math.floor(request.deadlineMs / 1000);
      options.message(6, new ProtoWriter().uint(1, seconds).uint(2, Math.floor(request.deadlineMs - seconds * 1000) * 1e6));
    }
    message.message(2, options);
  }
  for (const id of request.ids) message.message(3, encodeEvent(id, request));
  return message.uint(4, request.isFinal === false ? 0 : 1).finish();
}

/** The messages of a unary append. */
export function encodeAppend(request: Omit<RawAppend, 'correlation'>): Buffer[] {
  const options = new ProtoWriter().message(1, encodeTarget(request.stream, request.expected ?? 'any')).finish();
  return [options, ...request.ids.map((id) => new ProtoWriter().message(2, encodeEvent(id, request)).finish())];
}

/** The request of `Delete` and `Tombstone`. */
export function encodeDelete(stream: string, expected: RawExpected = 'any'): Buffer {
  return new ProtoWriter().message(1, encodeTarget(stream, expected)).finish();
}

/** A framed subscription from the start: to one stream, or to all of them by a filter on their names. */
export function encodeSubscribe(stream: string | undefined, filter: { readonly prefixes?: readonly string[]; readonly regex?: string } = {}): Buffer {
  const options = new ProtoWriter();
  if (stream === undefined) options.message(2, new ProtoWriter().empty(2));
  else options.message(1, new ProtoWriter().message(1, new ProtoWriter().string(3, stream)).empty(3));
  options.uint(3, 0).uint(4, 0).empty(6);
  const expression = new ProtoWriter();
  if (filter.regex !== undefined) expression.string(1, filter.regex);
  for (const prefix of filter.prefixes ?? []) expression.string(2, prefix);
  if (filter.regex === undefined && filter.prefixes === undefined) options.empty(8);
  else options.message(7, new ProtoWriter().message(1, expression).uint(3, 32).uint(5, 1));
  return frame(new ProtoWriter().message(1, options.message(9, new ProtoWriter().empty(2))).finish());
}

function encodeTarget(stream: string, expected: RawExpected): ProtoWriter {
  const target = new ProtoWriter().message(1, new ProtoWriter().string(3, stream));
  if (typeof expected === 'number') return target.uint(2, expected);
  return target.empty({ no_stream: 3, any: 4, stream_exists: 5 }[expected]);
}

function encodeEvent(id: number, { data, type }: { readonly data?: Buffer; readonly type?: string }): ProtoWriter {
  const uuid = `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`;
  return new ProtoWriter()
    .message(1, new ProtoWriter().string(2, uuid))
    .message(2, new ProtoWriter().string(1, 'type').string(2, type ?? 'Happened'))
    .message(2, new ProtoWriter().string(1, 'content-type').string(2, 'application/json'))
    .bytes(4, data ?? Buffer.from(JSON.stringify({ n: id })));
}

function decodeReply(message: Buffer): RawReply {
  const reader = new ProtoReader(message);
  let correlation = '';
  let revision: number | undefined;
  let error: string | undefined;
  let code: number | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) correlation = textOf(reader.message(), 2);
    else if (field === 2) {
      const status = reader.message();
      for (let inner = status.next(); inner !== 0; inner = status.next()) {
        if (inner === 1) code = status.varint();
        else if (inner === 3) error = textOf(status.message(), 1).split('.').pop();
        else status.skip();
      }
    } else if (field === 3) {
      const success = reader.message();
      for (let inner = success.next(); inner !== 0; inner = success.next()) {
        if (inner === 1) revision = success.varint();
        else success.skip();
      }
    } else reader.skip();
  }
  return { correlation, revision, error, code };
}

function textOf(reader: ProtoReader, wanted: number): string {
  let text = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === wanted) text = reader.string();
    else reader.skip();
  }
  return text;
}
