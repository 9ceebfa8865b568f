import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { frame } from '../wire/append-codec.ts';
import type { Caller } from './access.ts';

/** The codes of gRPC this server answers with. */
export const GRPC = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export interface Failure {
  readonly code: number;
  readonly message: string;
  readonly trailers?: Readonly<Record<string, string>>;
}

/** The client's own limit is 17 MiB; one more lets its largest batch in. */
const MESSAGE_BYTES_MAX = 18 * 1024 * 1024;
const FRAME_HEADER_BYTES = 5;

export interface CallHead {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller;
}

/** One call: messages in, messages and exactly one status out. */
export class Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller;
  onMessage: (message: Buffer) => void = () => undefined;
  /** The client sends no more. */
  onEnd: () => void = () => undefined;
  closed = false;
  private readonly stream: ServerHttp2Stream;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  /** Bytes the message that has begun needs. */
  private neededBytes = FRAME_HEADER_BYTES;
  private ended = false;
  private readonly overCallbacks: (() => void)[] = [];
  private trailers: Record<string, string> = { 'grpc-status': '0' };

  constructor(stream: ServerHttp2Stream, { path, headers, caller }: CallHead) {
    this.stream = stream;
    this.path = path;
    this.headers = headers;
    this.caller = caller;
    stream.on('data', (chunk: Buffer) => this.receive(chunk));
    stream.on('end', () => {
      if (!this.ended) this.onEnd();
    });
    stream.on('wantTrailers', () => stream.sendTrailers(this.trailers));
    stream.on('aborted', () => this.close());
    // A connection that breaks ends its calls; `close` follows and says all there is to say.
    stream.on('error', () => this.close());
    stream.on('close', () => this.close());
  }

  /** Bytes written to it that the connection has not taken yet. */
  get bufferedBytes(): number {
    return this.stream.writableLength;
  }

  /** Calls `callback` when the call is over, however it ended. */
  onOver(callback: () => void): void {
    if (this.closed) callback();
    else this.overCallbacks.push(callback);
  }

  sendHeaders(): void {
    if (this.stream.headersSent || this.closed) return;
    this.stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  }

  /** Sends one or several frames. False when the client is slower than we are: wait for `drained`. */
  write(frames: Buffer): boolean {
    if (this.closed || this.ended) return true;
    this.sendHeaders();
    return this.stream.write(frames);
  }

  /** Resolves when there is room again, or the call is over. */
  drained(): Promise<void> {
    if (this.closed || !this.stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.stream.off('drain', done);
        this.stream.off('close', done);
        resolve();
      };
      this.stream.on('drain', done);
      this.stream.on('close', done);
    });
  }

  /** Ends with success, after `message` when one is given. */
  end(message?: Buffer): void {
    if (this.closed || this.ended) return;
    this.sendHeaders();
    this.ended = true;
    if (message === undefined) this.stream.end();
    else this.stream.end(frame(message));
  }

  fail(failure: Failure): void {
    if (this.closed || this.ended) return;
    this.ended = true;
    this.trailers = { 'grpc-status': String(failure.code), 'grpc-message': headerText(failure.message), ...failure.trailers };
    if (this.stream.headersSent) this.stream.end();
    else this.stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...this.trailers }, { endStream: true });
    // What the client still sends is read and dropped, or its flow control would hold it for ever.
    this.stream.resume();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  private close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ended = true;
    for (const callback of this.overCallbacks) callback();
  }

  private receive(chunk: Buffer): void {
    if (this.ended) return;
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    // Joined only once the message is whole: joining at every chunk would be quadratic.
    if (this.pendingBytes < this.neededBytes) return;
    let buf = this.pending.length === 1 ? chunk : Buffer.concat(this.pending);
    this.neededBytes = FRAME_HEADER_BYTES;
    while (buf.length >= FRAME_HEADER_BYTES) {
      const length = buf.readUInt32BE(1);
      if (buf[0] !== 0) {
        this.fail({ code: GRPC.UNIMPLEMENTED, message: 'compressed messages are not supported' });
        return;
      }
      if (length > MESSAGE_BYTES_MAX) {
        this.fail({ code: GRPC.RESOURCE_EXHAUSTED, message: `a message of ${length} bytes is larger than ${MESSAGE_BYTES_MAX}` });
        return;
      }
      this.neededBytes = FRAME_HEADER_BYTES + length;
      if (buf.length < this.neededBytes) break;
      this.onMessage(buf.subarray(FRAME_HEADER_BYTES, this.neededBytes));
      if (this.ended) return;
      buf = buf.subarray(this.neededBytes);
      this.neededBytes = FRAME_HEADER_BYTES;
    }
    this.pending = buf.length === 0 ? [] : [buf];
    this.pendingBytes = buf.length;
  }
}

/** Header values are ASCII: what is not is percent-encoded, and so is the percent sign; clients decode with `decodeURI`. */
export function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text.replaceAll('%', '%25') : encodeURI(text.toWellFormed());
}

/** For trailers that are not decoded by the client: plain ASCII stays as it is. */
export function trailerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}
