import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** An event is one report, some hundred bytes; a peer that never ends one is not the venue. */
const EVENT_CHARS_MAX = 1024 * 1024;

/** Splits a stream of text into events; comments (heartbeats) give none. */
export async function* parseEvents(chunks: AsyncIterable<string>): AsyncGenerator<ServerSentEvent> {
  let rest = '';
  for await (const chunk of chunks) {
    rest = (rest + chunk).replaceAll('\r\n', '\n');
    if (rest.length > EVENT_CHARS_MAX && !rest.includes('\n\n')) throw new Error(`an event of more than ${EVENT_CHARS_MAX} characters`);
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = { id: '', event: 'message', data: '' };
      for (const line of block.split('\n')) {
        const match = /^(id|event|data): ?(.*)$/.exec(line);
        if (match) field[match[1] as keyof typeof field] = match[2] ?? '';
      }
      if (field.data !== '') yield field;
    }
  }
}

/** Opens an event stream. Rejects when there is no connection, or an answer other than 200. `silenceMs` without a byte ends it. */
export const openEvents = (
  url: string, { headers, silenceMs, signal }: { headers: Readonly<Record<string, string>>; silenceMs: number; signal: AbortSignal },
): Promise<AsyncIterable<ServerSentEvent>> => new Promise((resolve, reject) => {
  const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, { method: 'GET', headers: { ...headers, accept: 'text/event-stream' }, signal, agent: false });
  request.setTimeout(silenceMs, () => request.destroy(new Error(`no byte for ${silenceMs} ms`)));
  request.on('error', reject);
  request.on('response', (response: IncomingMessage) => {
    if (response.statusCode !== 200) {
      request.destroy();
      reject(new Error(`status ${response.statusCode ?? 0} instead of a stream`));
      return;
    }
    response.setEncoding('utf8');
    resolve(parseEvents(response as AsyncIterable<string>));
  });
  request.end();
});
