import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { base32, canonicalJson as spelled, canonicalRawJson as spelledRaw, hashOf, uuidOf } from './canonical.ts';
import { tagged } from './spelling.ts';

const canonicalJson = (value: unknown): string => spelled(value).toString();
const canonicalRawJson = (value: unknown): string => spelledRaw(value).toString();
const taggedText = (domain: string, parts: readonly string[]): string => tagged([domain, ...parts]).toString('latin1');

const integers = fc.maxSafeInteger();
const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, fc.string({ unit: 'binary' }), integers, fc.boolean(), fc.constant(null), fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 })),
})).value;

/** The same value with the members of every object in another order. */
const turned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([key, member]) => [key, turned(member)]));
};

describe('canonical JSON', () => {
  it('is the same in whatever order members come', () => {
    fc.assert(fc.property(json, (value) => canonicalJson(turned(value)) === canonicalJson(value)));
  });

  it('is JSON of the same value', () => {
    // A member named __proto__ is one that JSON.parse makes and an object literal does not: compared as text.
    fc.assert(fc.property(json, (value) => canonicalJson(JSON.parse(canonicalJson(value))) === canonicalJson(value)));
    fc.assert(fc.property(json, (value) => expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))));
  });

  it('is another text for another value', () => {
    const values = [null, true, false, 0, 1, -1, '', '0', 'null', '1', [], [[]], [null], {}, { a: null }, { a: 1 }, { a: '1' }, { 'a:1': 1 }, { a: { b: 1 } }, { a: [1] }, [1, 2], [12], ['1,2'], { a: 1, b: 2 }, { 'a":1,"b': 2 }];
    expect(new Set(values.map(canonicalJson)).size).toBe(values.length);
    fc.assert(fc.property(json, json, (a, b) => {
      fc.pre(JSON.stringify(turned(a)) !== JSON.stringify(turned(b)) && JSON.stringify(a) !== JSON.stringify(b));
      // Equal texts only where the values are the same but for the order of members.
      return canonicalJson(a) !== canonicalJson(b) || canonicalJson(turned(JSON.parse(JSON.stringify(a)))) === canonicalJson(b);
    }));
  });

  it('leaves out what JSON leaves out, so that a hash taken before is that of what is read back', () => {
    const value = { a: undefined, b: [1, undefined], c: { d: undefined } };
    expect(canonicalJson(value)).toBe('{"b":[1,null],"c":{}}');
    expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value));
  });

  it('sorts members by code unit, not by locale', () => {
    expect(canonicalJson({ b: 1, a: 2, B: 3, é: 4, '10': 5, '9': 6 })).toBe('{"10":5,"9":6,"B":3,"a":2,"b":1,"é":4}');
  });

  it.each([1.5, Number.NaN, Infinity, 2 ** 53, () => 1, 1n, Symbol('x'), new Date(0)])('refuses %p', (value) => {
    expect(() => canonicalJson({ value })).toThrow(/canonical JSON/);
  });
});

describe('canonical JSON of what others wrote', () => {
  it('takes every number JSON can hold, and spells it as it is read back', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => canonicalRawJson(JSON.parse(JSON.stringify(value))) === canonicalRawJson(JSON.parse(canonicalRawJson(value)))));
    expect(canonicalRawJson([1.5, -0, 1e21, 0.1, 12345678901234567890])).toBe('[1.5,0,1e+21,0.1,12345678901234567000]');
  });

  it('is the strict one where that has an answer', () => {
    fc.assert(fc.property(json, (value) => canonicalRawJson(value) === canonicalJson(value)));
  });

  it.each([Number.NaN, Infinity, -Infinity])('refuses %p', (value) => {
    expect(() => canonicalRawJson({ value })).toThrow(RangeError);
  });
});

describe('hashes', () => {
  it('are of length-prefixed parts: no two lists of parts spell the same text', () => {
    const lists = [['a', 'b'], ['ab', ''], ['', 'ab'], ['ab'], ['a', 'b', ''], ['a:1', 'b'], ['1:a1:b'], ['é'], ['e', '\u0301']];
    expect(new Set(lists.map((parts) => taggedText('d', parts))).size).toBe(lists.length);
    fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.string({ unit: 'binary' })), (a, b) => (taggedText('d', a) === taggedText('d', b)) === (JSON.stringify(a) === JSON.stringify(b))));
  });

  it('keep kinds apart', () => {
    expect(hashOf('a', 'b')).not.toBe(hashOf('c', 'b'));
    expect(hashOf('a', 'b', 'c')).not.toBe(hashOf('a:b', 'c'));
  });

  it('have stable values', () => {
    expect(tagged(['d', 'é', '']).toString()).toBe('1:d2:é0:');
    expect(hashOf('d', 'é', '')).toBe(createHash('sha256').update('1:d2:é0:').digest('hex'));
  });
});

describe('names made of hashes', () => {
  it('are UUIDs of version 8, the same for the same parts', () => {
    expect(uuidOf('d', 'x')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidOf('d', 'x')).toBe(uuidOf('d', 'x'));
    expect(uuidOf('d', 'x', '')).not.toBe(uuidOf('d', 'x'));
  });

  // RFC 4648 section 10, in lower case and without padding.
  it.each([['', ''], ['f', 'my'], ['fo', 'mzxq'], ['foo', 'mzxw6'], ['foob', 'mzxw6yq'], ['fooba', 'mzxw6ytb'], ['foobar', 'mzxw6ytboi']])('base32 of %j is %j', (text, encoded) => {
    expect(base32(Buffer.from(text))).toBe(encoded);
  });
});
