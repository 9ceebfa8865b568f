import type { Revision } from '@tallystick/ports';
import { bytesField, messageField, textField, varintField } from './writer.ts';

/** A place in the log as the protocol has it. `prepare` below `commit` means "before the record at `commit`". */
export interface LogPlace {
  readonly commit: bigint;
  readonly prepare: bigint;
}

const EMPTY = Buffer.alloc(0);
// What the stock client asks for when no count is given.
const NO_LIMIT = Number.MAX_SAFE_INTEGER;
const BACKWARDS = varintField(3, 1);
const NO_FILTER = bytesField(8, EMPTY);
const UUID_AS_STRING = messageField(9, bytesField(2, EMPTY));
// Events the server considers per page: sparse prefixes are found in fewer pages than with its default of 32.
const SEARCH_WINDOW = 512;

export interface StreamReadRequest {
  readonly stream: string;
  readonly from: Revision | 'start' | 'end';
  readonly backwards: boolean;
  readonly maxCount?: number;
}

/** ReadReq of a stream, links unresolved: options 1 {stream 1, read_direction 3, count 5, no_filter 8, uuid_option 9}. */
export function encodeStreamRead(request: StreamReadRequest): Buffer {
  const { from } = request;
  const start = from === 'start' ? bytesField(3, EMPTY) : from === 'end' ? bytesField(4, EMPTY) : varintField(2, from);
  const stream = messageField(1, messageField(1, textField(3, request.stream)), start);
  const direction = request.backwards ? BACKWARDS : EMPTY;
  return messageField(1, stream, direction, varintField(5, request.maxCount ?? NO_LIMIT), NO_FILTER, UUID_AS_STRING);
}

/** ReadReq of the newest event of the log, system events included. */
export function encodeHeadRead(): Buffer {
  const end = messageField(2, bytesField(3, EMPTY));
  return messageField(1, end, BACKWARDS, varintField(5, 1), NO_FILTER, UUID_AS_STRING);
}

/** ReadReq of a subscription to all streams with one of the prefixes, after a place (exclusive) or from the start. */
export function encodeSubscription(after: LogPlace | 'start', streamPrefixes: readonly string[]): Buffer {
  const place = after === 'start' ? bytesField(2, EMPTY) : messageField(1, varintField(1, after.commit), varintField(2, after.prepare));
  const prefixes = messageField(1, ...streamPrefixes.map((prefix) => textField(2, prefix)));
  const filter = messageField(7, prefixes, varintField(3, SEARCH_WINDOW), varintField(5, 1));
  return messageField(1, messageField(2, place), bytesField(6, EMPTY), filter, UUID_AS_STRING);
}
