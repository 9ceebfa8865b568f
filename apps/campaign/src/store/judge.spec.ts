import { describe, expect, it } from '@jest/globals';
import { BREACHES, judge, type Breach, type Served, type ServedEvent } from './judge.ts';
import { digestOf, isWhole, Ledger, loadData, type SentAppend } from './ledger.ts';

interface World {
  readonly appends: readonly SentAppend[];
  readonly log: readonly ServedEvent[];
}

const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** Three streams in turns, appends of one and two events, all acknowledged. */
const world = (rounds = 6): World => {
  const ledger = new Ledger();
  const log: ServedEvent[] = [];
  const heads = new Map<string, number>();
  let n = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const stream of ['one', 'two', 'three']) {
      const first = heads.get(stream) ?? 0;
      const events = Array.from({ length: 1 + (round % 2) }, () => ({ id: idOf(n), type: 't', data: loadData(stream, n++, `text ${n}`), metadata: {} }));
      const entry = ledger.begin(stream, first, events);
      for (const [i, { id, type, data, metadata }] of events.entries()) {
        log.push({ stream, revision: first + i, position: BigInt(log.length + 2), id, digest: digestOf(type, data, metadata), whole: isWhole(data) });
      }
      heads.set(stream, first + events.length);
      entry.acknowledged(first + events.length - 1, log.at(-1)?.position ?? 0n);
    }
  }
  return { appends: ledger.snapshot(), log };
};

const servedOf = (log: readonly ServedEvent[], names = ['one', 'two', 'three']): Served => ({
  streams: new Map(names.map((name) => [name, log.filter(({ stream }) => stream === name).sort((a, b) => a.revision - b.revision)])),
  all: log, again: log,
});

const broken = (appends: readonly SentAppend[], served: Served): readonly Breach[] => {
  const { breaches } = judge(appends, served);
  return BREACHES.filter((breach) => breaches[breach].length > 0);
};

const at = <T>(items: readonly T[], index: number): T => items[index] as T;
/** The outcome of one append made another. */
const changed = (appends: readonly SentAppend[], index: number, change: Partial<SentAppend>): readonly SentAppend[] =>
  appends.map((append, i) => (i === index ? { ...append, ...change } : append));

describe('a store that serves what it acknowledged', () => {
  it('is found without fault', () => {
    const { appends, log } = world();
    const verdict = judge(appends, servedOf(log));
    expect(BREACHES.flatMap((breach) => verdict.breaches[breach])).toEqual([]);
    expect(verdict.acknowledged).toBe(log.length);
    expect(log.length).toBe(27);
  });

  it('may hold what it never answered, or not, but only as a whole', () => {
    const { appends, log } = world();
    const open = changed(appends, 17, { outcome: 'unknown' });
    const ids = new Set(at(open, 17).events.map(({ id }) => id));
    expect(ids.size).toBe(2);
    expect(broken(open, servedOf(log))).toEqual([]);
    expect(judge(open, servedOf(log)).unanswered).toEqual({ present: 2, absent: 0 });
    const without = log.filter(({ id }) => !ids.has(id));
    expect(broken(open, servedOf(without))).toEqual([]);
    expect(judge(open, servedOf(without)).unanswered).toEqual({ present: 0, absent: 2 });
    expect(broken(open, servedOf(log.slice(0, -1)))).toEqual(['torn']);
  });
});

