import { describe, expect, it } from '@jest/globals';
import { BadRequest, decodeOptions, decodeOptionsName, decodeProposed } from './append-codec.ts';
import { ProtoWriter } from './proto.ts';

const identifier = new ProtoWriter().string(3, 'orders');
const options = (): ProtoWriter => new ProtoWriter().message(1, identifier);
/** Field 2 with a varint of 64 bits. */
const revisionOf = (bytes: readonly number[]): Buffer => Buffer.concat([options().finish(), Buffer.from([0x10, ...bytes])]);

function event({ id = '00000000-0000-4000-8000-000000000001', type = 'Happened' }: { id?: string; type?: string } = {}): Buffer {
  return new ProtoWriter()
    .message(1, new ProtoWriter().string(2, id))
    .message(2, new ProtoWriter().string(1, 'type').string(2, type))
    .message(2, new ProtoWriter().string(1, 'content-type').string(2, 'application/json'))
    .finish();
}

describe('the options of a write', () => {
  it('must say what is expected: nothing is guessed', () => {
    expect(() => decodeOptions(options().finish())).toThrow(BadRequest);
    expect(decodeOptions(options().empty(4).finish()).expected).toEqual({ kind: 'any' });
    expect(decodeOptions(options().uint(2, 7).finish()).expected).toEqual({ kind: 'exact', revision: 7 });
  });

  it('take no revision beyond 63 bits', () => {
    const most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    expect(decodeOptions(revisionOf([...most, 0x7f])).expected).toMatchObject({ kind: 'exact' });
    expect(() => decodeOptions(revisionOf([...most, 0xff, 0x01]))).toThrow(BadRequest);
  });

  it('give the name of the stream even when all else is wrong', () => {
    expect(String(decodeOptionsName(options().finish()))).toBe('orders');
    expect(String(decodeOptionsName(Buffer.alloc(0)))).toBe('');
  });
});

describe('an event to be written', () => {
  it('must have an id and a type', () => {
    expect(String(decodeProposed(event()).type)).toBe('Happened');
    expect(() => decodeProposed(event({ id: '00000000-0000-0000-0000-000000000000' }))).toThrow(BadRequest);
    expect(() => decodeProposed(event({ type: '' }))).toThrow(BadRequest);
  });
});
