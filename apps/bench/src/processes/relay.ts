import { LogTail } from '@tallystick/event-sourcing';
import { connectEventStore } from '@tallystick/eventstore';
import { allMetrics } from '@tallystick/host';
import { commandSubject, connectBus, consumeCommands, createBus, createKeyedWork, defineTopology, ensureTopology, serve, type BusConnection } from '@tallystick/messaging';
import { createLog, createMetrics, systemPorts } from '@tallystick/platform';
import type { Bus, EventStore, HandlerOutcome, JsonObject, NewEvent } from '@tallystick/ports';
import { nodeTransport } from '@tallystick/venues';
import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { RELAY_LANES, RELAY_SERVICE, RELAY_SUBJECT, STREAM, TRADED, type RelayBytes, type RelayStep } from '../load/relay-shape.ts';
import { serveChannel, sumsOf } from './channel.ts';

/**
 * The floor: the product's hops without the product. The stages named in BENCH_SERVICES on a bus connection, a store client and a tail of the
 * log that they share as the services of one process do, forwarding bytes.
 */

const env = (name: string): string => process.env[name] ?? '';
const bytes = JSON.parse(env('BENCH_RELAY_BYTES')) as RelayBytes;
const accounts = env('BENCH_ACCOUNTS').split(',');
const venueUrl = env('TALLY_PAPER_VENUE_URL');
const DONE: HandlerOutcome = { kind: 'done' };
const PARTITIONS = 16;
const PARTITION = 3;
/** As many handlers at work as the services have. */
const WORK = 64;
const GROUP_MAX = 256;
const SEND_DEADLINE_MS = 5_000;

const topology = defineTopology({ replicas: 1, queues: [{ service: RELAY_SERVICE, lanes: [...RELAY_LANES], partitions: PARTITIONS }] });

interface Stage {
  readonly connection: BusConnection;
  readonly bus: Bus;
  readonly store: EventStore;
  readonly tail: LogTail;
  readonly metricsText: () => Promise<string>;
}

const connectStages = async (name: string): Promise<Stage> => {
  const log = createLog({ service: name, instance: name, build: 'bench', level: 'warn' });
  const ports = systemPorts({ log });
  const metrics = createMetrics({ definitions: allMetrics, defaultLabels: { service: name }, log });
  const connection = await connectBus({ servers: env('TALLY_NATS_URL'), name: `relay-${name}`, log, metrics, ports });
  const ensured = await ensureTopology(connection, topology);
  if (!ensured.ok) throw new Error(`${ensured.code}: ${ensured.detail}`);
  const store = connectEventStore({ url: env('TALLY_STORE_URL'), ports, log, metrics, connectionName: `relay-${name}` });
  const tail = new LogTail(store, { name: 'relay-tail', streamPrefixes: [STREAM.intent, STREAM.order], watchedPrefixes: ['lease-execution-', 'kill', 'policy-'], timers: ports.timers, onUnreadable: (error) => { throw error; } });
  tail.start();
  return { connection, bus: createBus(connection), store, tail, metricsText: () => metrics.text() };
};

const pads = Object.fromEntries(Object.entries(bytes).map(([step, size]) => [step, 'x'.repeat(Math.max(0, size - 120))])) as Record<RelayStep, string>;
const eventOf = (step: RelayStep, orderId: string): NewEvent => ({ id: randomUUID(), type: step, data: { order_id: orderId, pad: pads[step] }, metadata: { order_id: orderId } });

const append = async ({ store }: Stage, stream: string, expected: number | 'no_stream', events: readonly NewEvent[]): Promise<bigint> => {
  const outcome = await store.append(stream, expected, events);
  if (!outcome.ok) throw new Error(`${stream}: ${outcome.code}`);
  return outcome.position;
};

