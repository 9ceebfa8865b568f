/** Names of what the adapter counts. */
export const METRIC = {
  append: 'tally_store_append_ms',
  appendRetries: 'tally_store_append_retries_total',
  connections: 'tally_store_connections_total',
  read: 'tally_store_read_ms',
  resumes: 'tally_store_subscription_resumes_total',
} as const;

/** What a metrics registry must declare for the adapter. */
export const storeMetrics = [
  { name: METRIC.append, kind: 'histogram_ms', help: 'From append to its outcome, retries included.', labels: ['outcome'] },
  { name: METRIC.appendRetries, kind: 'counter', help: 'Appends sent again with the same ids and revision.', labels: ['why'] },
  { name: METRIC.connections, kind: 'counter', help: 'Attempts to connect to the event store.', labels: ['outcome'] },
  { name: METRIC.read, kind: 'histogram_ms', help: 'Reads of a stream.', labels: ['outcome'] },
  { name: METRIC.resumes, kind: 'counter', help: 'Subscriptions resumed after their connection ended.', labels: ['subscription'] },
] as const;
