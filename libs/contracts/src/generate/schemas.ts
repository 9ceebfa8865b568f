import { z } from 'zod';
import { CancelOrderV1, EvaluateIntentV1, SubmitOrderV1 } from '../commands/commands.ts';
import { CloudEventV1 } from '../envelope/cloud-event.ts';
import { EventMetadata } from '../envelope/envelope.ts';
import { EVENT_CATALOGUE, type Category } from '../events/catalogue.ts';
import type { EventDefinitions } from '../events/definition.ts';
import { IntentV1 } from '../intents/intent-v1.ts';
import { PolicyV1 } from '../policy/policy-v1.ts';
import {
  BusRefusalV1, CancelReceiptV1, CancelRequestV1, ControlV1, DeadLetterV1, HeartbeatV1, IntentReceiptV1, MarketSnapshotV1, OrderViewV1, PositionViewV1,
  AccountViewV1, PreviewV1, ProblemV1, RedriveRequestV1, RedriveResultV1, RiskPreviewRequestV1, ServiceViewV1, StatusV1, TimelineEntryV1, TurnReplyV1, TurnRequestV1,
} from '../queries/index.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;
type Target = 'draft-2020-12' | 'draft-7';

/** What others write code against: each gets a file of its own. */
const PUBLISHED: Readonly<Record<string, z.ZodType>> = {
  IntentV1, PolicyV1, EvaluateIntentV1, SubmitOrderV1, CancelOrderV1, EventMetadata, CloudEventV1, IntentReceiptV1, PreviewV1, RiskPreviewRequestV1,
  BusRefusalV1, ProblemV1, OrderViewV1, TimelineEntryV1, PositionViewV1, AccountViewV1, ServiceViewV1, StatusV1, DeadLetterV1, RedriveRequestV1,
  RedriveResultV1, CancelRequestV1, CancelReceiptV1, MarketSnapshotV1, TurnRequestV1, TurnReplyV1, HeartbeatV1, ControlV1,
};

// The schemas describe what may be sent, defaults left out; a custom check has no form in JSON Schema and is an object here.
const settings = (target: Target) =>
  ({
    target, io: 'input', unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: Record<string, unknown> }) => {
      if (zodSchema._zod.def.type === 'custom') jsonSchema['type'] = 'object';
    },
  }) as const;

export const jsonSchemaOf = (schema: z.ZodType, target: Target = 'draft-2020-12'): JsonSchema => z.toJSONSchema(schema, settings(target));

/** Every named schema once, each referring to the others by `prefix` and name; for the components of a document. */
export const components = (target: Target, prefix = '#/components/schemas/'): Readonly<Record<string, JsonSchema>> => {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { ...settings(target), uri: (id) => `${prefix}${id}` });
  return Object.fromEntries(
    Object.entries(schemas)
      .map(([id, { $schema: _dialect, $id: _place, id: _name, ...schema }]) => [id, schema] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
};

/** The name a schema is registered under. Throws for one without: documents refer to schemas by name only. */
export const nameOf = (schema: z.ZodType): string => {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error('the schema has no name; give it one with .meta({ id })');
  return id;
};

export interface CataloguedEvent {
  readonly category: Category;
  readonly type: string;
  readonly schemaVersion: number;
  readonly schema: z.ZodType;
  readonly description: string;
}

export const cataloguedEvents = (): readonly CataloguedEvent[] =>
  (Object.entries(EVENT_CATALOGUE) as [Category, EventDefinitions][]).flatMap(([category, events]) =>
    Object.entries(events).map(([type, definition]) => ({ category, type, ...definition })),
  );

/** File name to schema, of everything that is published. */
export const schemaFiles = (): ReadonlyMap<string, JsonSchema> =>
  new Map([
    ...Object.entries(PUBLISHED).map(([name, schema]) => [`${name}.json`, { title: name, ...jsonSchemaOf(schema) }] as const),
    ...cataloguedEvents().map(({ category, type, schemaVersion, schema, description }) =>
      [`event.${category}.${type}.v${schemaVersion}.json`, { title: `${category}/${type} v${schemaVersion}`, description, ...jsonSchemaOf(schema) }] as const),
  ]);
