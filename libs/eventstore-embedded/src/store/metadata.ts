import type { LogIndex } from '../index/log-index.ts';
import { isMetastreamName } from '../index/stream-table.ts';
import type { EventSource } from './event-source.ts';

/** What a stream's metadata says about which of its events are shown. */
export interface StreamMetadata {
  readonly maxCount?: number;
  readonly maxAgeSeconds?: number;
  /** First revision that is shown. */
  readonly truncateBefore?: number;
  /** `$tb` is 2^63-1, which means the stream was deleted but may be written again. */
  readonly softDeleted: boolean;
  /** All of it, to be written back with one field changed; undefined when it is not a JSON object. */
  readonly raw: Readonly<Record<string, unknown>> | undefined;
}

/** As JSON text, because the number is beyond JavaScript's exact ones. */
export const SOFT_DELETE_METADATA: Buffer = Buffer.from('{"$tb":9223372036854775807}');
/** Numbers of this format are 64 bits wide. */
const INT64_MAX = 2n ** 63n - 1n;
/** What the real server's type for a duration holds. */
const SECONDS_MAX = 922_337_203_685;
/** Streams with metadata are few; past this many the cache starts over. */
const CACHE_ENTRIES_MAX = 10_000;

const NO_METADATA: StreamMetadata = { softDeleted: false, raw: undefined };
/** Of a metadata stream: it has none of its own that counts. */
const METASTREAM_METADATA: StreamMetadata = { maxCount: 1, softDeleted: false, raw: undefined };

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
    if (isMetastreamName(this.index.streams.name(stream))) return METASTREAM_METADATA;
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

/** Metadata that is not a JSON object, or has one known field of another type than it should, says nothing: as on the real server. */
export function parseMetadata(json: Buffer): StreamMetadata {
  const raw = parseObject(json);
  if (raw === undefined) return NO_METADATA;
  const known = { raw, softDeleted: false };
  const maxCount = readInteger(raw, '$maxCount');
  const maxAgeSeconds = readInteger(raw, '$maxAge');
  const truncateBefore = readInteger(raw, '$tb');
  const cacheSeconds = readInteger(raw, '$cacheControl');
  if (maxCount === 'invalid' || maxAgeSeconds === 'invalid' || truncateBefore === 'invalid' || cacheSeconds === 'invalid') return known;
  if (Math.abs(Number(maxAgeSeconds ?? 0)) > SECONDS_MAX || Math.abs(Number(cacheSeconds ?? 0)) > SECONDS_MAX) return known;
  if ('$tmp' in raw && typeof raw['$tmp'] !== 'boolean') return known;
  if ('$acl' in raw && !isAccessList(raw['$acl'])) return known;
  return {
    softDeleted: truncateBefore === INT64_MAX,
    raw,
    ...(maxCount !== undefined && maxCount > 0n && { maxCount: Number(maxCount) }),
    ...(maxAgeSeconds !== undefined && maxAgeSeconds > 0n && { maxAgeSeconds: Number(maxAgeSeconds) }),
    ...(truncateBefore !== undefined && truncateBefore >= 0n && { truncateBefore: Number(truncateBefore) }),
  };
}

export interface ShownRange {
  /** First revision shown; may lie above the last, and then nothing is. */
  readonly firstRevision: number;
  /** Events created before this moment are not shown. */
  readonly createdFromMs: number;
}

/** Which events of a stream that is not deleted are shown. */
export function shownRange(metadata: StreamMetadata, lastRevision: number, nowMs: number): ShownRange {
  const { maxCount, maxAgeSeconds, truncateBefore } = metadata;
  return {
    firstRevision: Math.max(0, truncateBefore ?? 0, maxCount === undefined ? 0 : lastRevision - maxCount + 1),
    createdFromMs: maxAgeSeconds === undefined ? 0 : nowMs - maxAgeSeconds * 1000,
  };
}

/** The same metadata, shown from `revision` on; undefined when there is nothing to change. */
export function withTruncateBefore(metadata: StreamMetadata, revision: number): Buffer | undefined {
  return metadata.raw === undefined ? undefined : Buffer.from(JSON.stringify({ ...metadata.raw, $tb: revision }));
}

interface RawNumber {
  readonly rawJSON: string;
}

/** What the language has and its type declarations do not: numbers beyond its exact ones, as they are written. */
const exactJson = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

function parseObject(json: Buffer): Record<string, unknown> | undefined {
  try {
    const value = exactJson.parse(json.toString('utf8'), (_key, field, { source }) =>
      typeof field === 'number' && String(field) !== source ? exactJson.rawJSON(source!) : field,
    );
    return typeof value === 'object' && value !== null && !Array.isArray(value) && !exactJson.isRawJSON(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function readInteger(raw: Readonly<Record<string, unknown>>, name: string): bigint | 'invalid' | undefined {
  if (!(name in raw)) return undefined;
  const value = raw[name];
  const text = exactJson.isRawJSON(value) ? value.rawJSON : typeof value === 'number' ? String(value) : '';
  if (!/^-?\d+$/.test(text)) return 'invalid';
  const number = BigInt(text);
  return number > INT64_MAX || number < -INT64_MAX - 1n ? 'invalid' : number;
}

const ACCESS_FIELDS = ['$r', '$w', '$d', '$mr', '$mw'];

function isAccessList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, roles]) => ACCESS_FIELDS.includes(name) && (typeof roles === 'string' || (Array.isArray(roles) && roles.every((role) => typeof role === 'string'))),
  );
}
