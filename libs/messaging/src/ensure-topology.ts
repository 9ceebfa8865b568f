import type { ConsumerInfo, JetStreamManager, StreamConfig, StreamInfo } from 'nats';
import type { Stop } from '@tallystick/ports';
import type { BusConnection } from './connection.ts';
import { internalsOf } from './connection.ts';
import { DEAD_LETTER_STREAM } from './names.ts';
import { commandStreamConfig, deadLetterStreamConfig, differences, durableConfig, durablesOf, isAckFloorAhead } from './topology.ts';
import type { Durable, QueueDefinition, Topology } from './topology.ts';

export type RepairKind = 'stream_created' | 'stream_updated' | 'durable_created' | 'durable_updated' | 'durable_recreated';

/** What had to be done to make the server match. */
export interface Repair {
  readonly kind: RepairKind;
  readonly name: string;
  readonly detail: string;
}

export type EnsureOutcome =
  | { readonly ok: true; readonly repairs: readonly Repair[] }
  /** What stands on the server cannot be changed into what is wanted: for a person to decide. */
  | { readonly ok: false; readonly code: 'TOPOLOGY_CONFLICT'; readonly detail: string }
  /** JetStream did not answer or refused for now. */
  | { readonly ok: false; readonly code: 'BUS_UNAVAILABLE'; readonly detail: string };

/** Commands of one durable, as the server counts them. */
export interface Backlog {
  readonly service: string;
  readonly partition: number;
  readonly lane: string;
  /** Not yet delivered. */
  readonly pending: number;
  /** Delivered, not settled. */
  readonly out: number;
}

const REQUEST_TIMEOUT_MS = 5_000;
// Consumers are made one fsync each; eight at a time keep the disk busy without starving others of it.
const PARALLEL = 8;
const ERR_STREAM_NOT_FOUND = 10_059;
// Retention, storage and the like are for the life of a stream; overlapping filters are a mistake in the topology.
const ERR_CONFLICTS = new Set([10_052, 10_058, 10_065, 10_099, 10_100, 10_012, 10_013]);

interface ApiError {
  readonly err_code: number;
  readonly description: string;
}

export const apiErrorOf = (error: unknown): ApiError | undefined => {
  if (!(error instanceof Error) || !('api_error' in error)) return undefined;
  const found = error.api_error;
  if (typeof found !== 'object' || found === null || !('err_code' in found)) return undefined;
  const description = 'description' in found ? String(found.description) : error.message;
  return { err_code: Number(found.err_code), description };
};

export const managerOf = (connection: BusConnection): Promise<JetStreamManager> =>
  internalsOf(connection).nc.jetstreamManager({ checkAPI: false, timeout: REQUEST_TIMEOUT_MS });

const inParallel = async <T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> => {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
};

const ensureStream = async (manager: JetStreamManager, config: Partial<StreamConfig> & { name: string }, note: (repair: Repair) => void): Promise<StreamInfo> => {
  const { name } = config;
  let info: StreamInfo;
  try {
    info = await manager.streams.info(name);
  } catch (error) {
    if (apiErrorOf(error)?.err_code !== ERR_STREAM_NOT_FOUND) throw error;
    // Adding a stream that another process has just made, with the same configuration, succeeds.
    const added = await manager.streams.add(config);
    note({ kind: 'stream_created', name, detail: '' });
    return added;
  }
  const changed = differences({ ...config }, { ...info.config });
  if (changed.length === 0) return info;
  const updated = await manager.streams.update(name, config);
  note({ kind: 'stream_updated', name, detail: changed.join(', ') });
  return updated;
};

const consumersByName = async (manager: JetStreamManager, stream: string): Promise<Map<string, ConsumerInfo>> => {
  const found = new Map<string, ConsumerInfo>();
  for await (const info of manager.consumers.list(stream)) found.set(info.name, info);
  return found;
};

const ensureDurable = async (
  manager: JetStreamManager,
  durable: Durable,
  existing: ConsumerInfo | undefined,
  lastSequence: number,
  note: (repair: Repair) => void,
): Promise<void> => {
  const wanted = durableConfig(durable);
  const { stream, durable: name } = durable;
  if (existing === undefined) {
    await manager.consumers.add(stream, wanted);
    note({ kind: 'durable_created', name, detail: '' });
    return;
  }
  if (isAckFloorAhead(lastSequence, existing.ack_floor.stream_seq, existing.delivered.stream_seq)) {
    await manager.consumers.delete(stream, name);
    await manager.consumers.add(stream, wanted);
    note({ kind: 'durable_recreated', name, detail: `at ${existing.ack_floor.stream_seq} of a stream that ends at ${lastSequence}` });
    return;
  }
  const changed = differences({ ...wanted }, { ...existing.config });
  if (changed.length === 0) return;
  if (changed.some((member) => member !== 'ack_wait' && member !== 'max_ack_pending' && member !== 'max_deliver')) {
    await manager.consumers.delete(stream, name);
    await manager.consumers.add(stream, wanted);
    note({ kind: 'durable_recreated', name, detail: changed.join(', ') });
    return;
  }
  await manager.consumers.update(stream, name, wanted);
  note({ kind: 'durable_updated', name, detail: changed.join(', ') });
};

