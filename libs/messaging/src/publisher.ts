import { createInbox } from 'nats';
import type { Msg, MsgHdrs } from 'nats';
import type { BusConnection, ConnectionInternals } from './connection.ts';
import { internalsOf } from './connection.ts';
import { MESSAGE_ID } from './headers.ts';
import { isPublishSubject } from './names.ts';

export type PublishOutcome =
  /** Stored; `duplicate` when the stream had this message id already and kept the first. */
  | { readonly ok: true; readonly duplicate: boolean }
  | { readonly ok: false; readonly code: PublishFailure; readonly detail: string };

export type PublishFailure =
  /** No answer: it may or may not have been stored. */
  | 'BUS_TIMEOUT'
  /** Not connected, or the connection broke before the answer: as above. */
  | 'BUS_DISCONNECTED'
  /** No stream takes this subject. */
  | 'NO_STREAM'
  | 'STREAM_FULL'
  | 'MESSAGE_TOO_LARGE'
  | 'BAD_SUBJECT'
  /** Too many publishes wait for their answer here. */
  | 'PUBLISHER_BUSY'
  | 'BUS_REFUSED';

export interface Publisher {
  /** Publishes to a stream and waits for its acknowledgement. Never rejects. `messageId` is what the stream deduplicates by. */
  publish(subject: string, payload: Uint8Array, messageId: string, headers: MsgHdrs): Promise<PublishOutcome>;
}

interface Pending {
  readonly settle: (outcome: PublishOutcome) => void;
  readonly deadlineMs: number;
}

// The server answers in well under a millisecond; five seconds outlast a leader election.
const TIMEOUT_MS = 5_000;
// One sweep for all instead of a timer each; a timeout is late by at most this.
const SWEEP_MS = 250;
// 64 in flight saturate the server; beyond this the caller is running away from it.
const PENDING_MAX = 8_192;
const NO_RESPONDERS = 503;
const ERR_STREAM_FULL = new Set([10_077, 10_076, 10_047, 10_023]);
const ERR_TOO_LARGE = 10_054;

const STORED: PublishOutcome = { ok: true, duplicate: false };
const DUPLICATE: PublishOutcome = { ok: true, duplicate: true };
const failure = (code: PublishFailure, detail: string): PublishOutcome => ({ ok: false, code, detail });

interface AckBody {
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
  readonly duplicate?: boolean;
}

/** Parses only what is not the common answer `{"stream":"X","seq":1}`: parsing every ack costs more than sending. */
const readAck = (message: Msg): PublishOutcome => {
  if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) return failure('NO_STREAM', `no stream takes the subject`);
  const text = Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength).toString('latin1');
  if (text.startsWith('{"stream":"') && !text.includes('"duplicate"')) return STORED;
  let body: AckBody;
  try {
    body = JSON.parse(text) as AckBody;
  } catch {
    return failure('BUS_REFUSED', 'the acknowledgement is not JSON');
  }
  if (body.error === undefined) return body.duplicate === true ? DUPLICATE : STORED;
  const { code = 0, err_code = 0, description = 'no description' } = body.error;
  const detail = `${description} (${code}/${err_code})`;
  if (ERR_STREAM_FULL.has(err_code)) return failure('STREAM_FULL', detail);
  if (err_code === ERR_TOO_LARGE) return failure('MESSAGE_TOO_LARGE', detail);
  return failure('BUS_REFUSED', detail);
};

class OneInboxPublisher implements Publisher {
  readonly #internals: ConnectionInternals;
  readonly #inbox: string;
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #connected = true;

  constructor(internals: ConnectionInternals) {
    this.#internals = internals;
    this.#inbox = createInbox(internals.inboxPrefix);
    const { nc, ports } = internals;
    nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#settle(Number(message.subject.slice(this.#inbox.length + 1)), readAck(message));
        else internals.log.write('error', 'bus.acknowledgements_lost', { error });
      },
    });
    internals.onDisconnect(() => {
      this.#connected = false;
      this.#failAll();
    });
    internals.onReconnect(() => {
      this.#connected = true;
    });
    const stopSweep = ports.timers.every(SWEEP_MS, 'bus.publish_sweep', () => this.#sweep());
    internals.onClose('writers', async () => {
      await this.#drained();
      stopSweep();
    });
    nc.closed().then(stopSweep, stopSweep);
  }

  publish(subject: string, payload: Uint8Array, messageId: string, headers: MsgHdrs): Promise<PublishOutcome> {
    if (!isPublishSubject(subject)) return Promise.resolve(failure('BAD_SUBJECT', JSON.stringify(subject.slice(0, 120))));
    // The client would buffer it and then drop it on the first dial: better said at once.
    if (!this.#connected) return Promise.resolve(failure('BUS_DISCONNECTED', 'not connected'));
    if (this.#pending.size >= PENDING_MAX) return Promise.resolve(failure('PUBLISHER_BUSY', `${PENDING_MAX} publishes wait for an answer`));
    const ticket = (this.#next += 1);
    headers.append(MESSAGE_ID, messageId);
    try {
      this.#internals.nc.publish(subject, payload, { reply: `${this.#inbox}.${ticket}`, headers });
    } catch (error) {
      return Promise.resolve(this.#notSent(error));
    }
    return new Promise((settle) => {
      this.#pending.set(ticket, { settle, deadlineMs: this.#internals.ports.clock.monotonicMs() + TIMEOUT_MS });
    });
  }

  #notSent(error: unknown): PublishOutcome {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
    if (code === 'MAX_PAYLOAD_EXCEEDED') return failure('MESSAGE_TOO_LARGE', 'over the payload limit of the server');
    if (code === 'CONNECTION_CLOSED' || code === 'CONNECTION_DRAINING') return failure('BUS_DISCONNECTED', code);
    return failure('BUS_REFUSED', code);
  }

  #settle(ticket: number, outcome: PublishOutcome): void {
    const waiting = this.#pending.get(ticket);
    // An answer after its timeout changes nothing: the caller was told that it may have been stored.
    if (waiting === undefined) return;
    this.#pending.delete(ticket);
    waiting.settle(outcome);
  }

  #failAll(): void {
    for (const ticket of [...this.#pending.keys()]) this.#settle(ticket, failure('BUS_DISCONNECTED', 'the connection broke before the answer'));
  }

  #sweep(): Promise<void> {
    const nowMs = this.#internals.ports.clock.monotonicMs();
    // Tickets are in the order of their deadlines.
    for (const [ticket, { deadlineMs }] of this.#pending) {
      if (deadlineMs > nowMs) break;
      this.#settle(ticket, failure('BUS_TIMEOUT', `no answer within ${TIMEOUT_MS} ms`));
    }
    return Promise.resolve();
  }

  /** Every publish is answered, if only by its timeout. */
  async #drained(): Promise<void> {
    while (this.#pending.size > 0) await this.#internals.ports.timers.sleep(5, 'bus.publish_drain');
  }
}

const publishers = new WeakMap<BusConnection, Publisher>();

/** The one publisher of a connection: all its publishes share one inbox. */
export const publisherOf = (connection: BusConnection): Publisher => {
  const existing = publishers.get(connection);
  if (existing !== undefined) return existing;
  const made = new OneInboxPublisher(internalsOf(connection));
  publishers.set(connection, made);
  return made;
};
