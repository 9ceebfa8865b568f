import type { Msg } from 'nats';
import { inSpan, runInContext } from '@tallystick/platform';
import type { WorkContext } from '@tallystick/platform';
import type { JsonValue } from '@tallystick/ports';
import type { BusConnection, ConnectionInternals } from './connection.ts';
import { internalsOf } from './connection.ts';
import { contextHeaders, contextOf } from './headers.ts';
import { MESSAGE_BYTES_MAX, readJson, writeJson } from './json.ts';
import { isFilterSubject, token } from './names.ts';

export interface BusRequest {
  readonly subject: string;
  readonly body: JsonValue;
  /** As they came, for those who judge the text itself. */
  readonly bytes: Uint8Array;
  readonly context: WorkContext;
}

/** Bytes that are no message: too large, too deep, not JSON. */
export interface UnreadableRequest {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly code: string;
  readonly detail: string;
}

export interface ServeOptions {
  /** Wildcards are allowed. */
  readonly subject: string;
  /** Processes with the same queue share the requests. */
  readonly queue: string;
  /** The answer. A rejection is answered with `INTERNAL` and logged. */
  readonly handler: (request: BusRequest) => Promise<JsonValue>;
  /** The answer to what cannot be read, for those who must record it. Default: `{ok: false, code, detail}`. */
  readonly onUnreadable?: (request: UnreadableRequest) => Promise<JsonValue>;
  /** Handlers at work at once. Default 64. */
  readonly concurrencyMax?: number;
  /** Requests that wait for a turn; beyond it they are answered with `BUSY` at once. Default 1024. */
  readonly queueMax?: number;
}

export interface Responder {
  /** Takes no more, answers what it has. Closing the connection does it too. */
  stop(): Promise<void>;
}

/** How a request is answered that did not get as far as an answer of its handler. `retryable` says whether to ask again. */
export interface RefusedRequest {
  readonly ok: false;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
}

const CONCURRENCY_MAX = 64;
// A second's worth of requests at full speed: whoever would wait longer is better told so.
const QUEUE_MAX = 1_024;
const GRACE_MS = 10_000;

const refused = (code: string, detail: string, retryable: boolean): { readonly [key: string]: JsonValue } => ({ ok: false, code, detail, retryable });

class QueueResponder implements Responder {
  readonly #internals: ConnectionInternals;
  readonly #options: ServeOptions;
  readonly #waiting: Msg[] = [];
  readonly #unsubscribe: () => Promise<void>;
  readonly #forget: () => void;
  #active = 0;
  #stopped: Promise<void> | undefined;

  constructor(internals: ConnectionInternals, options: ServeOptions) {
    this.#internals = internals;
    this.#options = options;
    const subscription = internals.nc.subscribe(options.subject, {
      queue: options.queue,
      callback: (error, message) => {
        if (error === null) this.#receive(message);
        else internals.log.write('error', 'request.subscription_failed', { subject: options.subject, error });
      },
    });
    this.#unsubscribe = () => subscription.drain();
    this.#forget = internals.onClose('readers', () => this.stop());
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    const { ports, log, nc } = this.#internals;
    this.#forget();
    if (nc.isClosed()) return;
    const untilMs = ports.clock.monotonicMs() + GRACE_MS;
    const unsubscribed = new AbortController();
    await Promise.race([
      this.#unsubscribe().catch((error: unknown) => log.write('warn', 'request.drain_failed', { error })),
      ports.timers.sleep(GRACE_MS, 'request.unsubscribe', unsubscribed.signal),
    ]);
    unsubscribed.abort();
    while (this.#active + this.#waiting.length > 0 && ports.clock.monotonicMs() < untilMs) await ports.timers.sleep(5, 'request.drain');
  }

  #receive(message: Msg): void {
    // A publish without a reply subject asks nothing; there is nowhere to send an answer, not even a refusal.
    if (message.reply === undefined || message.reply === '') return;
    if (this.#active < (this.#options.concurrencyMax ?? CONCURRENCY_MAX)) this.#begin(message);
    else if (this.#waiting.length < (this.#options.queueMax ?? QUEUE_MAX)) this.#waiting.push(message);
    else this.#respond(message, refused('BUSY', 'too many requests wait; ask again later with the same key', true), 'busy', undefined);
  }

  #begin(message: Msg): void {
    this.#active += 1;
    void this.#answer(message).finally(() => {
      this.#active -= 1;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#begin(next);
    });
  }

  async #answer(message: Msg): Promise<void> {
    const { ports, log } = this.#internals;
    const startedMs = ports.clock.monotonicMs();
    const read = readJson(message.data);
    const context = contextOf(message.headers, read.ok ? read.value : undefined);
    try {
      const { subject } = message;
      const answer = await runInContext(context, () =>
        inSpan(`request ${this.#options.queue}`, {}, context.traceparent, () => {
          if (read.ok) return this.#options.handler({ subject, body: read.value, bytes: message.data, context });
          const { code, detail } = read;
          return this.#options.onUnreadable?.({ subject, bytes: message.data, code, detail }) ?? Promise.resolve(refused(code, detail, false));
        }),
      );
      this.#respond(message, answer, read.ok ? 'answered' : 'unreadable', startedMs);
    } catch (error) {
      log.write('error', 'request.handler_failed', { subject: message.subject, queue: this.#options.queue, error });
      this.#respond(message, refused('INTERNAL', 'the handler failed; its log says why', true), 'failed', startedMs);
    }
  }

  #respond(message: Msg, answer: JsonValue, outcome: string, startedMs: number | undefined): void {
    const { log, metrics, ports } = this.#internals;
    const { queue } = this.#options;
    let bytes = writeJson(answer);
    if (bytes.length > MESSAGE_BYTES_MAX) {
      log.write('error', 'request.answer_too_large', { subject: message.subject, bytes: bytes.length });
      bytes = writeJson(refused('ANSWER_TOO_LARGE', `${bytes.length} bytes, at most ${MESSAGE_BYTES_MAX} are sent: ask for less`, false));
    }
    try {
      message.respond(bytes, { headers: contextHeaders(answer) });
    } catch (error) {
      // The connection has closed: whoever asked gets no answer and asks again.
      log.write('warn', 'request.not_answered', { subject: message.subject, error });
    }
    metrics.count('tally_requests_total', { queue, outcome });
    if (startedMs !== undefined) metrics.observeMs('tally_request_duration_ms', ports.clock.monotonicMs() - startedMs, { queue });
  }
}

/**
 * Answers requests on a subject, with bounded concurrency and a bounded queue. Bodies are JSON of at most 64 KiB. Every
 * refusal is an answer `{ok: false, code, detail, retryable}`: `BUSY`, `MESSAGE_TOO_LARGE`, `JSON_TOO_DEEP`, `JSON_INVALID`, `INTERNAL`,
 * `ANSWER_TOO_LARGE`. Throws `BAD_SUBJECT` and `BAD_TOKEN`.
 */
export const serve = (connection: BusConnection, options: ServeOptions): Responder => {
  if (!isFilterSubject(options.subject)) throw new Error(`BAD_SUBJECT: ${JSON.stringify(options.subject.slice(0, 120))}`);
  token(options.queue);
  return new QueueResponder(internalsOf(connection), options);
};
