import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue } from '@tallystick/ports';
import { MESSAGE_BYTES_MAX, readJson, stringMember, writeJson } from './json.ts';

describe('a message body', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10, noUnicodeString: false }), (value) => {
        const written = writeJson(value as JsonValue);
        const read = readJson(written);
        expect(read.ok && JSON.stringify(read.value)).toBe(written.toString());
      }),
    );
  });

  it('is never a throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof readJson(bytes).ok).toBe('boolean');
      }),
    );
  });

  it('may nest 16 levels and be 64 KiB, and no more', () => {
    const nested = (levels: number): Buffer => Buffer.from('['.repeat(levels) + ']'.repeat(levels));
    expect(readJson(nested(16)).ok).toBe(true);
    expect(readJson(nested(17))).toMatchObject({ ok: false, code: 'JSON_TOO_DEEP' });
    expect(readJson(writeJson('x'.repeat(MESSAGE_BYTES_MAX - 2))).ok).toBe(true);
    expect(readJson(writeJson('x'.repeat(MESSAGE_BYTES_MAX - 1)))).toMatchObject({ ok: false, code: 'MESSAGE_TOO_LARGE' });
  });

  it('may hold any number of brackets in its strings', () => {
    expect(readJson(writeJson({ reason: `\\"${'[{'.repeat(500)}` })).ok).toBe(true);
  });

  it('has members of its own only', () => {
    expect(stringMember({ a: 'x' }, 'a')).toBe('x');
    expect(stringMember({ a: 1 }, 'a')).toBeUndefined();
    expect(stringMember({}, 'toString')).toBeUndefined();
    expect(stringMember(['a'], 'length')).toBeUndefined();
    expect(stringMember(null, 'a')).toBeUndefined();
  });
});
