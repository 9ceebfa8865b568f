import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FOLDED_PREFIXES, Projection } from './project/projection.ts';
import { Queries } from './query/queries.ts';
import { ReadModelFile } from './store/database.ts';
import { drawsOf, historyOf } from './testing/history.ts';
import type { MemoryLog } from './testing/memory-log.ts';
import { compareFiles } from './verify/compare.ts';

const history = fc.tuple(fc.nat(), fc.integer({ min: 10, max: 150 })).map(([seed, steps]) => historyOf(drawsOf(seed), steps));
const folded = (log: MemoryLog) => log.events.filter(({ stream }) => FOLDED_PREFIXES.some((prefix) => stream.startsWith(prefix)));

const onePass = (log: MemoryLog, until?: bigint): ReadModelFile => {
  const file = ReadModelFile.openToFold(':memory:');
  new Projection(file).apply(folded(log).filter(({ position }) => until === undefined || position <= until), until);
  return file;
};

const everything = (queries: Queries, at?: bigint): unknown => {
  const page = { limit: 1000 };
  const orders = queries.orders({}, page, at);
  const ids = orders.ok ? orders.page.items.map(({ order_id: id }) => id) : [];
  return {
    orders, positions: queries.positions({}, page, at), accounts: queries.accounts({}, page, at), intents: queries.intents({}, page, at), refusals: queries.refusals({}, page, at),
    anomalies: queries.anomalies({}, page, at), byStatus: queries.ordersByStatus(at), byCode: queries.refusalsByCode(at), byKind: queries.anomaliesByKind(at), policies: queries.policies(at),
    kill: [...queries.kill(at).engaged], instances: queries.instances(at), timelines: ids.map((id) => queries.timeline(id, at)),
  };
};

