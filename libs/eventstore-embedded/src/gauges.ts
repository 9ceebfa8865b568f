import type { AccessCheck } from './grpc/access.ts';
import type { GrpcServer } from './grpc/server.ts';
import type { Gauge } from './metrics.ts';
import type { Services } from './services/services.ts';
import type { Store } from './store/store.ts';

/** What is read when metrics are asked for. */
export function gaugesOf({ store, services, grpc, access }: { store: Store; services: Services; grpc: GrpcServer; access: AccessCheck }): Gauge[] {
  let lagMax = 0;
  let lagSum = 0;
  let waitingBytes = 0;
  for (const subscription of services.subscriptions) {
    const lag = subscription.lag();
    lagMax = Math.max(lagMax, lag);
    lagSum += lag;
    waitingBytes += subscription.waitingBytes();
  }
  const gauge = (name: string, value: number, help: string): Gauge => ({ name: `tally_store_${name}`, help, value });
  return [
    gauge('events', store.index.visible, 'Events in the log.'),
    gauge('streams', store.index.streams.count, 'Stream names known.'),
    gauge('log_bytes', store.bytes, 'Size of the log on the disk.'),
    gauge('log_segments', store.segmentCount, 'Files of the log.'),
    gauge('disk_refuses_writes', store.isDiskTaking ? 0 : 1, '1 while the disk refuses writes: it is full or read-only.'),
    gauge('connections', grpc.connections, 'Connections of clients.'),
    gauge('calls_unauthenticated', access.refused, 'Calls refused since the start because user or password were wrong or missing.'),
    gauge('subscriptions', services.subscriptions.size, 'Subscriptions that are open.'),
    gauge('subscription_lag_events_max', lagMax, 'Events the slowest subscription has not considered yet.'),
    gauge('subscription_lag_events_all', lagSum, 'Events all subscriptions together have not considered yet.'),
    gauge('subscription_waiting_bytes', waitingBytes, 'Bytes that wait for subscribers to take them.'),
    gauge('memory_bytes', process.memoryUsage.rss(), 'Resident memory of the process.'),
  ];
}
