import { GRPC } from '../grpc/call.ts';
import type { WriteOutcome } from '../store/write-queue.ts';
import { encodeStreamIdentifier, encodeWrongVersionDetail } from '../wire/append-codec.ts';
import type { BatchError, Target } from '../wire/append-codec.ts';
import { EMPTY, ProtoWriter } from '../wire/proto.ts';
import { APPEND_BYTES_MAX } from './failures.ts';

/** Codes and messages are the real server's; clients go by the type of the detail. */
export const BATCH_TIMEOUT: BatchError = { code: GRPC.DEADLINE_EXCEEDED, message: 'Timeout', type: 'Timeout', detail: EMPTY };
export const BATCH_DENIED: BatchError = { code: GRPC.PERMISSION_DENIED, message: 'AccessDenied', type: 'AccessDenied', detail: EMPTY };
export const BATCH_TOO_LARGE: BatchError = {
  code: GRPC.INVALID_ARGUMENT,
  message: 'MaximumAppendSizeExceeded',
  type: 'MaximumAppendSizeExceeded',
  detail: new ProtoWriter().uint(1, APPEND_BYTES_MAX).finish(),
};

/** A request that cannot be understood; which it is stands in the detail. */
export function batchBadRequest(message: string): BatchError {
  return { code: GRPC.INVALID_ARGUMENT, message: 'BadRequest', type: 'BadRequest', detail: new ProtoWriter().string(1, message).finish() };
}

/** What clients have no type for. */
export function batchRefusal(code: number, message: string): BatchError {
  return { code, message, type: 'Unknown', detail: EMPTY };
}

export function batchError(target: Target, outcome: Exclude<WriteOutcome, { kind: 'ok' }>): BatchError {
  switch (outcome.kind) {
    case 'wrong_version': {
      const detail = encodeWrongVersionDetail(outcome.current, target.expected);
      return { code: GRPC.ALREADY_EXISTS, message: 'WrongExpectedVersion', type: 'WrongExpectedVersion', detail };
    }
    case 'deleted': {
      const detail = new ProtoWriter().message(1, encodeStreamIdentifier(target.name)).finish();
      return { code: GRPC.NOT_FOUND, message: 'StreamDeleted', type: 'StreamDeleted', detail };
    }
    case 'timeout':
      return BATCH_TIMEOUT;
    case 'unavailable':
      return batchRefusal(GRPC.UNAVAILABLE, outcome.detail);
    case 'failed':
      return batchRefusal(GRPC.INTERNAL, outcome.detail);
  }
}
