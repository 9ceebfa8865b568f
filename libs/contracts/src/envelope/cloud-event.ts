import type { RecordedEvent } from '@tallystick/ports';
import { z } from 'zod';
import type { Category } from '../events/catalogue.ts';
import { EventMetadata } from './envelope.ts';

/** `io.tallystick.<category>.<event type>.v<schema version>`. */
export const cloudEventType = (category: Category, type: string, schemaVersion: number): string => `io.tallystick.${category}.${type}.v${schemaVersion}`;

/** CloudEvents 1.0, JSON, structured mode: an event of the log as strategies and outsiders get it. */
export const CloudEventV1 = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string().min(1),
    source: z.string().min(1),
    type: z.string().regex(/^io\.tallystick\.[A-Za-z]+\.[A-Za-z]+\.v\d+$/),
    subject: z.string().min(1).describe('The stream the event stands in.'),
    time: z.iso.datetime(),
    datacontenttype: z.literal('application/json'),
    revision: z.int().min(0),
    position: z.string().regex(/^\d+$/),
    actor: z.string(),
    correlationid: z.string(),
    causationid: z.string(),
    traceparent: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'CloudEventV1' });
export type CloudEventV1 = z.infer<typeof CloudEventV1>;

/** A recorded event for the outside; `undefined` when its metadata is not as ours. */
export const toCloudEvent = (category: Category, recorded: RecordedEvent): CloudEventV1 | undefined => {
  const metadata = EventMetadata.safeParse(recorded.metadata);
  if (!metadata.success) return undefined;
  const { specversion, source, time, schemaversion, actor, correlationid, causationid, traceparent } = metadata.data;
  return {
    specversion, id: recorded.id, source, type: cloudEventType(category, recorded.type, schemaversion), subject: recorded.stream, time,
    datacontenttype: 'application/json', revision: recorded.revision, position: recorded.position.toString(), actor, correlationid, causationid,
    ...(traceparent === undefined ? {} : { traceparent }), data: recorded.data,
  };
};
