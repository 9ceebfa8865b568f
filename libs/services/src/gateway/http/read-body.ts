import { INTENT_BYTES_MAX } from '@tallystick/contracts';
import { headerOf, type HttpRequest } from './exchange.ts';
import { Problem } from './problem.ts';

/** The largest body anything takes is an intent. */
export const BODY_BYTES_MAX = INTENT_BYTES_MAX;

/** Up to here a body that is too large is read to its end and thrown away: a client still sending would not hear the answer. */
const DISCARD_BYTES_MAX = 1024 * 1024;

export type Body = { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly bytes: number; readonly seen: Uint8Array };

/** The body's bytes, or how many there were and the first 64 KiB of those read. Refuses other types than JSON with 415. */
export const readBody = async (request: HttpRequest): Promise<Body> => {
  const type = headerOf(request, 'content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) throw new Problem({ status: 415, code: 'CONTENT_TYPE_UNSUPPORTED', detail: 'send the body as application/json' });
  if (headerOf(request, 'content-encoding') !== undefined) throw new Problem({ status: 415, code: 'CONTENT_ENCODING_UNSUPPORTED', detail: 'send the body as it is, not compressed' });
  const declared = Number(headerOf(request, 'content-length') ?? 0);
  if (declared > DISCARD_BYTES_MAX) return { ok: false, bytes: declared, seen: new Uint8Array() };
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (bytes + chunk.byteLength <= BODY_BYTES_MAX) chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > DISCARD_BYTES_MAX) break;
  }
  const seen = Buffer.concat(chunks);
  return bytes > BODY_BYTES_MAX ? { ok: false, bytes, seen } : { ok: true, bytes: seen };
};

/** BODY_TOO_LARGE; the connection is closed, since the rest of the body may still be in it. */
export const tooLarge = (bytes: number): Problem => new Problem({
  status: 413, code: 'BODY_TOO_LARGE', detail: `the body is ${bytes} bytes or more; at most ${BODY_BYTES_MAX} are taken`, headers: { Connection: 'close' },
});

/** A body that must be JSON. BODY_TOO_LARGE, BODY_NOT_JSON. */
export const readJsonBody = async (request: HttpRequest): Promise<unknown> => {
  const body = await readBody(request);
  if (!body.ok) throw tooLarge(body.bytes);
  try {
    return JSON.parse(Buffer.from(body.bytes).toString('utf8'));
  } catch {
    throw new Problem({ status: 400, code: 'BODY_NOT_JSON', detail: 'the body is not JSON' });
  }
};