const ensureQueue = async (manager: JetStreamManager, queue: QueueDefinition, replicas: number, note: (repair: Repair) => void): Promise<void> => {
  const config = commandStreamConfig(queue, replicas);
  await ensureStream(manager, config, note);
  const existing = await consumersByName(manager, config.name);
  // Read after the consumers: a floor may pass an older reading of the stream, and a healthy durable must not be remade.
  const { state } = await manager.streams.info(config.name);
  await inParallel(durablesOf(queue), (durable) => ensureDurable(manager, durable, existing.get(durable.durable), state.last_seq, note));
};

const inProgress = new WeakMap<BusConnection, Map<string, Promise<EnsureOutcome>>>();

const ensure = async (connection: BusConnection, topology: Topology): Promise<EnsureOutcome> => {
  const { log, metrics } = internalsOf(connection);
  const repairs: Repair[] = [];
  const note = (repair: Repair): void => {
    repairs.push(repair);
    metrics.count('tally_topology_repairs_total', { kind: repair.kind });
    log.write(repair.kind === 'durable_recreated' ? 'warn' : 'info', 'topology.repaired', { ...repair });
  };
  try {
    const manager = await managerOf(connection);
    await ensureStream(manager, deadLetterStreamConfig(topology.replicas), note);
    for (const queue of topology.queues) await ensureQueue(manager, queue, topology.replicas, note);
    return { ok: true, repairs };
  } catch (error) {
    const api = apiErrorOf(error);
    const detail = api === undefined ? String(error) : `${api.description} (${api.err_code})`;
    return { ok: false, code: api !== undefined && ERR_CONFLICTS.has(api.err_code) ? 'TOPOLOGY_CONFLICT' : 'BUS_UNAVAILABLE', detail };
  }
};

/**
 * Makes streams and durables match `topology`: creates what is missing, changes what may be changed, remakes durables whose
 * acknowledged position lies beyond their stream. Messages are kept. Safe to repeat and to run in several processes at once.
 */
export const ensureTopology = (connection: BusConnection, topology: Topology): Promise<EnsureOutcome> => {
  // After a wipe every consumer of the process asks at once; one answer serves them all.
  const key = topology.queues.map(({ service }) => service).join(',');
  const running = inProgress.get(connection) ?? new Map<string, Promise<EnsureOutcome>>();
  inProgress.set(connection, running);
  const existing = running.get(key);
  if (existing !== undefined) return existing;
  const started = ensure(connection, topology).finally(() => running.delete(key));
  running.set(key, started);
  return started;
};

/** How much waits where. `undefined` when the server does not answer. */
export const queueBacklogs = async (connection: BusConnection, topology: Topology): Promise<readonly Backlog[] | undefined> => {
  const { log } = internalsOf(connection);
  try {
    const manager = await managerOf(connection);
    const all: Backlog[] = [];
    for (const queue of topology.queues) {
      const byName = await consumersByName(manager, commandStreamConfig(queue, topology.replicas).name);
      for (const { service, partition, lane, durable } of durablesOf(queue)) {
        const info = byName.get(durable);
        all.push({ service, partition, lane, pending: info?.num_pending ?? 0, out: info?.num_ack_pending ?? 0 });
      }
    }
    return all;
  } catch (error) {
    log.write('warn', 'topology.backlog_unknown', { error });
    return undefined;
  }
};

/** How many dead letters there are, or `undefined` when the server does not answer or has no such stream. */
export const deadLetterCount = async (connection: BusConnection): Promise<number | undefined> => {
  try {
    return (await (await managerOf(connection)).streams.info(DEAD_LETTER_STREAM)).state.messages;
  } catch (error) {
    internalsOf(connection).log.write('debug', 'topology.dead_letters_unknown', { error });
    return undefined;
  }
};

// A wiped or power-lost server is noticed by consumers at once; this catches what they cannot see.
const GUARD_INTERVAL_MS = 60_000;

/** Repeats `ensureTopology` for as long as the process lives, and keeps the backlog gauges. One per process is enough. */
export const guardTopology = (connection: BusConnection, topology: Topology, everyMs: number = GUARD_INTERVAL_MS): Stop => {
  const { log, metrics, ports, onClose } = internalsOf(connection);
  const stop = ports.timers.every(everyMs, 'topology.guard', async () => {
    if (!connection.isConnected()) return;
    const outcome = await ensureTopology(connection, topology);
    if (!outcome.ok) log.write('error', 'topology.not_ensured', { code: outcome.code, detail: outcome.detail });
    const sums = new Map<string, { service: string; command: string; pending: number }>();
    for (const { service, lane, pending } of (await queueBacklogs(connection, topology)) ?? []) {
      const key = `${service}.${lane}`;
      sums.set(key, { service, command: lane, pending: (sums.get(key)?.pending ?? 0) + pending });
    }
    for (const { service, command, pending } of sums.values()) metrics.gauge('tally_queue_pending', pending, { service, command });
  });
  onClose('readers', () => {
    stop();
    return Promise.resolve();
  });
  return stop;
};
