import type { Call, Failure } from '../grpc/call.ts';
import { GRPC } from '../grpc/call.ts';
import type { NewEvent } from '../log/format.ts';
import type { WriteOutcome } from '../store/write-queue.ts';
import {
  BadRequest, decodeOptions, decodeProposed, encodeAppendSuccess, encodeAppendWrongVersion, encodeDeleteResponse,
} from '../wire/append-codec.ts';
import type { Target } from '../wire/append-codec.ts';
import { positionOf } from '../wire/event-codec.ts';
import { EMPTY, ProtoReader } from '../wire/proto.ts';
import { APPEND_BYTES_MAX, appendTooLarge, failureOf, streamDeleted, wrongVersion } from './failures.ts';
import { accessDenied, callTimeoutMs } from './write-context.ts';
import type { WriteContext } from './write-context.ts';
import { isTruncating } from './write-rules.ts';

/** Bytes of everything in one append, metadata and types too: below what a record may have. */
export const APPEND_TOTAL_BYTES_MAX = 17 * 1024 * 1024;

/** `Append`: options, then events, one answer when the client has ended. */
export function appendHandler(context: WriteContext): (call: Call) => void {
  const { store, rules } = context;
  return (call) => {
    const untilMs = performance.now() + callTimeoutMs(call);
    let target: Target | undefined;
    let isGuarded = false;
    const events: NewEvent[] = [];
    let dataBytes = 0;
    let bytes = 0;
    call.onMessage = (message) => {
      let isDenied = false;
      try {
        const reader = new ProtoReader(message);
        for (let field = reader.next(); field !== 0; field = reader.next()) {
          if (field === 1) {
            // Once and first: events are looked at by the stream they are for.
            if (target !== undefined) throw new BadRequest('the append has options twice');
            target = decodeOptions(reader.bytes());
            isDenied = !rules.mayAppend(call.caller, target.name);
            isGuarded = rules.guardsMetadata(call.caller, target.name);
          } else if (field === 2) {
            if (target === undefined) throw new BadRequest('the append begins without options');
            const event = decodeProposed(reader.bytes());
            dataBytes += event.data.length;
            bytes += message.length;
            events.push(event);
            isDenied ||= isGuarded && isTruncating(event.data);
          } else reader.skip();
        }
      } catch (error) {
        call.fail(failureOf(error));
        return;
      }
      if (isDenied) call.fail(accessDenied(context, call, target?.name ?? EMPTY));
      else if (dataBytes > APPEND_BYTES_MAX || bytes > APPEND_TOTAL_BYTES_MAX) call.fail(appendTooLarge());
    };
    call.onEnd = () => {
      if (target === undefined) {
        call.fail(failureOf(new BadRequest('the append has no options')));
        return;
      }
      const { name, expected } = target;
      const queuedAtMs = performance.now();
      store.submit({
        kind: 'append', name, expected, events, bytes, queuedAtMs, limitMs: Math.min(context.writeTimeoutMs, untilMs - queuedAtMs),
        done: (outcome) => {
          if (outcome.kind === 'ok') call.end(encodeAppendSuccess(outcome.revision, outcome.event === undefined ? undefined : positionOf(outcome.event)));
          else if (outcome.kind === 'wrong_version') call.end(encodeAppendWrongVersion(outcome.current, expected));
          else call.fail(outcomeFailure(name, outcome));
        },
      });
    };
  };
}

/** `Delete` (the stream may be written again) and `Tombstone` (it may not). */
export function deleteHandler(context: WriteContext, kind: 'soft_delete' | 'tombstone'): (call: Call, request: Buffer) => void {
  return (call, request) => {
    const reader = new ProtoReader(request);
    let options: Buffer = EMPTY;
    for (let field = reader.next(); field !== 0; field = reader.next()) {
      if (field === 1) options = reader.bytes();
      else reader.skip();
    }
    const { name, expected } = decodeOptions(options);
    if (!context.rules.mayDelete(call.caller, name)) {
      call.fail(accessDenied(context, call, name));
      return;
    }
    context.store.submit({
      kind, name, expected, events: [], bytes: request.length, queuedAtMs: performance.now(), limitMs: Math.min(context.writeTimeoutMs, callTimeoutMs(call)),
      done: (outcome) => {
        if (outcome.kind === 'ok') call.end(encodeDeleteResponse(outcome.event === undefined ? undefined : positionOf(outcome.event)));
        else if (outcome.kind === 'wrong_version') call.fail(wrongVersion(name, expected, outcome.current));
        else call.fail(outcomeFailure(name, outcome));
      },
    });
  };
}

function outcomeFailure(name: Buffer, outcome: Exclude<WriteOutcome, { kind: 'ok' | 'wrong_version' }>): Failure {
  if (outcome.kind === 'deleted') return streamDeleted(name);
  // ABORTED is how the real server says that a write timed out; the client shows it as a timeout.
  if (outcome.kind === 'timeout') return { code: GRPC.ABORTED, message: `Operation timed out: ${outcome.isWritten ? 'Commit' : 'Prepare'} phase timeout.` };
  return { code: outcome.kind === 'unavailable' ? GRPC.UNAVAILABLE : GRPC.INTERNAL, message: outcome.detail };
}
