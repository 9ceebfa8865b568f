import { storeMetrics } from '@tallystick/eventstore';
import { messagingMetrics } from '@tallystick/messaging';
import { defineMetrics } from '@tallystick/platform';

/** What the services count; label values come from closed sets. */
export const serviceMetrics = defineMetrics([
  { name: 'tally_intents_total', kind: 'counter', help: 'Intents answered, by status.', labels: ['status'] },
  { name: 'tally_intent_accept_ms', kind: 'histogram_ms', help: 'From the arrival of an intent to its answer.', labels: ['status'] },
  { name: 'tally_decisions_total', kind: 'counter', help: 'Orders decided, by outcome.', labels: ['outcome'] },
  { name: 'tally_denials_total', kind: 'counter', help: 'Failed checks of denied orders, by code.', labels: ['code'] },
  { name: 'tally_risk_decide_ms', kind: 'histogram_ms', help: 'From an evaluate command to its durable decision.', labels: [] },
  { name: 'tally_withheld_total', kind: 'counter', help: 'Approved orders that were not sent, by code.', labels: ['code'] },
  { name: 'tally_venue_submit_ms', kind: 'histogram_ms', help: 'Round trip of an order to the venue, by outcome.', labels: ['outcome'] },
  { name: 'tally_in_doubt_total', kind: 'counter', help: 'Orders put in doubt, by code.', labels: ['code'] },
  { name: 'tally_bypass_attempts_total', kind: 'counter', help: 'Commands that were not backed by a signed decision, by code.', labels: ['code'] },
  { name: 'tally_order_events_total', kind: 'counter', help: 'Facts recorded from venue reports, by event type.', labels: ['type'] },
  { name: 'tally_quarantined_total', kind: 'counter', help: 'Reports that belong to no order of ours, by reason.', labels: ['reason'] },
]);

export const allMetrics = [...serviceMetrics, ...messagingMetrics, ...storeMetrics];
