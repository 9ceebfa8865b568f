import { describe, expect, it } from '@jest/globals';
import { decimal, decimalText, ZERO } from '@tallystick/domain';
import fc from 'fast-check';
import { applyStep, cancelOrder, createBook, placeOrder } from './index.ts';
import type { FeedStep, Outcome, PaperBook, PaperReport, PlaceCommand } from './index.ts';
import { config, OPEN_MS, openOrders, stepOf } from './testing.ts';
import type { Market } from './testing.ts';

type Action =
  | { readonly kind: 'place'; readonly command: Omit<PlaceCommand, 'client_order_id'>; readonly id: number }
  | { readonly kind: 'cancel'; readonly id: number; readonly account: string }
  | { readonly kind: 'step'; readonly afterMs: number; readonly markets: readonly Market[] };

const cents = (min: number, max: number): fc.Arbitrary<string> => fc.integer({ min, max }).map((value) => decimalText(decimal(String(value)).div('100')));
const size = fc.integer({ min: 0, max: 400 }).map(String);
const side = fc.option(fc.tuple(cents(990, 1010), size), { nil: undefined });
const symbol = fc.constantFrom('AAA', 'BBB');
const account = fc.constantFrom('acc', 'other');

const market = (name: string): fc.Arbitrary<Market> =>
  fc.record({ bid: side, ask: side, last: fc.option(cents(985, 1015), { nil: undefined }), restated: fc.constant(true) })
    .map(({ bid, ask, last, restated }) => ({ symbol: name, restated, ...(bid ? { bid } : {}), ...(ask ? { ask } : {}), ...(last === undefined ? {} : { last }) }));

const place: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('place' as const),
  id: fc.integer({ min: 1, max: 12 }),
  command: fc.record({
    account, symbol, side: fc.constantFrom('buy' as const, 'sell' as const), qty: fc.integer({ min: 1, max: 900 }).map(String),
    order_type: fc.constantFrom('market' as const, 'limit' as const, 'stop' as const, 'stop_limit' as const),
    time_in_force: fc.constantFrom('DAY' as const, 'GTC' as const, 'IOC' as const, 'FOK' as const),
    limit: cents(990, 1010), stop: cents(985, 1015),
  }).map(({ limit, stop, ...command }) => ({
    ...command,
    ...(command.order_type.endsWith('limit') ? { limit_price: limit } : {}),
    ...(command.order_type.startsWith('stop') ? { stop_price: stop } : {}),
  })),
});
const cancel: fc.Arbitrary<Action> = fc.record({ kind: fc.constant('cancel' as const), id: fc.integer({ min: 1, max: 12 }), account });
const step: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('step' as const),
  afterMs: fc.integer({ min: 1, max: 90_000 }),
  markets: fc.oneof(fc.tuple(market('AAA')), fc.tuple(market('BBB')), fc.tuple(market('AAA'), market('BBB'))),
});
const actions = fc.array(fc.oneof({ weight: 4, arbitrary: place }, { weight: 1, arbitrary: cancel }, { weight: 5, arbitrary: step }), { maxLength: 60 });

const act = (book: PaperBook, action: Action): { outcome: Outcome; step?: FeedStep } => {
  if (action.kind === 'place') return { outcome: placeOrder(book, { ...action.command, client_order_id: `o${action.id}` }) };
  if (action.kind === 'cancel') {
    return { outcome: cancelOrder(book, { client_order_id: `o${action.id}-c1`, target_client_order_id: `o${action.id}`, account: action.account }) };
  }
  const made = stepOf(book, Math.max(book.time_ms, OPEN_MS - 100_000) + action.afterMs, action.markets);
  return { outcome: applyStep(book, made), step: made };
};

interface Run {
  readonly book: PaperBook;
  readonly reports: readonly PaperReport[];
  /** For each run of reports made against one statement of a symbol's quote: what was quoted, and what was taken. */
  readonly taken: readonly { readonly quoted: string; readonly fills: readonly PaperReport[] }[];
}

const run = (all: readonly Action[]): Run => {
  let book = createBook(config());
  const reports: PaperReport[] = [];
  const taken = new Map<string, { quoted: string; fills: PaperReport[] }>();
  for (const action of all) {
    const { outcome } = act(book, action);
    book = outcome.book;
    reports.push(...outcome.reports);
    for (const fill of outcome.reports.filter((report) => report.type === 'filled')) {
      const level = book.levels.get(fill.symbol ?? '');
      const quoted = (fill.side === 'buy' ? level?.quote.ask_size : level?.quote.bid_size) ?? '0';
      const key = `${fill.symbol ?? ''} ${fill.side ?? ''} ${level?.restated_sequence ?? 0}`;
      const entry = taken.get(key) ?? { quoted, fills: [] };
      entry.fills.push(fill);
      taken.set(key, entry);
    }
  }
  return { book, reports, taken: [...taken.values()] };
};

