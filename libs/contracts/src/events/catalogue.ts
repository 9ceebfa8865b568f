import type { CATEGORIES } from '../streams/streams.ts';
import { ANCHOR_EVENTS } from './anchor.ts';
import { AUDIT_EVENTS } from './audit.ts';
import { CHECKPOINT_EVENTS } from './checkpoint.ts';
import type { EventDefinitions } from './definition.ts';
import { INSTRUMENT_EVENTS } from './instrument.ts';
import { INTENT_EVENTS } from './intent.ts';
import { KILL_EVENTS } from './kill.ts';
import { LEASE_EVENTS } from './lease.ts';
import { ORDER_EVENTS } from './order.ts';
import { POLICY_EVENTS } from './policy.ts';
import { PROCESS_EVENTS } from './process.ts';
import { QUARANTINE_EVENTS } from './quarantine.ts';
import { RATE_EVENTS } from './rate.ts';
import { RECONCILIATION_EVENTS } from './reconciliation.ts';
import { RISK_GROUP_EVENTS } from './risk-group.ts';
import { VENUE_REPORT_EVENTS } from './venue-report.ts';

export type Category = keyof typeof CATEGORIES;

/** Every event of the product, by category of stream and type. */
export const EVENT_CATALOGUE = {
  intent: INTENT_EVENTS,
  order: ORDER_EVENTS,
  riskGroup: RISK_GROUP_EVENTS,
  venueReport: VENUE_REPORT_EVENTS,
  quarantine: QUARANTINE_EVENTS,
  reconciliation: RECONCILIATION_EVENTS,
  policy: POLICY_EVENTS,
  instrument: INSTRUMENT_EVENTS,
  rate: RATE_EVENTS,
  process: PROCESS_EVENTS,
  lease: LEASE_EVENTS,
  kill: KILL_EVENTS,
  checkpoint: CHECKPOINT_EVENTS,
  anchor: ANCHOR_EVENTS,
  audit: AUDIT_EVENTS,
} as const satisfies Record<Category, EventDefinitions>;
