import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { persistentMap } from './persistent-map.ts';

describe('a persistent map', () => {
  it('holds what a map holds, and what it succeeded stays as it was', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.integer())), (entries) => {
      const plain = new Map<string, number>();
      let map = persistentMap<number>();
      for (const [key, value] of entries) {
        const before = map;
        const had = plain.get(key);
        map = map.set(key, value);
        expect(before.get(key)).toBe(had);
        plain.set(key, value);
      }
      expect(map.size).toBe(plain.size);
      for (const [key, value] of plain) expect(map.get(key)).toBe(value);
      expect(persistentMap(plain).size).toBe(plain.size);
    }));
  });
});
