import type { Call } from '../grpc/call.ts';
import { GRPC } from '../grpc/call.ts';
import type { NewEvent } from '../log/format.ts';
import type { WriteOutcome } from '../store/group-commit.ts';
import type { Store } from '../store/store.ts';
import { BadRequest, decodeBatchAppend, decodeProposed, encodeBatchError, encodeBatchSuccess, encodeStreamIdentifier, encodeWrongVersionDetail } from '../wire/append-codec.ts';
import type { BatchError, Target } from '../wire/append-codec.ts';
import { positionOf } from '../wire/event-codec.ts';
import { EMPTY, ProtoWriter } from '../wire/proto.ts';
import { APPEND_TOTAL_BYTES_MAX } from './append.ts';
import { APPEND_BYTES_MAX, failureOf, shuttingDown } from './failures.ts';

/** Appends of one stream that have begun but not ended; a client has one or two. */
const UNFINISHED_MAX = 1_000;

interface Unfinished {
  readonly correlation: Buffer;
  readonly target: Target & { readonly deadlineMs: number | undefined };
  readonly events: NewEvent[];
  dataBytes: number;
  bytes: number;
  /** Answered already; the rest of it is dropped. */
  refused: boolean;
}

/** `BatchAppend`: many appends on one stream, each answered exactly once, in the order of the log. */
export class BatchAppendCall {
  private readonly call: Call;
  private readonly store: Store;
  private readonly unfinished = new Map<string, Unfinished>();
  private pending = 0;
  private frames: Buffer[] = [];
  /** Set when the call is to end after the last pending answer. */
  private ending: 'ok' | 'cancelled' | undefined;

  constructor(call: Call, store: Store, onOver: (call: BatchAppendCall) => void) {
    this.call = call;
    this.store = store;
    call.sendHeaders();
    call.onMessage = (message) => this.receive(message);
    call.onEnd = () => this.endWhenAnswered('ok');
    call.onOver(() => onOver(this));
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
    if (this.ending === undefined || this.pending > 0) return;
    this.flush();
    if (this.ending === 'ok') this.call.end();
    else this.call.fail({ ...shuttingDown(), code: GRPC.CANCELLED });
  }

  private receive(message: Buffer): void {
    if (this.ending === 'cancelled') return;
    try {
      this.accept(message);
    } catch (error) {
      // Without a correlation or options there is nobody to answer: the whole call is not understood.
      this.call.fail(failureOf(error));
    }
  }

  private accept(message: Buffer): void {
    const request = decodeBatchAppend(message);
    const key = request.correlation.toString('latin1');
    let append = this.unfinished.get(key);
    if (append === undefined) {
      if (request.options === undefined) throw new BadRequest('a batch append begins without options');
      append = { correlation: request.correlation, target: request.options, events: [], dataBytes: 0, bytes: 0, refused: false };
      if (!request.isFinal) {
        if (this.unfinished.size >= UNFINISHED_MAX) throw new BadRequest(`more than ${UNFINISHED_MAX} appends are unfinished`);
        this.unfinished.set(key, append);
      }
    }
    this.collect(append, request.messages);
    if (!request.isFinal) return;
    this.unfinished.delete(key);
    if (!append.refused) this.submit(append);
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
      const { message } = failureOf(error);
      this.refuse(append, { code: GRPC.INVALID_ARGUMENT, message, type: 'Unknown', detail: EMPTY });
      return;
    }
    if (append.dataBytes <= APPEND_BYTES_MAX && append.bytes <= APPEND_TOTAL_BYTES_MAX) return;
    this.refuse(append, {
      code: GRPC.INVALID_ARGUMENT,
      message: `Maximum Append Size of ${APPEND_BYTES_MAX} Exceeded.`,
      type: 'MaximumAppendSizeExceeded',
      detail: new ProtoWriter().uint(1, APPEND_BYTES_MAX).finish(),
    });
  }

  private refuse(append: Unfinished, error: BatchError): void {
    append.refused = true;
    append.events.length = 0;
    this.reply(encodeBatchError(append.correlation, append.target, error));
  }

  private submit({ correlation, target, events, bytes }: Unfinished): void {
    this.pending++;
    this.store.submit({
      kind: 'append',
      name: target.name,
      expected: target.expected,
      events,
      bytes,
      queuedAtMs: performance.now(),
      ...(target.deadlineMs !== undefined && { deadlineMs: target.deadlineMs }),
      done: (outcome) => {
        this.pending--;
        if (outcome.kind === 'ok') {
          this.reply(encodeBatchSuccess(correlation, target, outcome.revision, outcome.event === undefined ? undefined : positionOf(outcome.event)));
        } else this.reply(encodeBatchError(correlation, target, batchError(target, outcome)));
        if (this.ending !== undefined) this.endIfDone();
      },
    });
    if (!this.store.isCrowded()) return;
    this.call.pause();
    this.store.onRelief(() => this.call.resume());
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
    this.call.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  }
}

function batchError(target: Target, outcome: Exclude<WriteOutcome, { kind: 'ok' }>): BatchError {
  switch (outcome.kind) {
    case 'wrong_version': {
      const detail = encodeWrongVersionDetail(outcome.current, target.expected);
      return { code: GRPC.FAILED_PRECONDITION, message: 'WrongExpectedVersion', type: 'WrongExpectedVersion', detail };
    }
    case 'deleted': {
      const detail = new ProtoWriter().message(1, encodeStreamIdentifier(target.name)).finish();
      return { code: GRPC.FAILED_PRECONDITION, message: 'StreamDeleted', type: 'StreamDeleted', detail };
    }
    case 'timeout':
      return { code: GRPC.DEADLINE_EXCEEDED, message: 'Timeout', type: 'Timeout', detail: EMPTY };
    case 'unavailable':
      return { code: GRPC.UNAVAILABLE, message: outcome.detail, type: 'Unknown', detail: EMPTY };
    case 'failed':
      return { code: GRPC.INTERNAL, message: outcome.detail, type: 'Unknown', detail: EMPTY };
  }
}
