import type { LogIndex } from '../index/log-index.ts';
import type { EventSource } from './event-source.ts';

/** What a stream's metadata says about which of its events are shown. */
export interface StreamMetadata {
  readonly maxCount?: number;
  readonly maxAgeSeconds?: number;
  /** First revision that is shown. */
  readonly truncateBefore?: number;
  /** `$tb` is 2^63-1, which means the stream was deleted but may be written again. */
  readonly softDeleted: boolean;
  /** All of it, to be written back with one field changed. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** As JSON text, because the number is beyond JavaScript's exact ones. */
export const SOFT_DELETE_METADATA: Buffer = Buffer.from('{"$tb":9223372036854775807}');
/** 2^63-1 rounds to 2^63 when parsed; no real revision comes near. */
const SOFT_DELETE_FROM = 2 ** 62;
/** Streams with metadata are few; past this many the cache starts over. */
const CACHE_ENTRIES_MAX = 10_000;

export const NO_METADATA: StreamMetadata = { softDeleted: false, raw: {} };

/** Metadata of streams, read from the newest event of `$$stream` and remembered as long as that stays the newest. */
export class MetadataReader {
  private readonly index: LogIndex;
  private readonly source: EventSource;
  private readonly cache = new Map<number, { readonly event: number; readonly metadata: StreamMetadata }>();

  constructor(index: LogIndex, source: EventSource) {
    this.index = index;
    this.source = source;
  }

  /** Of the log's first `bound` events. */
  of(stream: number, bound: number): StreamMetadata {
    const metastream = this.index.streams.metastream(stream);
    if (metastream === undefined) return NO_METADATA;
    const event = this.index.lastBelow(metastream, bound);
    if (event === undefined) return NO_METADATA;
    const cached = this.cache.get(stream);
    if (cached?.event === event) return cached.metadata;
    const metadata = parseMetadata(this.source.data(event));
    if (this.cache.size >= CACHE_ENTRIES_MAX) this.cache.clear();
    this.cache.set(stream, { event, metadata });
    return metadata;
  }

  /** After a write was taken back its event numbers are given anew. */
  forget(): void {
    this.cache.clear();
  }
}

/** Metadata that is not a JSON object says nothing, as on the real server. */
export function parseMetadata(json: Buffer): StreamMetadata {
  const raw = parseObject(json);
  if (raw === undefined) return NO_METADATA;
  const maxCount = wholeNumber(raw['$maxCount']);
  const maxAgeSeconds = wholeNumber(raw['$maxAge']);
  const truncateBefore = wholeNumber(raw['$tb']);
  return {
    softDeleted: truncateBefore !== undefined && truncateBefore >= SOFT_DELETE_FROM,
    raw,
    ...(maxCount !== undefined && maxCount > 0 && { maxCount }),
    ...(maxAgeSeconds !== undefined && maxAgeSeconds > 0 && { maxAgeSeconds }),
    ...(truncateBefore !== undefined && { truncateBefore }),
  };
}

function parseObject(json: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}

/** The same metadata, shown from `revision` on. */
export function withTruncateBefore(metadata: StreamMetadata, revision: number): Buffer {
  return Buffer.from(JSON.stringify({ ...metadata.raw, $tb: revision }));
}
