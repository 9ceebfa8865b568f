import type { ClientReadableStream } from '@grpc/grpc-js';
import type { Log, Metrics, Ports, Position, StoreFailure, SubscribeAllOptions, Subscription } from '@tallystick/ports';
import type { RawStoreClient, Wire } from './client.ts';
import type { Connector } from './connector.ts';
import { faultOf } from './faults.ts';
import { METRIC } from './metrics.ts';
import type { LogPlace } from './wire/read-request.ts';
import { encodeSubscription } from './wire/read-request.ts';
import type { ReadMessage } from './wire/read-response.ts';
import { decodeReadMessage } from './wire/read-response.ts';

// A server that ends a subscription at once is not asked again in a hot loop, and one that comes back is not kept waiting.
const PAUSE_FIRST_MS = 20;
const PAUSE_MAX_MS = 1_000;

export interface SubscriberOptions {
  readonly client: RawStoreClient;
  readonly connector: Connector;
  readonly ports: Ports;
  readonly log: Log;
  readonly metrics: Metrics | undefined;
  readonly head: () => Promise<{ readonly ok: true; readonly position: Position | undefined } | StoreFailure>;
}

/** Marks what came from the subscriber's own code, as opposed to the transport's. */
class HandlerFailure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

const isAfter = (place: LogPlace, cursor: LogPlace): boolean =>
  place.commit > cursor.commit || (place.commit === cursor.commit && place.prepare > cursor.prepare);

/**
 * One subscription over as many connections as it takes. Its cursor is the last place handled; every new connection starts
 * after it, and what a server sends again up to it is dropped. Messages are taken one at a time, so a slow handler slows the
 * server down instead of filling memory.
 */
export class ResumingSubscription implements Subscription {
  private readonly parts: SubscriberOptions;
  private readonly options: SubscribeAllOptions;
  private readonly stopping = new AbortController();
  /** Resolves when it has stopped for good. Never rejects. */
  readonly finished: Promise<void>;
  private cursor: LogPlace | 'start' | 'end';
  private exact: Position | undefined;
  private live = false;
  private handledHere = 0;
  private call: ClientReadableStream<Buffer> | undefined;

  constructor(parts: SubscriberOptions, options: SubscribeAllOptions) {
    this.parts = parts;
    this.options = options;
    const { after } = options;
    this.cursor = typeof after === 'bigint' ? { commit: after, prepare: after } : after;
    this.exact = typeof after === 'bigint' ? after : undefined;
    this.finished = this.run();
  }

  position(): Position | undefined {
    return this.exact;
  }

  isLive(): boolean {
    return this.live && !this.stopping.signal.aborted;
  }

  stop(): Promise<void> {
    this.stopping.abort();
    this.call?.cancel();
    return this.finished;
  }

  private async run(): Promise<void> {
    const { connector, ports, log, metrics } = this.parts;
    const { name } = this.options;
    let pauseMs = PAUSE_FIRST_MS;
    for (let attempt = 0; !this.stopping.signal.aborted; attempt += 1) {
      const ended = await this.attempt();
      this.live = false;
      if (this.stopping.signal.aborted) break;
      if (ended.failure instanceof HandlerFailure) {
        this.stopping.abort();
        log.write('error', 'store.subscription_failed', { subscription: name, position: String(this.exact), error: ended.failure.error });
        this.tellFailed(ended.failure.error);
        break;
      }
      log.write('warn', 'store.subscription_ended', { subscription: name, position: String(this.exact), detail: ended.detail });
      metrics?.count(METRIC.resumes, { subscription: name });
      if (ended.wire !== undefined && ended.failure !== undefined) await connector.failed(ended.wire, ended.failure);
      if (this.handledHere > 0) pauseMs = PAUSE_FIRST_MS;
      await ports.timers.sleep(pauseMs, 'store.subscription_resume', this.stopping.signal);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
    }
    this.live = false;
  }

  private tellFailed(error: unknown): void {
    try {
      this.options.onFailed(error);
    } catch (cause) {
      this.parts.log.write('error', 'store.subscription_failure_not_taken', { subscription: this.options.name, error: cause });
    }
  }

