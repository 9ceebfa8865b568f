import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { serveChannel } from './channel.ts';

/**
 * Bare gRPC over HTTP/2: frames in, frames of the sizes that the store answers with out, nothing decoded, kept or written. What the store
 * takes beyond this is the store's.
 */
const FRAME_HEADER_BYTES = 5;
/** As the store has them. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
const FLUSH_BYTES = 64 * 1024;

const frameOf = (bytes: number): Buffer => {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + bytes, 1);
  frame[0] = 0;
  frame.writeUInt32BE(bytes, 1);
  return frame;
};

/** Calls back with each whole message. */
const onMessages = (stream: ServerHttp2Stream, take: (messages: number, last: Buffer) => void): void => {
  let held: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let messages = 0;
    let last: Buffer = held;
    while (held.length >= FRAME_HEADER_BYTES && held.length >= FRAME_HEADER_BYTES + held.readUInt32BE(1)) {
      const end = FRAME_HEADER_BYTES + held.readUInt32BE(1);
      last = held.subarray(FRAME_HEADER_BYTES, end);
      held = held.subarray(end);
      messages += 1;
    }
    if (messages > 0) take(messages, last);
  });
};

/** `/bench/bidi/<bytes>`: an answer of so many bytes to each message. */
const answerEach = (stream: ServerHttp2Stream, bytes: number): void => {
  const answer = frameOf(bytes);
  onMessages(stream, (messages) => void stream.write(messages === 1 ? answer : Buffer.concat(Array.from({ length: messages }, () => answer))));
  stream.on('end', () => stream.end());
};

/** `/bench/once/<bytes>`: one answer when the client has sent all. */
const answerOnce = (stream: ServerHttp2Stream, bytes: number): void => {
  stream.resume();
  stream.on('end', () => stream.end(frameOf(bytes)));
};

/** `/bench/stream/<bytes>`: the one message says how many answers, in decimal. */
const answerMany = (stream: ServerHttp2Stream, bytes: number): void => {
  const one = frameOf(bytes);
  onMessages(stream, (_, message) => void send(Number(message.toString())));
  const send = async (count: number): Promise<void> => {
    const perFlush = Math.max(1, Math.floor(FLUSH_BYTES / one.length));
    for (let sent = 0; sent < count && !stream.destroyed; sent += perFlush) {
      const frames = Buffer.concat(Array.from({ length: Math.min(perFlush, count - sent) }, () => one));
      if (!stream.write(frames)) await new Promise((resolve) => stream.once('drain', resolve));
    }
    stream.end();
  };
};

const server = createServer({ settings: { initialWindowSize: STREAM_WINDOW_BYTES } });
server.on('session', (session) => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
server.on('stream', (stream, headers) => {
  const [, , kind, bytes] = String(headers[':path']).split('/');
  stream.on('error', () => stream.close());
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  const answer = { bidi: answerEach, once: answerOnce, stream: answerMany }[kind ?? ''];
  if (answer === undefined) stream.close();
  else answer(stream, Number(bytes));
});
server.listen(0, '127.0.0.1', () => serveChannel({ port: (server.address() as AddressInfo).port }, {}, () => Promise.resolve(void server.close())));
