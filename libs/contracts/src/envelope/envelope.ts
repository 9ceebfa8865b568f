import type { SpelledEvent } from '@tallystick/ports';
import { z } from 'zod';
import { canonicalRawJson, hashOf } from '../identity/canonical.ts';

/** `prevhash` of the first event of a stream. */
export const GENESIS_HASH = '0'.repeat(64);

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * What every event carries beside its data, from the first one on: CloudEvents 1.0 attributes and our extensions
 * (extension names are lower case, as CloudEvents asks). `time` is process time, UTC, RFC 3339.
 */
export const EventMetadata = z.strictObject({
  specversion: z.literal('1.0'),
  source: z.string().max(128),
  time: z.iso.datetime(),
  /** Version of the data's schema. */
  schemaversion: z.int().min(1).max(999),
  /** `service:<name>`, `strategy:<id>` or `operator:<name>`. */
  actor: z.string().max(128),
  build: z.string().max(128),
  /** Hash of the policy in force for the writer; empty before the first one. */
  policyhash: z.union([hash, z.literal('')]),
  /** Hash of the event before this one in its stream. */
  prevhash: hash,
  correlationid: z.string().max(128),
  causationid: z.string().max(128),
  traceparent: z.string().max(64).optional(),
});
export type EventMetadata = z.infer<typeof EventMetadata>;

/** What the hash of an event is over; `data` and `metadata` may have `undefined` members, which JSON leaves out. */
export interface HashedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
  /** `data` and `metadata` as they are stored, where they are at hand. */
  readonly spelled?: SpelledEvent;
}

export const spellEvent = ({ data, metadata }: Pick<HashedEvent, 'data' | 'metadata'>): SpelledEvent => ({ data: canonicalRawJson(data), metadata: canonicalRawJson(metadata) });

/**
 * Hash of an event as it stands in its stream; the next event of the stream carries it. Over the bytes stored: the product stores canonical
 * JSON, so that spelling what was read gives the same; whatever else was put there has another hash either way.
 */
export const eventHashOf = (event: HashedEvent): string => {
  const { data, metadata } = event.spelled ?? spellEvent(event);
  return hashOf('tallystick/event/v1', event.stream, String(event.revision), event.id, event.type, data, metadata);
};
