import type { Call } from '../grpc/call.ts';
import { GRPC } from '../grpc/call.ts';
import type { NewEvent } from '../log/format.ts';
import type { WriteOutcome } from '../store/group-commit.ts';
import type { Store } from '../store/store.ts';
import {
  BadRequest, decodeOptions, decodeProposed, encodeAppendSuccess, encodeAppendWrongVersion, encodeDeleteResponse,
} from '../wire/append-codec.ts';
import type { Target } from '../wire/append-codec.ts';
import { positionOf } from '../wire/event-codec.ts';
import { EMPTY, ProtoReader } from '../wire/proto.ts';
import { APPEND_BYTES_MAX, appendTooLarge, failureOf, streamDeleted, wrongVersion } from './failures.ts';
import type { Failure } from '../grpc/call.ts';

/** Bytes of everything in one append, metadata and types too: below what a record may have. */
export const APPEND_TOTAL_BYTES_MAX = 17 * 1024 * 1024;

/** `Append`: options, then events, one answer when the client has ended. */
export function appendHandler(store: Store): (call: Call) => void {
  return (call) => {
    let target: Target | undefined;
    const events: NewEvent[] = [];
    let dataBytes = 0;
    let bytes = 0;
    call.onMessage = (message) => {
      try {
        const reader = new ProtoReader(message);
        for (let field = reader.next(); field !== 0; field = reader.next()) {
          if (field === 1) target = decodeOptions(reader.bytes());
          else if (field === 2) {
            const event = decodeProposed(reader.bytes());
            dataBytes += event.data.length;
            bytes += message.length;
            events.push(event);
          } else reader.skip();
        }
      } catch (error) {
        call.fail(failureOf(error));
        return;
      }
      if (dataBytes > APPEND_BYTES_MAX || bytes > APPEND_TOTAL_BYTES_MAX) call.fail(appendTooLarge());
    };
    call.onEnd = () => {
      if (target === undefined) {
        call.fail(failureOf(new BadRequest('the append has no options')));
        return;
      }
      const { name, expected } = target;
      store.submit({
        kind: 'append', name, expected, events, bytes, queuedAtMs: performance.now(), ...deadlineOf(call),
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
export function deleteHandler(store: Store, kind: 'soft_delete' | 'tombstone'): (call: Call, request: Buffer) => void {
  return (call, request) => {
    const reader = new ProtoReader(request);
    let options: Buffer = EMPTY;
    for (let field = reader.next(); field !== 0; field = reader.next()) {
      if (field === 1) options = reader.bytes();
      else reader.skip();
    }
    const { name, expected } = decodeOptions(options);
    store.submit({
      kind, name, expected, events: [], bytes: request.length, queuedAtMs: performance.now(), ...deadlineOf(call),
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
  if (outcome.kind === 'timeout') return { code: GRPC.ABORTED, message: 'Operation timed out: the deadline passed before the write began' };
  return { code: outcome.kind === 'unavailable' ? GRPC.UNAVAILABLE : GRPC.INTERNAL, message: outcome.detail };
}

const TIMEOUT_UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };

/** The call's deadline from its `grpc-timeout` header. */
function deadlineOf(call: Call): { readonly deadlineMs?: number } {
  const header = call.headers['grpc-timeout'];
  const match = typeof header === 'string' ? /^(\d{1,8})([HMSmun])$/.exec(header) : null;
  if (match === null) return {};
  return { deadlineMs: Date.now() + Number(match[1]) * TIMEOUT_UNITS_MS[match[2]!]! };
}
