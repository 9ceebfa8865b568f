import { AckPolicy, DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType, nanos } from 'nats';
import type { ConsumerConfig, StreamConfig } from 'nats';
import { MESSAGE_BYTES_MAX } from './json.ts';
import { DEAD_LETTER_STREAM, DEAD_LETTER_SUBJECTS, commandStream, commandSubject, durableName, token } from './names.ts';

/** One work queue: the commands of one service. A lane is one command, with durables of its own so that cancels never wait behind submits. */
export interface QueueDefinition {
  readonly service: string;
  /** Each has its own durables; a risk group lives in one. */
  readonly partitions: number;
  /** Last token of the subject: `submit`, `cancel`, `evaluate`. */
  readonly lanes: readonly string[];
  /** A delivery not settled or extended for so long comes again. Default 30 s. */
  readonly ackWaitMs?: number;
  /** Commands of one durable that may be out at consumers at once. Default 128. */
  readonly maxAckPending?: number;
  /** Default 128 MiB. */
  readonly bytesMax?: number;
}

export interface Topology {
  readonly queues: readonly QueueDefinition[];
  /** Copies of streams and consumers in the cluster: 1 on one machine, 3 in a cluster. */
  readonly replicas: number;
}

export interface Durable {
  readonly service: string;
  readonly partition: number;
  readonly lane: string;
  readonly stream: string;
  readonly durable: string;
  readonly filter: string;
  readonly ackWaitMs: number;
  readonly maxAckPending: number;
}

// Long enough that a garbage collection or a slow sync repeats nothing, short enough that a lost ack is soon made good.
const ACK_WAIT_MS = 30_000;
// Twice the handlers that run at once keeps them fed; more only makes a restart redeliver more.
const MAX_ACK_PENDING = 128;
// 128 MiB is 200,000 commands, an hour of full load with nobody working it off; the log can derive what is refused beyond.
const QUEUE_BYTES_MAX = 128 * 1024 * 1024;
// Ids of the last two minutes: each costs the server 200 bytes, and the real idempotency is the store's.
const DUPLICATE_WINDOW_MS = 120_000;
// A dead letter is the message and some 2 KiB of headers that say what happened.
const DEAD_LETTER_BYTES_MAX = MESSAGE_BYTES_MAX + 16 * 1024;
// More than 1,000 of the largest; a full stream refuses more, and then the command stays in its queue.
const DEAD_LETTERS_BYTES_MAX = 128 * 1024 * 1024;
const PARTITIONS_MAX = 256;

/** Checks a topology where it is written. Throws `BAD_TOPOLOGY` on names, counts or services that cannot be. */
export const defineTopology = (topology: Topology): Topology => {
  const services = new Set<string>();
  for (const { service, partitions, lanes } of topology.queues) {
    const complain = (what: string): never => {
      throw new Error(`BAD_TOPOLOGY: ${service}: ${what}`);
    };
    token(service);
    lanes.forEach(token);
    if (services.has(commandStream(service))) complain('defined twice');
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) complain(`partitions are 1 to ${PARTITIONS_MAX}`);
    if (lanes.length === 0 || new Set(lanes).size !== lanes.length) complain('needs at least one lane, each once');
    services.add(commandStream(service));
  }
  return topology;
};

export const durableOf = (queue: QueueDefinition, partition: number, lane: string): Durable => ({
  service: queue.service,
  partition,
  lane,
  stream: commandStream(queue.service),
  durable: durableName(queue.service, partition, lane),
  filter: commandSubject(queue.service, partition, lane),
  ackWaitMs: queue.ackWaitMs ?? ACK_WAIT_MS,
  maxAckPending: queue.maxAckPending ?? MAX_ACK_PENDING,
});

export const durablesOf = (queue: QueueDefinition): readonly Durable[] =>
  queue.lanes.flatMap((lane) => Array.from({ length: queue.partitions }, (_, partition) => durableOf(queue, partition, lane)));

/** The queue of a service. Throws `BAD_TOPOLOGY` when there is none. */
export const queueOf = (topology: Topology, service: string): QueueDefinition => {
  const found = topology.queues.find((queue) => queue.service === service);
  if (found === undefined) throw new Error(`BAD_TOPOLOGY: no queue for ${service}`);
  return found;
};

export const commandStreamConfig = (queue: QueueDefinition, replicas: number): Partial<StreamConfig> & { name: string } => ({
  name: commandStream(queue.service),
  // Listed one by one: a publish to a partition or a command that nobody works off is refused, not stored for ever.
  subjects: durablesOf(queue).map(({ filter }) => filter),
  retention: RetentionPolicy.Workqueue,
  storage: StorageType.File,
  discard: DiscardPolicy.New,
  max_bytes: queue.bytesMax ?? QUEUE_BYTES_MAX,
  max_msg_size: MESSAGE_BYTES_MAX,
  duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  num_replicas: replicas,
});

export const deadLetterStreamConfig = (replicas: number): Partial<StreamConfig> & { name: string } => ({
  name: DEAD_LETTER_STREAM,
  subjects: [DEAD_LETTER_SUBJECTS],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.New,
  max_bytes: DEAD_LETTERS_BYTES_MAX,
  max_msg_size: DEAD_LETTER_BYTES_MAX,
  duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  num_replicas: replicas,
});

export const durableConfig = (durable: Durable): Partial<ConsumerConfig> => ({
  durable_name: durable.durable,
  filter_subject: durable.filter,
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  ack_wait: nanos(durable.ackWaitMs),
  max_ack_pending: durable.maxAckPending,
  // With a limit the server drops a message out of sight when it is reached; our own count moves it to the dead letters.
  max_deliver: -1,
});

/** Members of `wanted` that differ in `actual`. Lists are compared as sets. */
export const differences = (wanted: Readonly<Record<string, unknown>>, actual: Readonly<Record<string, unknown>>): readonly string[] => {
  const normal = (value: unknown): string => JSON.stringify(Array.isArray(value) ? value.map(String).sort() : value);
  return Object.keys(wanted).filter((member) => normal(wanted[member]) !== normal(actual[member]));
};

/**
 * True when a consumer believes it has acknowledged messages that its stream has not stored yet. After a loss of power that
 * happens, and then new messages up to that number are never delivered to it.
 */
export const isAckFloorAhead = (streamLastSequence: number, ackFloorSequence: number, deliveredSequence: number): boolean =>
  ackFloorSequence > streamLastSequence || deliveredSequence > streamLastSequence;