  /** From a connection to its end. Never rejects. */
  private async attempt(): Promise<{ readonly wire?: Wire; readonly failure?: unknown; readonly detail: string }> {
    const { client, connector } = this.parts;
    if (this.options.streamPrefixes.length === 0) {
      // Servers disagree about what no prefix at all means.
      return { failure: new HandlerFailure(new Error(`subscription ${this.options.name} names no stream prefix`)), detail: 'no prefix' };
    }
    const wire = await connector.ready();
    if (wire === undefined || this.stopping.signal.aborted) return { detail: 'closed' };
    let stopListening = (): void => undefined;
    try {
      if (this.cursor === 'end') await this.pinToHead();
      if (this.cursor === 'end' || this.stopping.signal.aborted) return { wire, detail: 'the head of the log could not be read' };
      this.handledHere = 0;
      const call = client.read(wire, encodeSubscription(this.cursor, this.options.streamPrefixes), Infinity);
      this.call = call;
      stopListening = connector.onDiscard((discarded) => {
        if (discarded === wire) call.cancel();
      });
      await this.consume(call);
      return { wire, detail: 'ended cleanly' };
    } catch (failure) {
      return { wire, failure, detail: failure instanceof HandlerFailure ? 'handler' : faultOf(failure).detail };
    } finally {
      stopListening();
      this.call?.cancel();
      this.call = undefined;
    }
  }

  /** "End" is turned into a position once: asked for again after a broken connection it would skip what came in between. */
  private async pinToHead(): Promise<void> {
    const head = await this.parts.head();
    if (!head.ok) return;
    this.cursor = head.position === undefined ? 'start' : { commit: head.position, prepare: head.position };
    this.exact = head.position;
  }

  /** Resolves at the clean end, rejects at any other and when the handler fails. */
  private consume(call: ClientReadableStream<Buffer>): Promise<void> {
    return new Promise((resolve, reject) => {
      let busy = false;
      let over = false;
      const finish = (settle: () => void): void => {
        over = true;
        settle();
      };
      const pump = async (): Promise<void> => {
        if (busy) return;
        busy = true;
        try {
          for (let bytes = call.read() as Buffer | null; bytes !== null && !over && !this.stopping.signal.aborted; bytes = call.read() as Buffer | null) {
            const handling = this.take(bytes);
            if (handling !== undefined) await handling;
          }
        } catch (error) {
          finish(() => reject(error));
        }
        busy = false;
        // The end waits for the handler: nothing runs any more when this settles.
        if (ending !== undefined) finish(ending);
      };
      let ending: (() => void) | undefined;
      const endWith = (settle: () => void): void => {
        ending ??= settle;
        if (!busy) finish(settle);
      };
      call.on('readable', () => void pump());
      call.on('error', (error) => endWith(() => reject(error)));
      call.on('end', () => endWith(resolve));
      call.on('close', () => endWith(resolve));
    });
  }

  private take(bytes: Buffer): Promise<void> | undefined {
    let message: ReadMessage;
    try {
      message = decodeReadMessage(bytes, 'when asked for');
    } catch (error) {
      // What lies in the log stays as it is: asking again would bring the same bytes.
      throw new HandlerFailure(error);
    }
    if (message.kind === 'event') return this.handEvent(message);
    if (message.kind === 'checkpoint') return this.handCheckpoint(message.place);
    if (message.kind === 'caught_up') {
      this.live = true;
      return own(() => this.options.onCaughtUp?.());
    }
    if (message.kind === 'fell_behind') this.live = false;
    return undefined;
  }

  private handEvent(message: Extract<ReadMessage, { kind: 'event' }>): Promise<void> | undefined {
    if (typeof this.cursor === 'object' && !isAfter(message.place, this.cursor)) return undefined;
    return after(own(() => this.options.onEvent(message.event)), () => this.moveTo(message.place));
  }

  /**
   * A checkpoint with `prepare` below `commit` means "all before the record at `commit`". As a plain position it would be read
   * as "all up to and with that record", and the event there would be lost: it moves the cursor, which keeps both, and is not
   * passed on. Real servers send such ones while catching up.
   */
  private handCheckpoint(place: LogPlace): Promise<void> | undefined {
    if (typeof this.cursor === 'object' && isAfter(this.cursor, place)) return undefined;
    const { onCheckpoint } = this.options;
    const isExact = place.commit === place.prepare;
    return after(isExact && onCheckpoint !== undefined ? own(() => onCheckpoint(place.commit)) : undefined, () => this.moveTo(place));
  }

  private moveTo(place: LogPlace): void {
    this.cursor = place;
    this.handledHere += 1;
    if (place.commit === place.prepare) this.exact = place.commit;
  }
}

/** Runs the subscriber's code; what it throws or rejects with is marked as its own. */
function own(run: () => Promise<void> | void): Promise<void> | undefined {
  try {
    const running: unknown = run();
    // Callers in plain JavaScript, and arrow functions with a value, return anything.
    if (!(running instanceof Promise)) return undefined;
    return running.then(
      () => undefined,
      (error: unknown) => {
        throw new HandlerFailure(error);
      },
    );
  } catch (error) {
    throw new HandlerFailure(error);
  }
}

function after(running: Promise<void> | undefined, next: () => void): Promise<void> | undefined {
  if (running !== undefined) return running.then(next);
  next();
  return undefined;
}
