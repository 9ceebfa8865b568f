import { createBus } from './bus.ts';
import type { BusConnection } from './connection.ts';
import { internalsOf } from './connection.ts';
import { consumeCommands } from './consumer.ts';
import { ensureTopology } from './ensure-topology.ts';
import { createKeyedWork } from './keyed-work.ts';
import { commandSubject } from './names.ts';
import { defineTopology } from './topology.ts';

export interface MessagingMeasurement {
  readonly step: 'publish' | 'consume' | 'publish_to_handler';
  /** Publishes in flight, or handlers at work. */
  readonly width: number;
  readonly per_s: number;
  /** CPU of this process, user and system, per message. */
  readonly client_cpu_us: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
}

export interface MeasureMessagingOptions {
  /** To a server that may be filled: it makes a queue for a service `bench` and leaves it empty. */
  readonly connection: BusConnection;
  readonly messages: number;
  readonly widths: readonly number[];
}

const SERVICE = 'bench';
const PARTITIONS = 16;
// What an order command weighs with its envelope.
const PADDING = 'x'.repeat(400);
const HANDLERS = 64;
const KEYS = 100;
// Two a millisecond is what one risk group sees on a busy day: latency without queueing.
const PACED_MESSAGES = 500;
const PACED_EVERY_MS = 2;

const percentile = (sorted: readonly number[], share: number): number => Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(3));

/**
 * Publishes through the bus with each width, works the queue off with 64 handlers over 16 partitions, then measures publish to handler at
 * about 500 a second. Prints nothing; throws when a publish fails, since a rate with failures in it means nothing.
 */
export const measureMessaging = async ({ connection, messages, widths }: MeasureMessagingOptions): Promise<readonly MessagingMeasurement[]> => {
  const { ports } = internalsOf(connection);
  const bus = createBus(connection);
  const topology = defineTopology({ replicas: 1, queues: [{ service: SERVICE, partitions: PARTITIONS, lanes: ['work', 'paced'], maxAckPending: 256 }] });
  const ensured = await ensureTopology(connection, topology);
  if (!ensured.ok) throw new Error(`${ensured.code}: ${ensured.detail}`);
  const measured: MessagingMeasurement[] = [];

  const timed = async (step: MessagingMeasurement['step'], width: number, count: number, work: () => Promise<void>): Promise<void> => {
    const cpu = process.cpuUsage();
    const startedMs = ports.clock.monotonicMs();
    await work();
    const tookMs = ports.clock.monotonicMs() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    measured.push({ step, width, per_s: Math.round((count / tookMs) * 1_000), client_cpu_us: Number(((user + system) / count).toFixed(1)) });
  };

  const send = async (n: number, lane: string): Promise<string> => {
    const id = ports.ids.unique('bench.message');
    const body = { id, source: 'bench', correlationid: id, data: { key: `k${n % KEYS}`, padding: PADDING } };
    const sent = await bus.send(commandSubject(SERVICE, n % PARTITIONS, lane), body, id);
    if (!sent.ok) throw new Error(sent.detail);
    return id;
  };

  for (const width of widths) {
    let next = 0;
    const publish = async (): Promise<void> => {
      while (next < messages) await send((next += 1), 'work');
    };
    await timed('publish', width, messages, async () => void (await Promise.all(Array.from({ length: width }, publish))));
  }

  const consumersOf = (lane: string, onCommand: (id: string) => void) => {
    const work = createKeyedWork(HANDLERS);
    return Array.from({ length: PARTITIONS }, (_, partition) =>
      consumeCommands(connection, {
        topology,
        service: SERVICE,
        partition,
        lane,
        work,
        keyOf: ({ sequence }) => `k${sequence % KEYS}`,
        handler: ({ messageId }) => {
          onCommand(messageId);
          return Promise.resolve({ kind: 'done' });
        },
      }),
    );
  };

  const total = messages * widths.length;
  await timed('consume', HANDLERS, total, async () => {
    let handled = 0;
    const consumers = consumersOf('work', () => (handled += 1));
    while (handled < total) await ports.timers.sleep(2, 'bench.consume');
    await Promise.all(consumers.map((consumer) => consumer.stop()));
  });

  const sentAtMs = new Map<string, number>();
  const latencies: number[] = [];
  const consumers = consumersOf('paced', (id) => latencies.push(ports.clock.monotonicMs() - (sentAtMs.get(id) ?? Number.NaN)));
  while (!consumers.every((consumer) => consumer.isLive())) await ports.timers.sleep(2, 'bench.live');
  await timed('publish_to_handler', 1, PACED_MESSAGES, async () => {
    for (let n = 0; n < PACED_MESSAGES; n += 1) {
      const id = `paced-${ports.ids.unique('bench.message')}`;
      sentAtMs.set(id, ports.clock.monotonicMs());
      void bus.send(commandSubject(SERVICE, n % PARTITIONS, 'paced'), { padding: PADDING }, id);
      await ports.timers.sleep(PACED_EVERY_MS, 'bench.pace');
    }
    while (latencies.length < PACED_MESSAGES) await ports.timers.sleep(2, 'bench.paced');
  });
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  latencies.sort((a, b) => a - b);
  const last = measured.pop();
  if (last !== undefined) measured.push({ ...last, p50_ms: percentile(latencies, 0.5), p99_ms: percentile(latencies, 0.99) });
  return measured;
};
