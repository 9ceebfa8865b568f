import { StoreError, errorText } from '../errors.ts';
import { GRPC, trailerText } from '../grpc/call.ts';
import type { Failure } from '../grpc/call.ts';
import type { Expected } from '../store/decide.ts';
import { BadRequest } from '../wire/append-codec.ts';

/** The real server's default, for the data of all events of one append. */
export const APPEND_BYTES_MAX = 1_048_576;

const EXPECTED_NUMBERS = { any: '-2', no_stream: '-1', stream_exists: '-4' };

export function streamDeleted(name: Buffer): Failure {
  const text = name.toString('utf8');
  return {
    code: GRPC.FAILED_PRECONDITION,
    message: `Event stream '${text}' is deleted.`,
    trailers: { exception: 'stream-deleted', 'stream-name': trailerText(text) },
  };
}

/** As `Delete` and `Tombstone` say it; appends say it in their body. */
export function wrongVersion(name: Buffer, expected: Expected, current: number): Failure {
  const text = name.toString('utf8');
  const number = expected.kind === 'exact' ? String(expected.revision) : EXPECTED_NUMBERS[expected.kind];
  return {
    code: GRPC.FAILED_PRECONDITION,
    message: `Delete failed due to WrongExpectedVersion. Stream: ${text}, Expected version: ${number}, Actual version: ${current}`,
    trailers: {
      exception: 'wrong-expected-version',
      'stream-name': trailerText(text),
      'expected-version': number,
      'actual-version': String(current),
    },
  };
}

export function appendTooLarge(): Failure {
  return {
    code: GRPC.INVALID_ARGUMENT,
    message: `Maximum Append Size of ${APPEND_BYTES_MAX} Exceeded.`,
    trailers: { exception: 'maximum-append-size-exceeded', 'maximum-append-size': String(APPEND_BYTES_MAX) },
  };
}

export function shuttingDown(): Failure {
  return { code: GRPC.UNAVAILABLE, message: 'the server is shutting down' };
}

/** What a thrown error says to the client. */
export function failureOf(error: unknown): Failure {
  if (error instanceof BadRequest) {
    return {
      code: GRPC.INVALID_ARGUMENT,
      message: error.message,
      ...(error.missing.length > 0 && {
        trailers: { exception: 'missing-required-metadata-property', 'required-metadata-properties': error.missing.join(',') },
      }),
    };
  }
  if (error instanceof StoreError) return { code: GRPC.DATA_LOSS, message: `${error.code}: ${error.message}` };
  return { code: GRPC.INTERNAL, message: errorText(error) };
}
