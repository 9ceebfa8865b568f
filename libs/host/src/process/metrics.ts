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
  { name: 'tally_kill_engaged', kind: 'gauge', help: 'Engaged kills as this executor holds them, by kind of scope; the kill file and an unreadable switch count.', labels: ['scope_kind'] },
  { name: 'tally_kill_apply_ms', kind: 'histogram_ms', help: 'From the request of a kill until this executor holds it.', labels: ['via'] },
  { name: 'tally_kill_cancels_total', kind: 'counter', help: 'Orders that a kill acted on, by outcome of the attempt.', labels: ['outcome'] },
  { name: 'tally_in_doubt_total', kind: 'counter', help: 'Orders put in doubt, by code.', labels: ['code'] },
  { name: 'tally_bypass_attempts_total', kind: 'counter', help: 'Commands that were not backed by a signed decision, by code.', labels: ['code'] },
  { name: 'tally_order_events_total', kind: 'counter', help: 'Transitions of orders, by event type.', labels: ['type'] },
  { name: 'tally_store_behind_anchor', kind: 'gauge', help: '1 while nothing is sent because the log lacks what was known to be in it, or what was known cannot be read.', labels: [] },
  { name: 'tally_quarantined_total', kind: 'counter', help: 'Reports that belong to no order of ours, by reason.', labels: ['reason'] },
  { name: 'tally_instance_starts_total', kind: 'counter', help: 'Strategy processes started.', labels: [] },
  { name: 'tally_instance_crashes_total', kind: 'counter', help: 'Strategy processes that ended unasked.', labels: [] },
  { name: 'tally_instance_silences_total', kind: 'counter', help: 'Strategy processes whose heartbeat stopped.', labels: [] },
  { name: 'tally_sweeper_overdue', kind: 'gauge', help: 'Intents and orders that wait longer than they should.', labels: [] },
  { name: 'tally_swept_total', kind: 'counter', help: 'Commands sent again for what was overdue, by what it waits for.', labels: ['waiting'] },
  { name: 'tally_relayed_total', kind: 'counter', help: 'Events announced from the log, by category.', labels: ['category'] },
  { name: 'tally_projection_events_total', kind: 'counter', help: 'Events folded into the read model.', labels: [] },
  { name: 'tally_projection_batch_duration_ms', kind: 'histogram_ms', help: 'One transaction of the read model.', labels: [] },
  { name: 'tally_projection_failures_total', kind: 'counter', help: 'Times that folding stopped and began again at its checkpoint.', labels: [] },
  { name: 'tally_http_requests_total', kind: 'counter', help: 'HTTP requests answered, by operation and status.', labels: ['operation', 'status'] },
  { name: 'tally_http_request_duration_ms', kind: 'histogram_ms', help: 'From the arrival of an HTTP request to its answer.', labels: ['operation'] },
]);

export const allMetrics = [...serviceMetrics, ...messagingMetrics, ...storeMetrics];
