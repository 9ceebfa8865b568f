import type { Call } from '../grpc/call.ts';
import { GRPC } from '../grpc/call.ts';
import type { NewEvent } from '../log/format.ts';
import {
  BadRequest, decodeBatchAppend, decodeOptions, decodeOptionsName, decodeProposed, encodeBatchError, encodeBatchSuccess,
} from '../wire/append-codec.ts';
import type { BatchAppendRequest, BatchError, Target } from '../wire/append-codec.ts';
import { positionOf } from '../wire/event-codec.ts';
import { APPEND_TOTAL_BYTES_MAX } from './append.ts';
import { BATCH_DENIED, BATCH_TIMEOUT, BATCH_TOO_LARGE, batchBadRequest, batchError, batchRefusal } from './batch-errors.ts';
import { APPEND_BYTES_MAX, failureOf, shuttingDown } from './failures.ts';
import { accessDenied } from './write-context.ts';
import type { WriteContext } from './write-context.ts';
import { isTruncating } from './write-rules.ts';

/** Appends of one stream that have begun but not ended; a client has one or two. */
const UNFINISHED_MAX = 1_000;
/** What they may hold together: several of the largest. */
const UNFINISHED_BYTES_MAX = 64 * 1024 * 1024;
/** How often unfinished appends are looked at for the client's own deadline: as often as the real server does. */
const LATE_LOOK_MS = 1_000;
/** Answers the client has not taken, above which no more of its appends are: some ten thousand. */
const ANSWERED_BYTES_HIGH = 1024 * 1024;

interface Unfinished {
  readonly correlation: Buffer;
  readonly target: Target;
  /** Wall clock: the client's deadline, or infinity. */
  readonly untilMs: number;
  /** Must its events be looked at for what they hide. */
  readonly isGuarded: boolean;
  readonly events: NewEvent[];
  dataBytes: number;
  bytes: number;
  /** Answered already; the rest of it is dropped. */
  refused: boolean;
}

/** `BatchAppend`: many appends on one stream, each correlation id answered exactly once, in the order of the log. */
export class BatchAppendCall {
  private readonly call: Call;
  private readonly context: WriteContext;
  private readonly unfinished = new Map<string, Unfinished>();
  private unfinishedBytes = 0;
  private lateLook: NodeJS.Timeout | undefined;
  /** Correlation ids handed to the store and not answered yet. */
  private readonly pending = new Set<string>();
  private frames: Buffer[] = [];
  /** Set when the call is to end after the last pending answer. */
  private ending: 'ok' | 'cancelled' | undefined;

  constructor(call: Call, context: WriteContext, onOver: (call: BatchAppendCall) => void) {
    this.call = call;
    this.context = context;
    call.sendHeaders();
    call.onMessage = (message) => this.receive(message);
    call.onEnd = () => this.endWhenAnswered('ok');
    call.onOver(() => {
      clearTimeout(this.lateLook);
      onOver(this);
    });
  }

  /**
   * The server stops: nothing more is taken, what is pending is answered first. The client hangs for ever on a clean end,
   * so it gets a status, the one the real server ends these calls with.
   */
  shutDown(): void {
    this.endWhenAnswered('cancelled');
  }

  private endWhenAnswered(how: 'ok' | 'cancelled'): void {
    this.ending ??= how;
    this.endIfDone();
  }

  private endIfDone(): void {
    if (this.ending === undefined || this.pending.size > 0) return;
    this.flush();
    if (this.ending === 'ok') this.call.end();
    else this.call.fail({ ...shuttingDown(), code: GRPC.CANCELLED });
  }

  private receive(message: Buffer): void {
    if (this.ending === 'cancelled') return;
    try {
      this.accept(decodeBatchAppend(message));
    } catch (error) {
      // There is nobody to answer: the whole call is not understood.
      this.call.fail(failureOf(error));
    }
  }

  private accept(request: BatchAppendRequest): void {
    const key = request.correlation.toString('latin1');
    // Sent again while the first is under way: the one answer is for both.
    if (this.pending.has(key)) return;
    let append = this.unfinished.get(key);
    const nowMs = Date.now();
    if (append === undefined) {
      // The rest of something that was answered or never begun: dropped, as the real server does.
      if (request.options === undefined) return;
      append = this.begin(request.correlation, request.options, nowMs);
      if (append === undefined) return;
      if (!request.isFinal) {
        if (this.unfinished.size >= UNFINISHED_MAX) throw new BadRequest(`more than ${UNFINISHED_MAX} appends are unfinished`);
        this.unfinished.set(key, append);
        this.lookForLate();
      }
    } else this.unfinishedBytes -= append.bytes;
    this.collect(append, request.messages);
    if (request.isFinal) {
      this.unfinished.delete(key);
      if (!append.refused) this.submit(append, key, append.untilMs - nowMs);
      return;
    }
    if (this.unfinishedBytes + append.bytes > UNFINISHED_BYTES_MAX) this.refuse(append, batchRefusal(GRPC.UNAVAILABLE, 'too many bytes of unfinished appends'));
    this.unfinishedBytes += append.bytes;
  }

