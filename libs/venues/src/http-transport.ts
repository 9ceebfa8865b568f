import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { codeOf, messageOf } from './errors.ts';

/** One exchange, seen from where it matters: could the request have reached the other side? */
export type HttpResult =
  | { readonly kind: 'answer'; readonly status: number; readonly content_type: string; readonly text: string }
  /** No connection was made, so not a byte of the request left. */
  | { readonly kind: 'not_connected'; readonly code: string; readonly detail: string }
  /** Connected, and then no whole answer: the request may have arrived. */
  | { readonly kind: 'broken'; readonly code: string; readonly detail: string };

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly deadlineMs: number;
}

/** Never rejects, never retries. */
export type HttpTransport = (request: HttpRequest) => Promise<HttpResult>;

/** A venue's answer is some kilobytes, a whole book some megabytes. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Shorter than servers keep idle connections, so that we close first: a reused connection that dies makes an unknown outcome. */
const IDLE_CONNECTION_MS = 4_000;

const readText = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('the answer was cut short');
  return Buffer.concat(chunks).toString('utf8');
};

/** Over node:http(s), connections kept for reuse. */
export const nodeTransport = (): HttpTransport => {
  const keep = { keepAlive: true, timeout: IDLE_CONNECTION_MS };
  const agents = { 'http:': new HttpAgent(keep), 'https:': new HttpsAgent(keep) };
  return ({ method, url, headers, body, deadlineMs }) => new Promise((resolve) => {
    let connected = false;
    let settled = false;
    let request: ClientRequest | undefined;
    const settle = (result: HttpResult): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      resolve(result);
      // After an answer the connection is kept for the next request.
      if (result.kind !== 'answer') request?.destroy();
    };
    const failed = (code: string, detail: string): void => settle({ kind: connected ? 'broken' : 'not_connected', code, detail });
    const timer = setTimeout(() => failed('TIMEOUT', `no ${connected ? 'answer' : 'connection'} within ${deadlineMs} ms`), deadlineMs);
    try {
      const target = new URL(url);
      const secure = target.protocol === 'https:';
      const bytes = body === undefined ? undefined : Buffer.from(body, 'utf8');
      request = (secure ? httpsRequest : httpRequest)(target, {
        method, agent: secure ? agents['https:'] : agents['http:'],
        headers: { ...headers, ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}) },
      });
      request.on('socket', (socket) => {
        if (socket.connecting) socket.once('connect', () => (connected = true));
        else connected = true;
      });
      request.on('error', (error) => failed(codeOf(error, 'CONNECTION_FAILED'), messageOf(error)));
      request.on('response', (response) => {
        readText(response).then(
          (text) => settle({ kind: 'answer', status: response.statusCode ?? 0, content_type: response.headers['content-type'] ?? '', text }),
          (error: unknown) => failed('ANSWER_CUT', messageOf(error)),
        );
      });
      request.end(bytes);
    } catch (error) {
      failed('REQUEST_INVALID', messageOf(error));
    }
  });
};
