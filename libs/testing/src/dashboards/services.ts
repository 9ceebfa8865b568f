import type { DashboardSpec } from './build.ts';
import { countBy, quantiles, rateBy } from './queries.ts';

export const services: DashboardSpec = {
  uid: 'tally-services', title: 'Tallystick: services',
  rows: [
    {
      title: 'Commands',
      panels: [
        { title: 'Commands by outcome', says: 'Settled commands. `retry` comes again, `poison` goes to the dead letters.', unit: 'ops', queries: [{ expr: 'sum by (service, outcome) (rate(tally_commands_total[1m]))', legend: '{{service}} {{outcome}}' }] },
        { title: 'Command duration', says: 'From the first attempt of a command to its settlement.', unit: 'ms', queries: quantiles('tally_command_duration_ms', 'command') },
        { title: 'Held and waiting', says: 'Delivered and not settled, and waiting for a first delivery. A line that only climbs is a consumer that stands still.', unit: 'short', queries: [
          { expr: 'sum by (command) (tally_commands_held)', legend: '{{command}} held' }, { expr: 'max by (command) (tally_queue_pending)', legend: '{{command}} waiting' }] },
        { title: 'Redeliveries', says: 'Deliveries that were not the first: a restart makes some, a fault keeps making them.', unit: 'ops', queries: [rateBy('tally_commands_redelivered_total', 'command')] },
        { title: 'Dead letters, by code', says: 'Since the services started. Runbook: dead-letters.', unit: 'short', queries: [{ expr: 'sum by (service, code) (tally_dead_letters_total)', legend: '{{service}} {{code}}' }] },
        { title: 'Overdue', says: 'Intents and orders that wait longer than they should, and commands sent again for them.', unit: 'short', queries: [
          { expr: 'max(tally_sweeper_overdue)', legend: 'overdue' }, countBy('tally_swept_total', 'waiting')] },
      ],
    },
    {
      title: 'Bus and log',
      panels: [
        { title: 'Bus connected', says: '1 while connected.', unit: 'short', queries: [{ expr: 'min by (service) (tally_bus_connected)', legend: '{{service}}' }] },
        { title: 'Append to the log', says: 'From append to its outcome, retries included, as the services see it.', unit: 'ms', queries: quantiles('tally_store_append_ms', 'outcome') },
        { title: 'Appends sent again', says: 'With the same ids and revision, so that a repeat can do no harm.', unit: 'ops', queries: [rateBy('tally_store_append_retries_total', 'why')] },
      ],
    },
    {
      title: 'Gateway',
      panels: [
        { title: 'HTTP requests', says: 'By operation and status.', unit: 'ops', queries: [{ expr: 'sum by (operation, status) (rate(tally_http_requests_total[1m]))', legend: '{{operation}} {{status}}' }] },
        { title: 'HTTP latency', says: 'From the arrival of a request to its answer; the live feed never ends and is not in it.', unit: 'ms', queries: quantiles('tally_http_request_duration_ms', 'operation') },
        { title: 'Read model', says: 'Events folded, and times that folding had to begin again at its checkpoint.', unit: 'ops', queries: [
          { expr: 'sum(rate(tally_projection_events_total[1m]))', legend: 'events' }, { expr: 'sum(rate(tally_projection_failures_total[1m]))', legend: 'failures' }] },
      ],
    },
    {
      title: 'Processes',
      panels: [
        { title: 'CPU', says: 'Share of one core.', unit: 'percentunit', queries: [{ expr: 'sum by (service) (rate(process_cpu_seconds_total[1m]))', legend: '{{service}}' }] },
        { title: 'Memory', says: 'Resident.', unit: 'bytes', queries: [{ expr: 'max by (service) (process_resident_memory_bytes)', legend: '{{service}}' }] },
        { title: 'Event loop lag p99', says: 'A process that computes too long in one go answers nobody meanwhile.', unit: 's', queries: [{ expr: 'max by (service) (nodejs_eventloop_lag_p99_seconds)', legend: '{{service}}' }] },
      ],
    },
  ],
};
