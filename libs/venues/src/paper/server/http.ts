import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { messageOf } from '../../errors.ts';

/** An order is some hundred bytes; what is larger than this is none. */
export const BODY_BYTES_MAX = 64 * 1024;

/** What a route answers. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export const ok = (body: Readonly<Record<string, unknown>>, status = 200): Answer => ({ status, body });

/** RFC 9457, with our stable `code`. */
export const problem = (status: number, code: string, detail: string, more: Readonly<Record<string, unknown>> = {}): Answer => ({
  status,
  body: { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail, ...more },
});

export const sendAnswer = (response: ServerResponse, { status, body, headers = {} }: Answer): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': status >= 400 ? 'application/problem+json' : 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
};

export type BodyRead = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly answer: Answer };

/** The body as JSON. Refuses BODY_TOO_LARGE and MALFORMED_JSON. */
export const readJson = async (request: IncomingMessage): Promise<BodyRead> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      return { ok: false, answer: { ...problem(413, 'BODY_TOO_LARGE', `a body has at most ${BODY_BYTES_MAX} bytes`), headers: { connection: 'close' } } };
    }
    chunks.push(chunk);
  }
  try {
    return { ok: true, value: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
  } catch (error) {
    return { ok: false, answer: problem(400, 'MALFORMED_JSON', messageOf(error)) };
  }
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Bearer tokens: compared by digest, in constant time. */
export const tokenCheck = (token: string): ((request: IncomingMessage) => boolean) => {
  const expected = digest(token);
  return (request) => {
    const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
};

/** At most `perSecond` requests a second on average, as many at once. */
export const rateLimit = (perSecond: number, monotonicMs: () => number): (() => boolean) => {
  let tokens = perSecond;
  let at = monotonicMs();
  return () => {
    const now = monotonicMs();
    tokens = Math.min(perSecond, tokens + ((now - at) / 1000) * perSecond);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
};
