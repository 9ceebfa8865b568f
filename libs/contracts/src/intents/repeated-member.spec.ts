import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hasRepeatedMember } from './repeated-member.ts';

describe('members of one name', () => {
  it.each([
    ['{"a":1,"a":2}', true], ['{"a":1,"b":{"a":2}}', false], ['[{"a":1},{"a":2}]', false], ['{"b":{"a":1,"a":1}}', true], ['{"a":{"a":1},"b":1,"b":2}', true], ['{"a":"a","b":"a"}', false],
    ['{"a":["a","a"]}', false], ['{"a" :1,\n"\\u0061"\t:2}', true], ['{"a\\"":1,"a":2}', false], ['{"a":"\\\\","a":1}', true], ['{"":1,"":2}', true], ['"a"', false], ['{"a":"{\\"b\\":1,\\"b\\":2}"}', false],
    ['{"__proto__":1,"__proto__":2}', true], ['{"constructor":1}', false],
  ])('%s: %p', (text, repeated) => {
    expect(hasRepeatedMember(text)).toBe(repeated);
  });

  it('are in nothing that JSON.stringify writes', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => !hasRepeatedMember(JSON.stringify(value, undefined, 2))));
  });

  it('are found wherever one is put in', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.jsonValue(), (members, value) => {
      const [name = ''] = Object.keys(members);
      const text = JSON.stringify(members);
      return hasRepeatedMember(`{${JSON.stringify(name)}:${JSON.stringify(value)},${text.slice(1)}`);
    }));
  });
});
