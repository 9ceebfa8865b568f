import type { DashboardSpec } from './build.ts';
import { countBy, quantiles, rateBy } from './queries.ts';

export const trading: DashboardSpec = {
  uid: 'tally-trading', title: 'Tallystick: trading overview',
  rows: [
    {
      title: 'From intent to decision',
      panels: [
        { title: 'Intents by status', says: 'Every intent answered. `unavailable` promises nothing and is sent again; `malformed`, `refused` and `conflict` are answers.', unit: 'ops', queries: [rateBy('tally_intents_total', 'status')] },
        { title: 'Decisions by outcome', says: 'Orders decided by policy.', unit: 'ops', queries: [rateBy('tally_decisions_total', 'outcome')] },
        { title: 'Denials by code', says: 'Failed checks of denied orders: one order may fail several.', unit: 'ops', queries: [rateBy('tally_denials_total', 'code')] },
        { title: 'Intent to answer', says: 'From the arrival of an intent to its answer: it is in the log by then.', unit: 'ms', queries: quantiles('tally_intent_accept_ms') },
        { title: 'Command to decision', says: 'From an evaluate command to its durable decision.', unit: 'ms', queries: quantiles('tally_risk_decide_ms') },
      ],
    },
    {
      title: 'At the venue',
      panels: [
        { title: 'Order events by type', says: 'Facts recorded from venue reports.', unit: 'ops', queries: [rateBy('tally_order_events_total', 'type')] },
        { title: 'Submit latency', says: 'Round trip of an order to the venue.', unit: 'ms', queries: quantiles('tally_venue_submit_ms', 'outcome') },
        { title: 'Withheld, by code', says: 'Approved and not sent, since the services started: kill switch, session, stale or moved quote, too late.', unit: 'short', queries: [countBy('tally_withheld_total', 'code')] },
      ],
    },
    {
      title: 'What should stay empty',
      panels: [
        { title: 'In doubt, by code', says: 'Orders whose outcome was not known, since execution started. Runbook: order-in-doubt.', unit: 'short', queries: [countBy('tally_in_doubt_total', 'code')] },
        { title: 'Quarantined, by reason', says: 'Reports that belong to no order of ours. Runbook: quarantined-report.', unit: 'short', queries: [countBy('tally_quarantined_total', 'reason')] },
        { title: 'Bypass attempts, by code', says: 'Commands that no signed decision backs. Runbook: bypass-attempt.', unit: 'short', queries: [countBy('tally_bypass_attempts_total', 'code')] },
      ],
    },
  ],
};
