import type { JsMsg } from 'nats';
import type { Command, HandleCommand, RetryPolicy } from './command.ts';
import { defaultRetry } from './command.ts';
import type { BusConnection, ConnectionInternals } from './connection.ts';
import { internalsOf } from './connection.ts';
import { startConsumeLoop } from './consume-loop.ts';
import type { ConsumeLoop } from './consume-loop.ts';
import { writeDeadLetter } from './dead-letter-writer.ts';
import type { Verdict } from './dead-letter-writer.ts';
import { MESSAGE_ID, contextOf } from './headers.ts';
import { createHeldCommands } from './held-commands.ts';
import type { Held, HeldCommands } from './held-commands.ts';
import { readJson } from './json.ts';
import { createKeyedWork } from './keyed-work.ts';
import type { KeyedWork } from './keyed-work.ts';
import { settle } from './settlement.ts';
import type { Attempts } from './settlement.ts';
import { durableOf, queueOf } from './topology.ts';
import type { Durable, Topology } from './topology.ts';

export interface ConsumeOptions {
  readonly topology: Topology;
  readonly service: string;
  readonly partition: number;
  readonly lane: string;
  readonly handler: HandleCommand;
  /** Commands of one key are handled in the order of their queue; of different keys, at once. A throw makes the command poison. */
  readonly keyOf: (command: Command) => string;
  /** Handlers at work at once. Default 64. Ignored when `work` is given. */
  readonly concurrencyMax?: number;
  /** Shared by several consumers, to bound them together. */
  readonly work?: KeyedWork;
  readonly retry?: Partial<RetryPolicy>;
  /** A command is kept from being delivered again for so long, however slow its handler. Default 10 minutes. */
  readonly heldMsMax?: number;
  /** A handler threw: a programmer error, before it is retried. To pause an account, for instance. */
  readonly onCrash?: (command: Command, error: unknown) => void;
}

export interface CommandConsumer {
  /** Pulling from the server right now. */
  isLive(): boolean;
  /** Delivered here and not settled. */
  held(): number;
  /**
   * Takes no more, lets handlers finish for up to `graceMs` (default 10 s), gives back the rest at once. Closing the connection does
   * it too.
   */
  stop(graceMs?: number): Promise<void>;
}

// Enough to hide the latency of the store; more adds nothing at low load and memory at high.
const CONCURRENCY_MAX = 64;
// An operator has noticed by then; the command is offered to others.
const HELD_MS_MAX = 600_000;
const GRACE_MS = 10_000;
// Given back a little later than asked, so that a predecessor of the same key that was asked for the same moment comes first.
const PARKED_MARGIN_MS = 20;

class Consumer implements CommandConsumer {
  readonly #connection: BusConnection;
  readonly #internals: ConnectionInternals;
  readonly #durable: Durable;
  readonly #options: ConsumeOptions;
  readonly #work: KeyedWork;
  readonly #held: HeldCommands;
  readonly #attempts: Attempts;
  readonly #stopping = new AbortController();
  /** Keys whose commands were given back, until when: their successors wait elsewhere too, or they would overtake. */
  readonly #parked = new Map<string, number>();
  readonly #stopExtending: () => void;
  readonly #loop: ConsumeLoop;
  readonly #forget: () => void;
  #stopped: Promise<void> | undefined;
  #settling: (() => void)[] = [];