const sum = (values: readonly (string | undefined)[]) => values.reduce((total, value) => total.plus(decimal(value ?? '0')), ZERO);

describe('the matching engine, whatever comes', () => {
  it('keeps cash and positions equal to what the executions say', () => {
    fc.assert(fc.property(actions, (all) => {
      const { book, reports } = run(all);
      for (const { account: name, cash: start } of book.config.accounts) {
        const fills = reports.filter((report) => report.type === 'filled' && report.account === name);
        const signed = (fill: PaperReport, value: string) => (fill.side === 'buy' ? decimal(value) : decimal(value).times('-1'));
        const spent = fills.reduce((total, fill) => total.plus(signed(fill, fill.qty ?? '0').times(decimal(fill.price ?? '0'))), ZERO);
        const held = book.accounts.get(name);
        expect(held?.cash).toBe(decimalText(decimal(start).minus(spent).minus(sum(fills.map((fill) => fill.fee)))));
        for (const each of ['AAA', 'BBB']) {
          const position = fills.filter((fill) => fill.symbol === each).reduce((total, fill) => total.plus(signed(fill, fill.qty ?? '0')), ZERO);
          expect(held?.positions.get(each) ?? '0').toBe(decimalText(position));
        }
      }
    }), { numRuns: 300 });
  });

  it('never takes more than was quoted, and never fills more than was ordered', () => {
    fc.assert(fc.property(actions, (all) => {
      const { reports, taken } = run(all);
      for (const { quoted, fills } of taken) expect(sum(fills.map((fill) => fill.qty)).lte(decimal(quoted))).toBe(true);
      const cumulative = new Map<string, ReturnType<typeof decimal>>();
      for (const report of reports) {
        const id = report.venue_order_id ?? '';
        if (report.type === 'filled') cumulative.set(id, (cumulative.get(id) ?? ZERO).plus(decimal(report.qty ?? '0')));
        if (report.type !== 'cancel_rejected') expect(report.cum_qty).toBe(decimalText(cumulative.get(id) ?? ZERO));
        expect(decimal(report.leaves_qty ?? '0').gte(ZERO)).toBe(true);
      }
    }), { numRuns: 300 });
  });

  it('fills no order beyond its limit, nothing after an ending, IOC and FOK only when they come, FOK only whole', () => {
    fc.assert(fc.property(actions, (all) => {
      let book = createBook(config());
      const commands = new Map<string, PlaceCommand>();
      const ended = new Set<string>();
      for (const action of all) {
        const { outcome } = act(book, action);
        book = outcome.book;
        for (const report of outcome.reports) {
          const id = report.venue_order_id ?? '';
          if (action.kind === 'place') commands.set(id, { ...action.command, client_order_id: '' });
          const command = commands.get(id);
          expect(ended.has(id)).toBe(false);
          if (report.type === 'filled') {
            const beyond = command?.limit_price === undefined ? 0 : decimal(report.price ?? '0').cmp(decimal(command.limit_price));
            expect(command?.side === 'buy' ? beyond <= 0 : beyond >= 0).toBe(true);
            if (command?.time_in_force === 'IOC' || command?.time_in_force === 'FOK') expect(action.kind).toBe('place');
            if (command?.time_in_force === 'FOK') expect(report.qty).toBe(command.qty);
          }
          if (id !== '' && report.order_status !== 'working') ended.add(id);
        }
      }
      for (const open of openOrders(book)) expect(['IOC', 'FOK']).not.toContain(open.time_in_force);
      expect(openOrders(book)).toHaveLength(book.open_count);
    }), { numRuns: 300 });
  });

  it('numbers every account\'s reports from 1 without gaps and never repeats an execution id', () => {
    fc.assert(fc.property(actions, (all) => {
      const { book, reports } = run(all);
      for (const [name, { report_sequence }] of book.accounts) {
        expect(reports.filter((report) => report.account === name).map((report) => report.sequence)).toEqual(Array.from({ length: report_sequence }, (_, index) => index + 1));
      }
      const executions = reports.flatMap((report) => (report.exec_id === undefined ? [] : [report.exec_id]));
      expect(new Set(executions).size).toBe(executions.length);
    }), { numRuns: 200 });
  });

  it('gives the same bytes for the same commands and steps, and leaves the book it came from as it was', () => {
    fc.assert(fc.property(actions, (all) => {
      expect(JSON.stringify(run(all).reports)).toBe(JSON.stringify(run(all).reports));
      const { book } = run(all);
      const before = JSON.stringify([[...book.accounts], [...book.levels], [...book.open], book.arrivals]);
      for (const action of all.slice(0, 5)) act(book, action);
      expect(JSON.stringify([[...book.accounts], [...book.levels], [...book.open], book.arrivals])).toBe(before);
    }), { numRuns: 150 });
  });
});
