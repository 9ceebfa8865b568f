import { ConsumerEvents } from 'nats';
import type { ConsumerMessages, JsMsg } from 'nats';
import type { BusConnection } from './connection.ts';
import { internalsOf } from './connection.ts';
import { apiErrorOf, ensureTopology } from './ensure-topology.ts';
import { queueOf } from './topology.ts';
import type { Durable, Topology } from './topology.ts';

export interface ConsumeLoop {
  /** Pulling right now. */
  isLive(): boolean;
  /** Resolves when no message is delivered any more. */
  stop(): Promise<void>;
}

// A pull lives so long at the server before it is renewed.
const PULL_EXPIRES_MS = 30_000;
// Two missed heartbeats end a loop that went silent: noticed within 10 s, at 12 messages a minute for an idle durable.
const HEARTBEAT_MS = 5_000;
const RESTART_FIRST_MS = 50;
const RESTART_MS_MAX = 2_000;
const ERR_CONSUMER_NOT_FOUND = 10_014;
const ERR_STREAM_NOT_FOUND = 10_059;

const BREAKING: ReadonlySet<string> = new Set([
  ConsumerEvents.HeartbeatsMissed,
  ConsumerEvents.ConsumerDeleted,
  ConsumerEvents.ConsumerNotFound,
  ConsumerEvents.StreamNotFound,
  ConsumerEvents.NoResponders,
]);

const isMissing = (error: unknown): boolean => {
  const code = apiErrorOf(error)?.err_code;
  return code === ERR_CONSUMER_NOT_FOUND || code === ERR_STREAM_NOT_FOUND;
};

/** Pulls until told to stop; ends and begins anew on anything that may have left the pull dead. `onMessage` must not throw. */
export const startConsumeLoop = (connection: BusConnection, topology: Topology, durable: Durable, onMessage: (message: JsMsg) => void): ConsumeLoop => {
  const { nc, log, metrics, ports, onDisconnect } = internalsOf(connection);
  const stopping = new AbortController();
  let live = false;
  // Woken by a status that ends the pull in hand.
  let breakOff: (cause: string) => void = () => undefined;

  const watch = async (messages: ConsumerMessages): Promise<void> => {
    for await (const { type } of await messages.status()) if (BREAKING.has(type)) breakOff(type);
  };

  /** Resolves with the cause when the pull is over; its messages have ceased by then. */
  const pullUntilBroken = async (): Promise<string> => {
    const broken = new Promise<string>((resolve) => {
      breakOff = resolve;
    });
    // A question asked of a server that then goes away is answered by its time-out only, so a lost connection ends the wait for it.
    const asked = nc.jetstream().consumers.get(durable.stream, durable.durable);
    const consumer = await Promise.race([asked, broken]);
    if (typeof consumer === 'string') {
      asked.catch((error: unknown) => log.write('debug', 'consumer.question_dropped', { durable: durable.durable, error }));
      return consumer;
    }
    const messages = await consumer.consume({
      callback: onMessage,
      // What bounds the messages held here is the durable's max_ack_pending; the pull only has to cover it.
      max_messages: durable.maxAckPending,
      expires: PULL_EXPIRES_MS,
      idle_heartbeat: HEARTBEAT_MS,
      abort_on_missing_resource: true,
    });
    watch(messages).catch((error: unknown) => log.write('warn', 'consumer.status_failed', { durable: durable.durable, error }));
    const ended = messages.closed().then((error) => {
      if (error instanceof Error) log.write('warn', 'consumer.pull_ended', { durable: durable.durable, error });
      return 'ended';
    });
    live = connection.isConnected();
    const cause = await Promise.race([broken, ended]);
    live = false;
    await messages.close();
    // Asking makes the server drop pulls that nobody listens to any more. Without it the first message that is given back is handed to one of
    // them, and lost until its ack wait is over.
    if (cause === 'stopped' && connection.isConnected()) {
      await consumer.info().catch((error: unknown) => log.write('warn', 'consumer.pull_left_behind', { durable: durable.durable, error }));
    }
    return cause;
  };

  const recreate = async (): Promise<void> => {
    const outcome = await ensureTopology(connection, { queues: [queueOf(topology, durable.service)], replicas: topology.replicas });
    if (!outcome.ok) log.write('error', 'topology.not_ensured', { code: outcome.code, detail: outcome.detail });
  };

  const waitForConnection = async (): Promise<void> => {
    while (!connection.isConnected() && !stopping.signal.aborted && !nc.isClosed()) {
      await ports.timers.sleep(RESTART_FIRST_MS, 'consumer.wait_for_connection', stopping.signal);
    }
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted && !nc.isClosed()) {
      await waitForConnection();
      if (stopping.signal.aborted) return;
      let cause: string;
      try {
        cause = await pullUntilBroken();
        failures = 0;
      } catch (error) {
        failures += 1;
        cause = isMissing(error) ? 'missing' : 'error';
        if (failures === 1 || failures % 10 === 0) log.write('warn', 'consumer.pull_failed', { durable: durable.durable, failures, error });
      }
      if (stopping.signal.aborted) return;
      metrics.count('tally_consumer_restarts_total', { service: durable.service, cause });
      log.write('info', 'consumer.restarting', { durable: durable.durable, cause });
      if (cause === 'missing') await recreate();
      await ports.timers.sleep(Math.min(RESTART_FIRST_MS * 2 ** Math.min(failures, 10), RESTART_MS_MAX), 'consumer.restart', stopping.signal);
    }
  };

  // The client would resume the pull by itself, but after one failed question it waits half a minute before the next.
  const forgetDisconnect = onDisconnect(() => {
    live = false;
    breakOff('disconnected');
  });
  const done = run()
    .catch((error: unknown) => log.write('error', 'consumer.loop_failed', { durable: durable.durable, error }))
    .finally(() => {
      live = false;
      forgetDisconnect();
    });

  return {
    isLive: () => live,
    stop: () => {
      stopping.abort();
      breakOff('stopped');
      return done;
    },
  };
};