describe('the projection', () => {
  it('writes the same rows whatever the batches and restarts the log came in', () => {
    fc.assert(fc.property(history, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }), fc.nat(5), ({ log }, sizes, restartEvery) => {
      const whole = onePass(log);
      const file = ReadModelFile.openToFold(':memory:');
      let projection = new Projection(file);
      const events = folded(log);
      for (let at = 0, n = 0; at < events.length; n += 1) {
        const size = sizes[n % sizes.length] ?? 1;
        // Some of what was handed over before comes again, as after a lost connection.
        projection.apply(events.slice(Math.max(0, at - (n % 3)), at + size));
        at += size;
        if (restartEvery > 0 && n % restartEvery === 0) projection = new Projection(file);
      }
      const { first } = compareFiles(file, whole);
      expect(first).toBeUndefined();
      expect(file.position()).toBe(whole.position());
      whole.close();
      file.close();
    }), { numRuns: 20 });
  });

  it('answers as of a position what a fold up to that position answers', () => {
    fc.assert(fc.property(history, fc.nat(1000), ({ log }, where) => {
      const at = log.events[where % log.events.length]?.position ?? 0n;
      const whole = onePass(log);
      const upTo = onePass(log, at);
      expect(everything(new Queries(() => whole), at)).toEqual(everything(new Queries(() => upTo)));
      whole.close();
      upTo.close();
    }), { numRuns: 20 });
  });

  it('is tried on histories that reach every way an order can go', () => {
    const { log } = historyOf(drawsOf(1), 1500);
    const queries = new Queries(() => onePass(log));
    expect(Object.keys(queries.ordersByStatus())).toEqual(expect.arrayContaining(['CANCELED', 'CLAIMED', 'DENIED', 'FILLED', 'IN_DOUBT', 'PARTIALLY_FILLED', 'REJECTED', 'WORKING']));
    expect(queries.refusalsByCode()).toMatchObject({ QUOTE_STALE: expect.any(Number), OFF_LOT: expect.any(Number), ORDER_QTY_LIMIT: expect.any(Number) });
    expect(queries.anomaliesByKind()).not.toHaveProperty('EVENT_UNREADABLE');
    expect(Object.keys(queries.anomaliesByKind())).toEqual(expect.arrayContaining(['OVERFILL', 'ORDER_UNKNOWN', 'DUPLICATE_EXEC_ID_DIFFERS']));
    expect(queries.fillTotals().busted).toBeGreaterThan(0);
    expect(log.events.some(({ type }) => type === 'FillCorrected')).toBe(true);
    expect(log.events.some(({ type }) => type === 'RiskGroupDayClosed')).toBe(true);
  });

  it('holds, per account and per strategy, what the fills that stand add up to', () => {
    fc.assert(fc.property(history, ({ log }) => {
      const standing = new Map<string, { owner: string; qty: number }>();
      const owners = new Map<string, { account: string; strategy: string; symbol: string; sign: number }>();
      for (const { stream, type, data } of log.events) {
        if (!stream.startsWith('order-')) continue;
        const body = data as { readonly terms?: { account: string; symbol: string; side: string; strategy: { id: string } }; exec_id: string; qty: string };
        if (body.terms) owners.set(stream, { account: body.terms.account, strategy: body.terms.strategy.id, symbol: body.terms.symbol, sign: body.terms.side === 'buy' ? 1 : -1 });
        const key = `${stream} ${body.exec_id}`;
        if (type === 'OrderFilled') standing.set(key, { owner: stream, qty: Number(body.qty) });
        if (type === 'FillCorrected') standing.set(key, { owner: stream, qty: Number(body.qty) });
        if (type === 'FillBusted') standing.delete(key);
      }
      const sums = new Map<string, number>();
      for (const { owner, qty } of standing.values()) {
        const of = owners.get(owner);
        if (!of) continue;
        for (const strategy of [of.strategy, '']) {
          const key = [of.account, strategy, of.symbol].join(' ');
          sums.set(key, (sums.get(key) ?? 0) + of.sign * qty);
        }
      }
      const answer = new Queries(() => onePass(log)).positions({}, { limit: 1000 });
      const shown = new Map(answer.ok ? answer.page.items.map(({ account, strategy = '', symbol, qty }) => [[account, strategy, symbol].join(' '), Number(qty)]) : []);
      for (const [key, qty] of sums) expect([key, shown.get(key)]).toEqual([key, qty]);
      for (const [key, qty] of shown) expect([key, sums.get(key) ?? 0]).toEqual([key, qty]);
    }), { numRuns: 20 });
  });

  it('leaves rows and checkpoint as they were when a batch fails, and goes on from there', () => {
    const { log } = historyOf(drawsOf(2), 80);
    const events = folded(log);
    const file = ReadModelFile.openToFold(':memory:');
    const projection = new Projection(file);
    const half = Math.floor(events.length / 2);
    projection.apply(events.slice(0, half));
    const position = file.position();
    const broken = { ...events[half + 1], get stream(): string { throw new Error('disk full'); } } as (typeof events)[number];
    expect(() => projection.apply([...events.slice(half, half + 1), broken])).toThrow('disk full');
    expect(file.position()).toBe(position);
    projection.apply(events.slice(half));
    expect(compareFiles(file, onePass(log)).first).toBeUndefined();
  });

  it('keeps an event it cannot read as an anomaly and goes on', () => {
    const { log } = historyOf(drawsOf(3), 10);
    log.write('order-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', [{ id: 'x', type: 'OrderTeleported', data: {}, metadata: { schemaversion: 1 } }]);
    log.record('kill', { type: 'KillEngaged', data: { kill_id: 'k', scope: 'firm', mode: 'stop_new', reason: 'after it', engaged_by: 'operator:a', via: 'api', requested_at_ms: 0 } });
    const queries = new Queries(() => onePass(log));
    expect(queries.anomaliesByKind()).toMatchObject({ EVENT_UNREADABLE: 1 });
    expect(queries.kill().engaged.has('firm')).toBe(true);
  });
});
