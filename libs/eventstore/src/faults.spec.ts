import { AccessDeniedError, UnavailableError, WrongExpectedVersionError } from '@eventstore/db-client';
import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { faultOf } from './faults.ts';

const raw = (code: number, exception?: string): Error => {
  const metadata = new Metadata();
  if (exception !== undefined) metadata.set('exception', exception);
  return Object.assign(new Error(`${code} said`), { code, details: 'said', metadata });
};

describe('faults of the store', () => {
  it.each([
    ['a client error goes by its type', new UnavailableError(), 'transport', 'unavailable'],
    ['a refusal of the client', new AccessDeniedError(), 'refused', 'access-denied'],
    ['a raw error goes by the exception the server named', raw(status.FAILED_PRECONDITION, 'stream-deleted'), 'refused', 'stream-deleted'],
    ['a refusal for a reason of a later version goes by its code', raw(status.INVALID_ARGUMENT, 'maximum-append-event-size-exceeded'), 'refused', 'maximum-append-event-size-exceeded'],
    ['a follower names the leader', raw(status.NOT_FOUND, 'not-leader'), 'not_leader', 'not-leader'],
    ['a raw error without one goes by its code', raw(status.UNAUTHENTICATED), 'refused', 'UNAUTHENTICATED'],
    ['a slow consumer is dropped', raw(status.ABORTED), 'transport', 'ABORTED'],
    ['a broken connection', raw(status.UNAVAILABLE), 'transport', 'UNAVAILABLE'],
    ['a plain error', new Error('Channel has been shut down'), 'transport', 'unknown'],
    ['an error with a text for a code', Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'transport', 'ECONNRESET'],
    ['no error at all', undefined, 'transport', 'unknown'],
  ])('%s', (_what, error, kind, key) => {
    expect(faultOf(error)).toMatchObject({ kind, key });
  });

  it('keeps the type of a wrong revision', () => {
    const error = new WrongExpectedVersionError(null as never, { streamName: 's', current: 1n, expected: 0n });
    expect(faultOf(error).key).toBe('wrong-expected-version');
  });
});