describe('a store with a planted bug', () => {
  it('that drops an acknowledged event from its end has lost it', () => {
    const { appends, log } = world();
    expect(judge(appends, servedOf(log.slice(0, -1))).breaches.lost).toHaveLength(1);
  });

  it('that drops an acknowledged event from its middle has lost it and is out of order', () => {
    const { appends, log } = world();
    expect(broken(appends, servedOf(log.filter((_, i) => i !== 5)))).toEqual(['lost', 'reordered']);
  });

  it('that drops all has lost all', () => {
    const { appends, log } = world();
    expect(judge(appends, servedOf([])).breaches.lost).toHaveLength(log.length);
  });

  it('that showed an event to a subscriber before it was durable has lost it', () => {
    const { appends, log } = world();
    const shown = at(appends, 17).events.map((event) => ({ ...event, shown: true }));
    const open = changed(appends, 17, { outcome: 'unknown', events: shown });
    expect(broken(open, servedOf(log))).toEqual([]);
    expect(judge(open, servedOf(log.slice(0, -2))).breaches.lost).toHaveLength(2);
  });

  it('that serves an event in $all alone, or in its stream alone, has lost it', () => {
    const { appends, log } = world();
    const served = servedOf(log);
    const last = at(log, log.length - 1);
    const streams = new Map([...served.streams].map(([name, events]) => [name, events.filter(({ id }) => id !== last.id)]));
    expect(broken(appends, { ...served, streams })).toEqual(['lost', 'disagreeing']);
    expect(broken(appends, { ...served, all: log.slice(0, -1), again: log.slice(0, -1) })).toEqual(['lost', 'disagreeing']);
  });

  it('that swaps two events of a stream has reordered them', () => {
    const { appends, log } = world();
    const [a, b] = [at(log, 0), at(log, 3)];
    expect(a.stream).toBe(b.stream);
    const swapped = log.map((event) => (event === a ? { ...a, id: b.id, digest: b.digest } : event === b ? { ...b, id: a.id, digest: a.digest } : event));
    expect(broken(appends, servedOf(swapped))).toEqual(['reordered']);
  });

  it('that swaps events of different streams in its log has reordered them, though each stream is as it was', () => {
    const { appends, log } = world();
    const [a, b] = [at(log, 0), at(log, 1)];
    const swapped = [{ ...b, position: a.position }, { ...a, position: b.position }, ...log.slice(2)];
    expect(broken(appends, servedOf(swapped))).toEqual(['reordered']);
  });

  it('that moved what it acknowledged in time, and every position with it, has reordered it', () => {
    const { appends, log } = world();
    const [a, b] = [at(log, 0), at(log, 1)];
    const moved = [{ ...b, position: a.position }, { ...a, position: b.position }, ...log.slice(2)];
    const told = changed(changed(appends, 0, { position: b.position }), 1, { position: a.position });
    expect(broken(told, servedOf(moved))).toEqual(['reordered']);
  });

  it('that serves an event twice has duplicated it', () => {
    const { appends, log } = world();
    const first = at(log, 0);
    const twice = { ...first, revision: log.filter(({ stream }) => stream === first.stream).length, position: 99n };
    expect(broken(appends, servedOf([...log, twice]))).toContain('duplicated');
  });

  it('that wrote a repeat once more under a position of its own in $all has duplicated it', () => {
    const { appends, log } = world();
    const served = servedOf(log);
    const again = [...log, { ...at(log, 0), position: 99n }];
    expect(broken(appends, { ...served, all: again, again })).toEqual(['duplicated', 'disagreeing']);
  });

  it('that alters an event is found by its content, and by the event itself', () => {
    const { appends, log } = world();
    const altered = log.map((event, i) => (i === 4 ? { ...event, digest: 'other' } : event));
    expect(broken(appends, servedOf(altered))).toEqual(['altered']);
    const damaged = log.map((event, i) => (i === 4 ? { ...event, digest: 'other', whole: false } : event));
    expect(judge(appends, servedOf(damaged)).breaches).toMatchObject({ altered: [expect.any(String)], damaged: [expect.any(String)] });
  });

  it('that serves an event which nobody sent has invented it', () => {
    const { appends, log } = world();
    expect(broken(appends, servedOf([...log, { ...at(log, 0), id: idOf(999), stream: 'four', revision: 0, position: 99n }], ['one', 'two', 'three', 'four']))).toEqual(['invented']);
  });

  it('that refused an append and kept it has invented it', () => {
    const { appends, log } = world();
    expect(broken(changed(appends, 17, { outcome: 'refused' }), servedOf(log))).toEqual(['invented']);
  });

  it('that tells two clients different things is found', () => {
    const { appends, log } = world();
    expect(broken(appends, { ...servedOf(log), again: log.slice(0, -1) })).toEqual(['disagreeing']);
  });
});

describe('an event of the load', () => {
  it('contradicts itself when any part of it is changed', () => {
    const data = loadData('s', 7, 'abc');
    expect(isWhole(data)).toBe(true);
    for (const change of [{ stream: 't' }, { n: 8 }, { text: 'abd' }, { sum: '0' }]) expect(isWhole({ ...data, ...change })).toBe(false);
    for (const other of [undefined, null, 'x', {}]) expect(isWhole(other)).toBe(false);
  });
});
