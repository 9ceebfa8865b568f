import { Agent, request } from 'node:http';

export interface HttpReply {
  /** 0: no answer came. */
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
}

export interface HttpAsk {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Without a length, in chunks. */
  readonly chunked?: boolean;
  readonly agent?: Agent;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the text says what came instead.
    return undefined;
  }
};

/** One request over plain `node:http`, which sends any bytes as they are. Never rejects: no answer is status 0. */
export const ask = ({ method, url, headers = {}, body, chunked = false, agent, timeoutMs = TIMEOUT_MS }: HttpAsk): Promise<HttpReply> =>
  new Promise((resolve) => {
    const none = (text: string): void => resolve({ status: 0, body: undefined, text });
    const length = body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(url, { method, headers: { ...headers, ...length }, timeout: timeoutMs, ...(agent ? { agent } : {}) }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', (error) => none(error.message));
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: incoming.statusCode ?? 0, body: parsed(text), text });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', (error) => none(error.message));
    if (body !== undefined && chunked) {
      const bytes = Buffer.from(body);
      for (let at = 0; at < bytes.length; at += 8_192) outgoing.write(bytes.subarray(at, at + 8_192));
      outgoing.end();
    } else outgoing.end(body);
  });

export const keepAlive = (sockets: number): Agent => new Agent({ keepAlive: true, maxSockets: sockets });
