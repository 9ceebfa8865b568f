import type {
  AnchorEvent, AuditEvent, CheckpointEvent, InstrumentEvent, IntentEvent, KillEvent, LeaseEvent, OrderEvent, PolicyEvent, ProcessEvent, QuarantineEvent, RateEvent,
  ReconciliationEvent, RiskGroupEvent, VenueReportEvent,
} from '@tallystick/domain';
import type { RecordedEvent } from '@tallystick/ports';
import { EVENT_CATALOGUE, type Category } from './catalogue.ts';
import type { EventDefinitions } from './definition.ts';
import { UPCASTERS, upcastTo, type Upcast, type Upcasters } from './upcast.ts';

export type DecodedEvent<E> = { readonly ok: true; readonly event: E } | { readonly ok: false; readonly code: 'EVENT_UNREADABLE'; readonly detail: string };

/** The current form of an event's data; the catalogue says which version that is. */
export const upcast = (category: Category, type: string, fromVersion: number, data: object): Upcast => {
  const definitions: EventDefinitions = EVENT_CATALOGUE[category];
  const definition = Object.hasOwn(definitions, type) ? definitions[type] : undefined;
  if (!definition) return { ok: false, detail: `${type} is no event of category ${category}` };
  return upcastTo(UPCASTERS, category, type, fromVersion, definition.schemaVersion, data);
};

/** Three are enough to find the fault by, and bound the line. */
const ISSUES_MAX = 3;

/**
 * A decoder of one category: version of the metadata, upcast, strict parse. Anything it cannot read is EVENT_UNREADABLE, with
 * stream@revision and what was wrong; never a guess. The data handed on is the recorded one, not a copy.
 */
export const decoderOf = <E extends { readonly type: string; readonly data: object }>(
  category: Category,
  definitions: EventDefinitions,
  upcasters: Upcasters,
) => (recorded: RecordedEvent): DecodedEvent<E> => {
  const unreadable = (detail: string): DecodedEvent<E> => ({ ok: false, code: 'EVENT_UNREADABLE', detail: `${recorded.stream}@${recorded.revision}: ${detail}` });
  const { type } = recorded;
  const definition = Object.hasOwn(definitions, type) ? definitions[type] : undefined;
  if (!definition) return unreadable(`${type} is no event of category ${category}`);
  const version = recorded.metadata['schemaversion'];
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) return unreadable(`${type} carries no schema version`);
  const current = upcastTo(upcasters, category, type, version, definition.schemaVersion, recorded.data);
  if (!current.ok) return unreadable(current.detail);
  const parsed = definition.schema.safeParse(current.data);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, ISSUES_MAX).map((issue) => `${issue.path.map(String).join('.') || 'data'}: ${issue.message}`);
    return unreadable(`${type} v${version} is not as its schema says: ${issues.join('; ')}`);
  }
  // The catalogue compiles only where its schemas have the shape of the domain's events.
  return { ok: true, event: { type, data: current.data } as unknown as E };
};

const decoder = <E extends { readonly type: string; readonly data: object }>(category: Category) => decoderOf<E>(category, EVENT_CATALOGUE[category], UPCASTERS);

export const decodeIntent = decoder<IntentEvent>('intent');
export const decodeOrder = decoder<OrderEvent>('order');
export const decodeRiskGroup = decoder<RiskGroupEvent>('riskGroup');
export const decodeVenueReport = decoder<VenueReportEvent>('venueReport');
export const decodeQuarantine = decoder<QuarantineEvent>('quarantine');
export const decodeReconciliation = decoder<ReconciliationEvent>('reconciliation');
export const decodePolicy = decoder<PolicyEvent>('policy');
export const decodeInstrument = decoder<InstrumentEvent>('instrument');
export const decodeRate = decoder<RateEvent>('rate');
export const decodeProcess = decoder<ProcessEvent>('process');
export const decodeLease = decoder<LeaseEvent>('lease');
export const decodeKill = decoder<KillEvent>('kill');
export const decodeCheckpoint = decoder<CheckpointEvent>('checkpoint');
export const decodeAnchor = decoder<AnchorEvent>('anchor');
export const decodeAudit = decoder<AuditEvent>('audit');
