import { describe, expect, it } from '@jest/globals';
import { parseMetadata, withTruncateBefore } from './metadata.ts';

const parse = (text: string): ReturnType<typeof parseMetadata> => parseMetadata(Buffer.from(text));
const ranges = (text: string): Omit<ReturnType<typeof parseMetadata>, 'raw'> => {
  const { raw: _raw, ...rest } = parse(text);
  return rest;
};
const NOTHING = { softDeleted: false };

describe('stream metadata', () => {
  it('takes whole numbers that mean something and leaves the others out', () => {
    expect(ranges('{"$maxCount":2,"$maxAge":60,"$tb":3,"other":[1]}')).toEqual({ maxCount: 2, maxAgeSeconds: 60, truncateBefore: 3, softDeleted: false });
    expect(ranges('{"$maxCount":0,"$maxAge":-1,"$tb":-1}')).toEqual(NOTHING);
  });

  it.each([
    '{"$maxCount":"2","$tb":3}', '{"$maxCount":1.5,"$tb":3}', '{"$maxCount":2.0,"$tb":3}', '{"$maxCount":null,"$tb":3}', '{"$maxAge":922337203686,"$tb":3}',
    '{"$cacheControl":"1","$tb":3}', '{"$tmp":1,"$tb":3}', '{"$acl":null,"$tb":3}', '{"$acl":{"$r":1},"$tb":3}', '{"$acl":{"who":"x"},"$tb":3}', '{"$tb":9223372036854775808}',
    '[]', '7', 'null', 'not json', '',
  ])('says nothing at all when one known field is not of its type: %s', (text) => {
    expect(ranges(text)).toEqual(NOTHING);
  });

  it('takes access lists of one role or several', () => {
    expect(ranges('{"$acl":{"$r":"a","$w":["a","b"]},"$tb":3}')).toEqual({ truncateBefore: 3, softDeleted: false });
  });

  it('knows a deleted stream by the largest number there is, and no other', () => {
    expect(parse('{"$tb":9223372036854775807}').softDeleted).toBe(true);
    expect(ranges('{"$tb":9223372036854775806}')).toMatchObject({ softDeleted: false, truncateBefore: 2 ** 63 });
  });

  it('is written back with one field changed and every number as it was', () => {
    expect(String(withTruncateBefore(parse('{"big":12345678901234567890,"$tb":9223372036854775807,"f":2.0}'), 7))).toBe('{"big":12345678901234567890,"$tb":7,"f":2.0}');
    expect(withTruncateBefore(parse('[]'), 7)).toBeUndefined();
  });
});
