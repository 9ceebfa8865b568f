import { defineMetrics } from '@tallystick/platform';

/** Metrics this package writes; the process's registry must declare them. */
export const messagingMetrics = defineMetrics([
  { name: 'tally_bus_connected', kind: 'gauge', help: '1 while connected to the bus.', labels: [] },
  { name: 'tally_bus_disconnects_total', kind: 'counter', help: 'Connections to the bus that broke.', labels: [] },
  { name: 'tally_bus_publish_failures_total', kind: 'counter', help: 'Commands not acknowledged by a stream, by code.', labels: ['code'] },
  { name: 'tally_commands_total', kind: 'counter', help: 'Commands settled, by outcome.', labels: ['service', 'command', 'outcome'] },
  { name: 'tally_commands_redelivered_total', kind: 'counter', help: 'Deliveries that were not the first.', labels: ['service', 'command'] },
  { name: 'tally_commands_held', kind: 'gauge', help: 'Commands delivered and not yet settled here.', labels: ['service', 'command', 'partition'] },
  { name: 'tally_command_duration_ms', kind: 'histogram_ms', help: 'From the first attempt of a command to its settlement.', labels: ['service', 'command'] },
  { name: 'tally_commands_stuck_total', kind: 'counter', help: 'Commands whose handler outlived the time it may hold them.', labels: ['service', 'command'] },
  { name: 'tally_consumer_restarts_total', kind: 'counter', help: 'Consume loops begun anew, by cause.', labels: ['service', 'cause'] },
  { name: 'tally_dead_letters_total', kind: 'counter', help: 'Commands moved to the dead letters, by code.', labels: ['service', 'code'] },
  { name: 'tally_topology_repairs_total', kind: 'counter', help: 'Streams and consumers created or put right.', labels: ['kind'] },
  { name: 'tally_queue_pending', kind: 'gauge', help: 'Commands waiting for a first delivery, all partitions.', labels: ['service', 'command'] },
  { name: 'tally_requests_total', kind: 'counter', help: 'Requests answered, by outcome.', labels: ['queue', 'outcome'] },
  { name: 'tally_request_duration_ms', kind: 'histogram_ms', help: 'From the arrival of a request to its answer.', labels: ['queue'] },
]);