  constructor(connection: BusConnection, options: ConsumeOptions) {
    this.#connection = connection;
    this.#internals = internalsOf(connection);
    this.#options = options;
    const queue = queueOf(options.topology, options.service);
    if (!queue.lanes.includes(options.lane) || options.partition < 0 || options.partition >= queue.partitions) {
      throw new Error(`BAD_TOPOLOGY: ${options.service} has no lane ${options.lane} in partition ${options.partition}`);
    }
    this.#durable = durableOf(queue, options.partition, options.lane);
    this.#work = options.work ?? createKeyedWork(options.concurrencyMax ?? CONCURRENCY_MAX);
    this.#held = createHeldCommands(options.heldMsMax ?? HELD_MS_MAX);
    const { ports, metrics } = this.#internals;
    this.#attempts = {
      handler: options.handler,
      retry: { ...defaultRetry, ...options.retry },
      ports,
      metrics,
      stopping: this.#stopping.signal,
      onCrash: (command, error) => this.#crashed(command, error),
      onRetry: (command, attempt, outcome) => this.#internals.log.write('warn', 'command.retry', { ...this.#nameOf(command), attempt, ...outcome }),
    };
    this.#stopExtending = ports.timers.every(this.#durable.ackWaitMs / 3, 'command.extend', () => this.#tend());
    this.#loop = startConsumeLoop(connection, options.topology, this.#durable, (message) => this.#receive(message));
    this.#forget = this.#internals.onClose('readers', () => this.stop());
  }

  isLive(): boolean {
    return this.#loop.isLive();
  }

  held(): number {
    return this.#held.size();
  }

  stop(graceMs: number = GRACE_MS): Promise<void> {
    return (this.#stopped ??= this.#stop(graceMs));
  }

  async #stop(graceMs: number): Promise<void> {
    const { ports, log } = this.#internals;
    this.#stopping.abort();
    await this.#loop.stop();
    // Not begun: their handlers have seen nothing, so another consumer may have them now.
    for (const job of this.#work.withdraw(this)) await job.run();
    const untilMs = ports.clock.monotonicMs() + graceMs;
    while (this.#held.size() > 0 && ports.clock.monotonicMs() < untilMs) await ports.timers.sleep(5, 'command.drain');
    this.#stopExtending();
    for (const held of this.#held.all()) {
      log.write('warn', 'command.unfinished', { durable: this.#durable.durable, place: held.place });
      this.#giveBack(held, 0);
    }
    this.#settleAll();
    this.#forget();
    try {
      if (this.#connection.isConnected()) await this.#internals.nc.flush();
    } catch (error) {
      log.write('warn', 'command.settlements_unsure', { durable: this.#durable.durable, error });
    }
  }

  /** Called by the client's callback: a throw from here would stop the consumer, so nothing may. */
  #receive(message: JsMsg): void {
    const { ports, log, metrics } = this.#internals;
    const { service, lane } = this.#durable;
    try {
      if (this.#stopping.signal.aborted) {
        message.nak();
        return;
      }
      if (message.redelivered) metrics.count('tally_commands_redelivered_total', { service, command: lane });
      const { held, isNew } = this.#held.take(message, ports.clock.monotonicMs());
      if (isNew) this.#admit(held);
      this.#countHeld();
    } catch (error) {
      log.write('error', 'command.receive_failed', { durable: this.#durable.durable, error });
    }
  }

  #admit(held: Held): void {
    const read = this.#read(held.message);
    if ('verdict' in read) {
      void this.#bury(held, read.verdict);
      return;
    }
    const { command, key } = read;
    held.key = `${this.#durable.durable}/${key}`;
    if (!this.#turnedAway(held)) this.#work.submit({ key: held.key, owner: this, run: () => this.#run(held, command) });
  }

  /** Gives it back when its key is parked. */
  #turnedAway(held: Held): boolean {
    const parkedForMs = (this.#parked.get(held.key) ?? 0) - this.#internals.ports.clock.monotonicMs();
    if (parkedForMs <= 0) return false;
    this.#giveBack(held, parkedForMs + PARKED_MARGIN_MS);
    return true;
  }

  #read(message: JsMsg): { readonly command: Command; readonly key: string } | { readonly verdict: Verdict } {
    const body = readJson(message.data);
    if (!body.ok) return { verdict: { code: body.code, detail: body.detail } };
    const { info } = message;
    const command: Command = {
      subject: message.subject,
      service: this.#durable.service,
      partition: this.#durable.partition,
      command: this.#durable.lane,
      body: body.value,
      messageId: message.headers?.get(MESSAGE_ID) ?? '',
      sequence: info.streamSequence,
      delivery: info.deliveryCount,
      storedAtMs: Math.floor(info.timestampNanos / 1e6),
      context: contextOf(message.headers, body.value),
    };
    try {
      return { command, key: this.#options.keyOf(command) };
    } catch (error) {
      return { verdict: { code: 'COMMAND_KEY_UNREADABLE', detail: error instanceof Error ? error.name : typeof error } };
    }
  }

  async #run(held: Held, command: Command): Promise<void> {
    if (this.#stopping.signal.aborted) {
      this.#giveBack(held, 0);
      return;
    }
    if (this.#turnedAway(held)) return;
    try {
      const settlement = await settle(command, this.#attempts);
      if (settlement.kind === 'ack') this.#release(held, (message) => message.ack());
      else if (settlement.kind === 'dead_letter') await this.#bury(held, settlement);
      else if (settlement.delayMs === 0) this.#giveBack(held, 0);
      else this.#park(held, settlement.delayMs);
    } catch (error) {
      // `settle` does not reject: this is a fault of ours, and the message comes again by itself.
      this.#internals.log.write('error', 'command.settlement_failed', { ...this.#nameOf(command), error });
      this.#release(held, () => undefined);
    }
  }

  /** First the copy, then the acknowledgement: a crash between them makes a repeat, which the copy's id absorbs. */
  async #bury(held: Held, verdict: Verdict): Promise<void> {
    const stored = await writeDeadLetter(this.#connection, this.#durable.service, held.message, verdict);
    if (stored) this.#release(held, (message) => message.ack());
    else this.#giveBack(held, this.#attempts.retry.giveBackMs);
  }

  /** Gives back the command and all that wait behind it under its key, and turns away those that come while it is gone. */
  #park(held: Held, delayMs: number): void {
    this.#parked.set(held.key, this.#internals.ports.clock.monotonicMs() + delayMs);
    this.#giveBack(held, delayMs);
    for (const job of this.#work.withdraw(this, held.key)) void job.run();
  }

  #giveBack(held: Held, delayMs: number): void {
    this.#release(held, (message) => (delayMs > 0 ? message.nak(Math.ceil(delayMs)) : message.nak()));
  }

  #release(held: Held, settleMessage: (message: JsMsg) => void): void {
    this.#held.release(held);
    this.#settling.push(() => settleMessage(held.message));
    // Those that end in one turn of the event loop leave in one write; a write each costs more than all the rest of the settlement.
    if (this.#settling.length === 1) setImmediate(() => this.#settleAll());
  }

  #settleAll(): void {
    const settling = this.#settling;
    this.#settling = [];
    for (const settleMessage of settling) {
      try {
        settleMessage();
      } catch (error) {
        // The connection is closed: the message comes again, here or elsewhere, and finds its work done.
        this.#internals.log.write('warn', 'command.not_settled', { durable: this.#durable.durable, error });
      }
    }
  }

  #tend(): Promise<void> {
    const { ports, log, metrics } = this.#internals;
    const { service, lane } = this.#durable;
    const nowMs = ports.clock.monotonicMs();
    this.#held.extend(nowMs, (held) => {
      metrics.count('tally_commands_stuck_total', { service, command: lane });
      log.write('error', 'command.stuck', { durable: this.#durable.durable, sequence: held.message.info.streamSequence, key: held.key });
    });
    for (const [key, untilMs] of this.#parked) if (untilMs <= nowMs) this.#parked.delete(key);
    this.#countHeld();
    return Promise.resolve();
  }

  #countHeld(): void {
    const { service, lane, partition } = this.#durable;
    this.#internals.metrics.gauge('tally_commands_held', this.#held.size(), { service, command: lane, partition: String(partition) });
  }

  #crashed(command: Command, error: unknown): void {
    this.#internals.log.write('error', 'command.crashed', { ...this.#nameOf(command), delivery: command.delivery, error });
    try {
      this.#options.onCrash?.(command, error);
    } catch (hookError) {
      this.#internals.log.write('error', 'command.crash_hook_failed', { error: hookError });
    }
  }

  #nameOf(command: Command): Record<string, string | number> {
    return { service: command.service, command: command.command, partition: command.partition, sequence: command.sequence, message_id: command.messageId };
  }
}

/**
 * Works off one lane of one partition until stopped. Survives restarts of the server and a wiped stream, which it has made anew
 * from `topology`. Throws `BAD_TOPOLOGY` for a lane or partition that the topology does not have.
 */
export const consumeCommands = (connection: BusConnection, options: ConsumeOptions): CommandConsumer => new Consumer(connection, options);
