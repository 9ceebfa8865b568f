import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LogIndex } from './log-index.ts';
import { StreamTable } from './stream-table.ts';

describe('the index of the log', () => {
  it('finds every revision of every stream, and after taking events back too', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 6 }), { maxLength: 400 }), fc.nat({ max: 400 }), fc.array(fc.nat({ max: 6 }), { maxLength: 200 }), (first, keep, second) => {
        const index = new LogIndex();
        const names = Array.from({ length: 7 }, (_, n) => Buffer.from(`stream-${n}`));
        let model: number[] = [];
        const add = (n: number): void => {
          index.add(index.streams.findOrAdd(names[n]!), model.filter((m) => m === n).length, model.length * 100);
          model.push(n);
        };
        first.forEach(add);
        const kept = Math.min(keep, model.length);
        index.truncate(kept);
        model = model.slice(0, kept);
        second.forEach(add);
        expect(index.count).toBe(model.length);
        names.forEach((name, n) => {
          const events = model.flatMap((m, event) => (m === n ? [event] : []));
          const stream = index.streams.find(name);
          const last = stream === undefined ? undefined : index.lastBelow(stream, index.count);
          expect(last).toBe(events.at(-1));
          if (last === undefined) return;
          expect(index.range(last, 0, events.length - 1)).toEqual(events);
          events.forEach((event, revision) => expect(index.ancestor(last, revision)).toBe(event));
        });
      }),
    );
  });

  it('finds a revision of a long stream in few steps', () => {
    const index = new LogIndex();
    const stream = index.streams.findOrAdd(Buffer.from('long'));
    for (let n = 0; n < 200_000; n++) index.add(stream, n, n);
    // A walk of single steps would take 2 * 10^10 of them: the test would not end.
    let wrong = 0;
    for (let n = 0; n < 200_000; n += 1) if (index.ancestor(199_999, n) !== n) wrong += 1;
    expect(wrong).toBe(0);
  });

  it('shows nothing of what is not yet synced', () => {
    const index = new LogIndex();
    const stream = index.streams.findOrAdd(Buffer.from('s'));
    index.add(stream, 0, 0);
    index.add(stream, 1, 1);
    expect(index.lastBelow(stream, 1)).toBe(0);
    expect(index.lastBelow(stream, 0)).toBeUndefined();
  });
});

describe('the table of streams', () => {
  it('gives each name one number, however many there are', () => {
    const table = new StreamTable();
    const ids = new Map<string, number>();
    for (let n = 0; n < 20_000; n++) ids.set(`order-${n}`, table.findOrAdd(Buffer.from(`order-${n}`)));
    expect(new Set(ids.values()).size).toBe(20_000);
    for (const [name, id] of ids) {
      expect(table.find(Buffer.from(name))).toBe(id);
      expect(table.name(id).toString()).toBe(name);
    }
    expect(table.find(Buffer.from('order-x'))).toBeUndefined();
  });

  it('knows the metadata stream of a stream, in either order of arrival', () => {
    const table = new StreamTable();
    const meta = table.findOrAdd(Buffer.from('$$a'));
    expect(table.metastream(table.find(Buffer.from('a'))!)).toBe(meta);
    const stream = table.findOrAdd(Buffer.from('b'));
    expect(table.metastream(stream)).toBeUndefined();
    expect(table.findOrAdd(Buffer.from('$$b'))).toBe(table.metastream(stream));
  });
});
