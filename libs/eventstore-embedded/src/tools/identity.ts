import { closeSync } from 'node:fs';
import { plausibleLength, SEGMENT_HEADER_BYTES } from '../log/format.ts';
import type { LogRecord } from '../log/record.ts';
import { scanSegment } from '../log/scan.ts';
import { openSegment, readFully } from '../log/segments.ts';

export interface LogIdentity {
  readonly logId: string;
  readonly createdMs: number;
}

const CREATED_TYPE = '$log-created';

/** What the first record of a log says about it; undefined for a log from before logs had ids. */
export function identityOf(record: LogRecord): LogIdentity | undefined {
  const { buf, typeAt, dataAt, metadataAt } = record.event(0);
  if (buf.toString('utf8', typeAt, dataAt) !== CREATED_TYPE) return undefined;
  const data: unknown = JSON.parse(buf.toString('utf8', dataAt, metadataAt));
  if (typeof data !== 'object' || data === null || !('log_id' in data) || typeof data.log_id !== 'string') return undefined;
  return { logId: data.log_id, createdMs: record.createdMs };
}

export interface FirstRecord {
  readonly identity: LogIdentity | undefined;
  readonly createdMs: number;
}

/** The log's first record; undefined when there is none or it is not whole. */
export function readFirstRecord(dir: string, segmentNumbers: readonly number[]): FirstRecord | undefined {
  if (segmentNumbers[0] !== 1) return undefined;
  const segment = openSegment(dir, 1, 'r');
  if ('problem' in segment) return undefined;
  try {
    const head = Buffer.alloc(4);
    const length = readFully(segment.fd, head, 4, SEGMENT_HEADER_BYTES) === 4 ? plausibleLength(head, 0) : undefined;
    if (length === undefined || SEGMENT_HEADER_BYTES + length > segment.length) return undefined;
    segment.length = SEGMENT_HEADER_BYTES + length;
    let first: FirstRecord | undefined;
    scanSegment(segment, { from: SEGMENT_HEADER_BYTES, crc: 0, chain: segment.header.chain, firstEvent: 0 }, (record) => {
      first = { identity: identityOf(record), createdMs: record.createdMs };
    });
    return first;
  } finally {
    closeSync(segment.fd);
  }
}
