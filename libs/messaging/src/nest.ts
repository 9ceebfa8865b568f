import { Catch, HttpException, UseFilters, applyDecorators } from '@nestjs/common';
import type { RpcExceptionFilter } from '@nestjs/common';
import { EventPattern, Server } from '@nestjs/microservices';
import type { CustomTransportStrategy, MessageHandler } from '@nestjs/microservices';
import { lastValueFrom, throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import type { HandlerOutcome } from '@tallystick/ports';
import type { Command, HandlerContext, RetryPolicy } from './command.ts';
import type { BusConnection } from './connection.ts';
import { consumeCommands } from './consumer.ts';
import type { CommandConsumer } from './consumer.ts';
import { createKeyedWork } from './keyed-work.ts';
import { token } from './names.ts';
import { queueOf } from './topology.ts';
import type { Topology } from './topology.ts';

const TRANSPORT = Symbol('tallystick.jetstream');

/** What a handler gets as its second argument, or by `@Ctx()`. */
export interface CommandContext {
  readonly command: Command;
  readonly handling: HandlerContext;
}

/** Nest replaces what a handler throws by "Internal server error" before a transport sees it; this hands it on as it is. */
@Catch()
class PassThroughFilter implements RpcExceptionFilter<unknown> {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

const patternOf = (service: string, command: string): string => `${token(service)}.${token(command)}`;

/**
 * Marks a method of a controller as the handler of a command. It gets `(body, CommandContext)`, or what its parameter decorators ask
 * for, and returns a `HandlerOutcome`. What a validation pipe refuses with a 4xx is poison; anything else it throws is a programmer error.
 */
export const CommandHandler = (service: string, command: string): MethodDecorator =>
  applyDecorators(EventPattern<string>(patternOf(service, command), TRANSPORT), UseFilters(new PassThroughFilter()));

export interface JetStreamServerOptions {
  readonly connection: BusConnection;
  readonly topology: Topology;
  readonly service: string;
  /** Those that this process works off. Default: all. */
  readonly partitions?: readonly number[];
  /** See `ConsumeOptions`. */
  readonly keyOf: (command: Command) => string;
  /** Handlers of one lane at work at once, over all partitions. Default 64. Lanes do not wait for each other. */
  readonly concurrencyMax?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly onCrash?: (command: Command, error: unknown) => void;
}

const CONCURRENCY_MAX = 64;
const CLIENT_ERROR_FIRST = 400;
const CLIENT_ERROR_LAST = 499;

/** Pipes say with a 4xx that the message itself is at fault. */
const poisonOf = (error: unknown): HandlerOutcome | undefined => {
  if (!(error instanceof HttpException)) return undefined;
  const status = error.getStatus();
  if (status < CLIENT_ERROR_FIRST || status > CLIENT_ERROR_LAST) return undefined;
  return { kind: 'poison', code: 'SCHEMA_INVALID', detail: JSON.stringify(error.getResponse()) };
};

/**
 * Nest transport for the commands of one service. Fails at boot on two handlers for one command, a handler for a command that the
 * topology does not have, and a command without a handler. Closing it stops its consumers gracefully; the connection stays open.
 */
export class JetStreamServer extends Server implements CustomTransportStrategy {
  override readonly transportId = TRANSPORT;
  // Failures end in a settlement here; Nest need not log them a second time.
  override readonly propagatesEventHandlerErrors = true;
  readonly #options: JetStreamServerOptions;
  #consumers: readonly CommandConsumer[] = [];

  constructor(options: JetStreamServerOptions) {
    super();
    this.#options = options;
  }

  override addHandler(pattern: unknown, callback: MessageHandler, isEventHandler = false, extras: Record<string, unknown> = {}): void {
    const name = this.normalizePattern(String(pattern));
    const [service, command] = name.split('.');
    // In one process the transports of all services are shown the handlers of all controllers.
    if (service !== this.#options.service) return;
    if (this.messageHandlers.has(name)) throw new Error(`DUPLICATE_HANDLER: two handlers for ${name}`);
    if (!queueOf(this.#options.topology, service).lanes.includes(command ?? '')) throw new Error(`UNKNOWN_COMMAND: the queue of ${service} has no lane for ${name}`);
    super.addHandler(pattern, callback, isEventHandler, extras);
  }

  listen(callback: (error?: unknown) => void): void {
    try {
      this.#consumers = this.#start();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
  }

  /** Every consumer is pulling: for readiness. */
  isLive(): boolean {
    return this.#consumers.length > 0 && this.#consumers.every((consumer) => consumer.isLive());
  }

  /** Nest's way to listen to a transport's own events; this one has none. */
  on(): never {
    throw new Error('this transport has no events; its metrics and log say how it is');
  }

  unwrap<T>(): T {
    return this.#options.connection as T;
  }

  #start(): readonly CommandConsumer[] {
    const { connection, topology, service, keyOf, retry, onCrash } = this.#options;
    const queue = queueOf(topology, service);
    const partitions = this.#options.partitions ?? Array.from({ length: queue.partitions }, (_, partition) => partition);
    const handlers = queue.lanes.map((lane) => ({ lane, handler: this.#handlerOf(service, lane) }));
    return handlers.flatMap(({ lane, handler }) => {
      const work = createKeyedWork(this.#options.concurrencyMax ?? CONCURRENCY_MAX);
      return partitions.map((partition) =>
        consumeCommands(connection, {
          topology,
          service,
          partition,
          lane,
          keyOf,
          work,
          handler: (command, handling) => this.#handle(handler, command, handling),
          ...(retry === undefined ? {} : { retry }),
          ...(onCrash === undefined ? {} : { onCrash }),
        }),
      );
    });
  }

  #handlerOf(service: string, lane: string): MessageHandler {
    const found = this.getHandlerByPattern(patternOf(service, lane));
    if (found === null) throw new Error(`NO_HANDLER: nothing handles ${service}.${lane}`);
    return found;
  }

  async #handle(handler: MessageHandler, command: Command, handling: HandlerContext): Promise<HandlerOutcome> {
    const context: CommandContext = { command, handling };
    try {
      // Not the base class's `handleEvent`: it lets the result go unobserved, and a failure would be acknowledged.
      const result: unknown = await handler(command.body, context);
      return (await lastValueFrom(this.transformToObservable(result) as Observable<unknown>, { defaultValue: undefined })) as HandlerOutcome;
    } catch (error) {
      const poison = poisonOf(error);
      if (poison !== undefined) return poison;
      throw error;
    }
  }
}