  /** Undefined when the options cannot be understood, which is answered. */
  private begin(correlation: Buffer, encoded: Buffer, nowMs: number): Unfinished | undefined {
    const { rules } = this.context;
    const { caller } = this.call;
    let options;
    try {
      options = decodeOptions(encoded);
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      this.reply(encodeBatchError(correlation, decodeOptionsName(encoded), batchBadRequest(error.message)));
      return undefined;
    }
    const untilMs = options.deadlineMs ?? Infinity;
    const append: Unfinished = {
      correlation, target: options, untilMs, isGuarded: rules.guardsMetadata(caller, options.name), events: [], dataBytes: 0, bytes: 0, refused: false,
    };
    if (!rules.mayAppend(caller, options.name)) this.deny(append);
    else if (untilMs <= nowMs) this.refuse(append, BATCH_TIMEOUT);
    return append;
  }

  private collect(append: Unfinished, messages: readonly Buffer[]): void {
    if (append.refused) return;
    try {
      for (const message of messages) {
        const event = decodeProposed(message);
        append.events.push(event);
        append.dataBytes += event.data.length;
        append.bytes += message.length;
      }
    } catch (error) {
      this.refuse(append, batchBadRequest(failureOf(error).message));
      return;
    }
    if (append.isGuarded && append.events.some((event) => isTruncating(event.data))) this.deny(append);
    else if (append.dataBytes > APPEND_BYTES_MAX || append.bytes > APPEND_TOTAL_BYTES_MAX) this.refuse(append, BATCH_TOO_LARGE);
  }

  private deny(append: Unfinished): void {
    accessDenied(this.context, this.call, append.target.name);
    this.refuse(append, BATCH_DENIED);
  }

  private refuse(append: Unfinished, error: BatchError): void {
    if (append.refused) return;
    append.refused = true;
    append.events.length = 0;
    append.bytes = 0;
    this.reply(encodeBatchError(append.correlation, append.target.name, error));
  }

  private submit({ correlation, target, events, bytes }: Unfinished, key: string, leftMs: number): void {
    const { store, writeTimeoutMs } = this.context;
    this.pending.add(key);
    store.submit({
      kind: 'append',
      name: target.name,
      expected: target.expected,
      events,
      bytes,
      queuedAtMs: performance.now(),
      limitMs: Math.min(writeTimeoutMs, leftMs),
      done: (outcome) => {
        this.pending.delete(key);
        if (outcome.kind === 'ok') {
          this.reply(encodeBatchSuccess(correlation, target.name, outcome.revision, outcome.event === undefined ? undefined : positionOf(outcome.event)));
        } else this.reply(encodeBatchError(correlation, target.name, batchError(target, outcome)));
        if (this.ending !== undefined) this.endIfDone();
      },
    });
    if (!store.isCrowded()) return;
    this.call.pause();
    store.onRelief(() => this.call.resume());
  }

  /** An append whose rest never comes is answered all the same. */
  private lookForLate(): void {
    this.lateLook ??= setTimeout(() => {
      this.lateLook = undefined;
      const nowMs = Date.now();
      for (const append of this.unfinished.values()) {
        if (append.refused || append.untilMs > nowMs) continue;
        this.unfinishedBytes -= append.bytes;
        this.refuse(append, BATCH_TIMEOUT);
      }
      if (this.unfinished.size > 0) this.lookForLate();
    }, LATE_LOOK_MS).unref();
  }

  /** Answers of one group leave in one write. */
  private reply(frame: Buffer): void {
    this.frames.push(frame);
    if (this.frames.length === 1) queueMicrotask(() => this.flush());
  }

  private flush(): void {
    if (this.frames.length === 0) return;
    const frames = this.frames;
    this.frames = [];
    if (this.call.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames)) || this.call.bufferedBytes < ANSWERED_BYTES_HIGH) return;
    // A client that does not read its answers sends no more: they would have to be kept.
    this.call.pause();
    void this.call.drained().then(() => this.call.resume());
  }
}