/** One writer, one append under way: what comes meanwhile goes into the next, as the services do it. */
const groupWriter = (stage: Stage, stream: string): ((event: NewEvent) => Promise<void>) => {
  const waiting: { readonly event: NewEvent; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  let revision: number | 'no_stream' = 'no_stream';
  let busy = false;
  const drain = async (): Promise<void> => {
    busy = true;
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting.splice(0, GROUP_MAX);
      try {
        await append(stage, stream, revision, group.map(({ event }) => event));
        revision = (revision === 'no_stream' ? -1 : revision) + group.length;
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    busy = false;
  };
  return (event) => new Promise((resolve, reject) => {
    waiting.push({ event, resolve, reject });
    if (!busy) void drain();
  });
};

const consume = ({ connection }: Stage, lane: string, work: (orderId: string) => Promise<void>): void => {
  const shared = createKeyedWork(WORK);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    consumeCommands(connection, {
      topology, service: RELAY_SERVICE, partition, lane, work: shared, keyOf: ({ messageId }) => messageId,
      handler: async ({ body }) => {
        await work(String((body as JsonObject)['order_id']));
        return DONE;
      },
    });
  }
};

const forward = (stage: Stage, lane: string, orderId: string): void => {
  void stage.bus.send(commandSubject(RELAY_SERVICE, PARTITION, lane), { order_id: orderId, version: 1, account: accounts[0] ?? '', execute_by_ms: 0 }, `${lane}/${orderId}`);
};

/** Order ids end in their number: accounts take turns, as the product's do. */
const accountOf = (orderId: string): string => accounts[Number(/\d+$/.exec(orderId)?.[0] ?? 0) % accounts.length] ?? '';

const intents = (stage: Stage): void => {
  serve(stage.connection, {
    subject: RELAY_SUBJECT, queue: 'relay',
    handler: async ({ body }) => {
      const orderId = String((body as JsonObject)['order_id']);
      await append(stage, STREAM.intent + orderId, 'no_stream', [eventOf('intent', orderId)]);
      forward(stage, 'evaluate', orderId);
      return { order_id: orderId, pad: 'x'.repeat(300) };
    },
  });
};

const risk = (stage: Stage): void => {
  const write = groupWriter(stage, `${STREAM.group}${randomUUID()}`);
  consume(stage, 'evaluate', async (orderId) => {
    await write(eventOf('decided', orderId));
    await append(stage, STREAM.order + orderId, 'no_stream', [eventOf('approved', orderId)]);
    forward(stage, 'submit', orderId);
  });
  stage.store.subscribeAll({
    name: 'relay-risk', after: 'end', streamPrefixes: [STREAM.order], onFailed: (error) => { throw error; },
    onEvent: ({ type, stream }) => {
      if (type === 'filled') void write({ ...eventOf('traded', stream.slice(STREAM.order.length)), type: TRADED });
    },
  });
};

const execution = (stage: Stage): void => {
  const transport = nodeTransport();
  const reports = new Map(accounts.map((account) => [account, groupWriter(stage, `${STREAM.report}${account}-${randomUUID()}`)]));
  const record = (step: 'answer' | 'report', account: string, orderId: string): Promise<void> => reports.get(account)?.(eventOf(step, orderId)) ?? Promise.resolve();
  consume(stage, 'submit', async (orderId) => {
    await stage.tail.reached(await append(stage, STREAM.order + orderId, 0, [eventOf('claimed', orderId)]));
    const account = accountOf(orderId);
    const body = JSON.stringify({ client_order_id: orderId, account: `relay-${account}`, symbol: 'AAA', side: 'buy', qty: '100', order_type: 'market', time_in_force: 'DAY' });
    const answer = await transport({ method: 'POST', url: `${venueUrl}/v1/orders`, headers: { authorization: 'Bearer relay' }, body, deadlineMs: SEND_DEADLINE_MS });
    if (answer.kind !== 'answer') throw new Error(answer.code);
    await record('answer', account, orderId);
  });
  for (const account of accounts) followReports(account, (orderId) => void record('report', account, orderId));
};

const followReports = (account: string, onReport: (orderId: string) => void): void => {
  httpRequest(`${venueUrl}/v1/accounts/relay-${account}/reports`, { agent: false }, (response) => {
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const orderId = /"client_order_id":"([^"]+)"/.exec(block)?.[1];
        if (orderId !== undefined) onReport(orderId);
      }
    });
  }).end();
};

const fills = (stage: Stage): void => {
  const ignore = (error: unknown): never => { throw error; };
  stage.store.subscribeAll({
    name: 'relay-fills', after: 'end', streamPrefixes: [STREAM.report], onFailed: ignore,
    onEvent: ({ type, data }) => {
      const orderId = String(data['order_id']);
      void applied(stage, type, orderId).catch(ignore);
    },
  });
  stage.store.subscribeAll({ name: 'relay-remainder', after: 'end', streamPrefixes: [STREAM.order], onFailed: ignore, onEvent: () => undefined });
};

/** What the answer says goes in with one append; the stream says it again, and by then it is known. */
const applied = async (stage: Stage, type: string, orderId: string): Promise<void> => {
  if (type !== 'answer') return;
  const stream = STREAM.order + orderId;
  await append(stage, stream, 1, [eventOf('acknowledged', orderId), eventOf('filled', orderId)]);
};

const STAGES: Readonly<Record<string, (stage: Stage) => void>> = { intents, risk, execution, fills };
const stage = await connectStages('services');
for (const name of env('BENCH_SERVICES').split(',')) STAGES[name]?.(stage);

serveChannel({}, { counts: async () => sumsOf(await stage.metricsText()) }, async () => {
  await stage.tail.stop();
  await stage.connection.close();
  await stage.store.close();
});
