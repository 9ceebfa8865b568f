import { Client, credentials, Metadata, type ClientDuplexStream } from '@grpc/grpc-js';

const asIs = (bytes: Buffer): Buffer => bytes;

/** Talks to the bare echo with the same gRPC library as the store's clients. */
export interface EchoClient {
  /** One message and its answer over the one stream that all callers share, as a batch append. */
  overStream(message: Buffer): Promise<void>;
  /** A call of its own for some messages and one answer, as a unary append. */
  byCall(messages: readonly Buffer[], answerBytes: number): Promise<void>;
  /** So many messages of so many bytes; resolves with how many came. */
  readMany(count: number, bytes: number): Promise<number>;
  close(): void;
}

export const connectEcho = (port: number, answerBytes: number): EchoClient => {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const waiting: (() => void)[] = [];
  let failure: Error | undefined;
  const stream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(`/bench/bidi/${answerBytes}`, asIs, asIs, new Metadata(), {});
  stream.on('data', () => waiting.shift()?.());
  stream.on('error', (error) => {
    failure = error;
    for (const done of waiting.splice(0)) done();
  });
  return {
    overStream: (message) => new Promise((resolve, reject) => {
      waiting.push(() => (failure === undefined ? resolve() : reject(failure)));
      stream.write(message);
    }),
    byCall: (messages, bytes) => new Promise((resolve, reject) => {
      const call = client.makeClientStreamRequest<Buffer, Buffer>(`/bench/once/${bytes}`, asIs, asIs, new Metadata(), {}, (error) => (error === null ? resolve() : reject(error)));
      for (const message of messages) call.write(message);
      call.end();
    }),
    readMany: (count, bytes) => new Promise((resolve, reject) => {
      let read = 0;
      const call = client.makeServerStreamRequest<Buffer, Buffer>(`/bench/stream/${bytes}`, asIs, asIs, Buffer.from(String(count)), new Metadata(), {});
      call.on('data', () => (read += 1));
      call.on('error', reject);
      call.on('end', () => resolve(read));
    }),
    close: () => {
      // Ends the shared stream with an error that nobody waits for.
      stream.cancel();
      client.close();
    },
  };
};
