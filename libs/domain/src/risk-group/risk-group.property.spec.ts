import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decimal, maxOf, ZERO, type Decimal } from '../decimal.ts';
import type { OrderTerms } from '../order/events.ts';
import type { Limits, PolicyActivation } from '../policy/policy.ts';
import { termsOf, TIME_MS } from '../testing/order-fixtures.ts';
import { activationOf, applied, decided, decideOn, documentOf, groupFrom, groupView, inputsOf, opened, quoteOf, quotesOf, reconciled, released, reversed, tradeOf, WIDE } from '../testing/risk-fixtures.ts';
import type { DecisionInputs } from './checks.ts';
import type { Decision } from './decision.ts';
import type { AppliedTrade, RiskGroupEvent } from './events.ts';
import { carriedForward, countersOf, emptyRiskGroup, evolveRiskGroup, RATE_WINDOW_MS, scopesOf, type RiskGroupState } from './state.ts';

const RUNS = { numRuns: 150 };

const MARKS = { TALLY: decimal('100'), OTHER: decimal('50') } as const;
type Symbol = keyof typeof MARKS;

/** Small enough to be hit often by the orders below. */
const limitsArb: fc.Arbitrary<Limits> = fc.record({
  max_order_qty: fc.constantFrom('8', '12', '20'), max_order_notional: fc.constantFrom('900', '1500', '3000'), max_daily_notional: fc.constantFrom('2000', '4000', '9000'),
  max_exposure: fc.constantFrom('1000', '2500', '5000'), price_collar_bps: fc.constantFrom('100', '500', '1000'), max_messages_per_minute: fc.constantFrom(2, 4, 9),
});
const someLimits: fc.Arbitrary<Partial<Limits>> = fc.tuple(limitsArb, fc.subarray(Object.keys(WIDE) as (keyof Limits)[]))
  .map(([limits, kept]) => Object.fromEntries(kept.map((name) => [name, limits[name]])));

const policyArb: fc.Arbitrary<PolicyActivation> = fc.tuple(limitsArb, someLimits, someLimits, someLimits).map(([firm, acc, strat, strat2]) => activationOf({
  ...documentOf(), firm,
  accounts: { acc: { mode: 'paper', venue: 'paper', risk_group: 'g', limits: acc }, acc2: { mode: 'paper', venue: 'paper', risk_group: 'g' } },
  strategies: { strat: { accounts: ['acc', 'acc2'], limits: strat }, strat2: { accounts: ['acc', 'acc2'], limits: strat2 } },
}));

const termsArb: fc.Arbitrary<Omit<OrderTerms, 'order_id'>> = fc.record({
  account: fc.constantFrom('acc', 'acc2'), strategy: fc.constantFrom('strat', 'strat2'), symbol: fc.constantFrom<Symbol>('TALLY', 'OTHER'), side: fc.constantFrom('buy' as const, 'sell' as const),
  qty: fc.integer({ min: 1, max: 28 }).map((halves) => decimal(String(halves)).div(decimal('2')).toFixed()), offBps: fc.constantFrom(-900, -300, -50, 0, 50, 300, 900), market: fc.boolean(),
}).map(({ account, strategy, symbol, side, qty, offBps, market }) => ({
  ...termsOf({ account, strategy: { id: strategy, version: '1' }, symbol, side, qty, order_type: market ? 'market' : 'limit',
    limit_price: market ? undefined : MARKS[symbol].times(decimal(String(10_000 + offBps))).div(decimal('10000')).toFixed() } as Partial<OrderTerms>),
}));

type Step =
  | { readonly do: 'order'; readonly terms: Omit<OrderTerms, 'order_id'> }
  | { readonly do: 'fill'; readonly pick: number; readonly qty: string; readonly price: string }
  | { readonly do: 'release' | 'bust'; readonly pick: number }
  | { readonly do: 'wait'; readonly ms: number };

const stepArb: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: termsArb.map((terms): Step => ({ do: 'order', terms })) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fill' as const), pick: fc.nat(), qty: fc.constantFrom('0.5', '2', '5', '14'), price: fc.constantFrom('40', '99.5', '120') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'bust' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 20_000, RATE_WINDOW_MS) }) },
);
const stepsArb = fc.array(stepArb, { maxLength: 25 });

const inputsAt = (policy: PolicyActivation, timeMs: number): DecisionInputs => inputsOf({
  policy, businessTimeMs: timeMs,
  quotes: quotesOf(quoteOf('TALLY', '99.9', '100.1', { time_ms: timeMs }), quoteOf('OTHER', '49.9', '50.1', { time_ms: timeMs })),
});

/** What happened, kept naively: lists, summed anew for every question. */
interface Book {
  readonly orders: { readonly terms: OrderTerms; readonly worst: Decimal; readonly timeMs: number; leaves: Decimal; open: boolean }[];
  readonly trades: { readonly trade: AppliedTrade; busted: boolean }[];
}

const scopeOf = (scope: string) => (account: string, strategy: string): boolean => scopesOf(account, strategy).includes(scope);
const total = (values: readonly Decimal[]): Decimal => values.reduce((sum, value) => sum.plus(value), ZERO);
const negative = (value: Decimal): Decimal => ZERO.minus(value);

const naive = ({ orders, trades }: Book, scope: string, timeMs: number) => {
  const within = scopeOf(scope);
  const open = orders.filter(({ terms, open: isOpen }) => isOpen && within(terms.account, terms.strategy.id));
  const standing = trades.filter(({ trade, busted }) => !busted && within(trade.account, trade.strategy)).map(({ trade }) => trade);
  const exposures = ['acc', 'acc2'].flatMap((account) => (Object.keys(MARKS) as Symbol[]).map((symbol) => {
    const held = total(standing.filter((trade) => trade.account === account && trade.symbol === symbol).map(({ side, qty }) => (side === 'buy' ? decimal(qty) : negative(decimal(qty))))).times(MARKS[symbol]);
    const side = (of: 'buy' | 'sell') => total(open.filter(({ terms }) => terms.account === account && terms.symbol === symbol && terms.side === of).map(({ leaves, worst }) => leaves.times(worst)));
    return maxOf(held.plus(side('buy')).abs(), held.minus(side('sell')).abs());
  }));
  return {
    filled: total(standing.map(({ qty, price }) => decimal(qty).times(decimal(price)))),
    open: total(open.map(({ leaves, worst }) => leaves.times(worst))),
    exposure: total(exposures),
    messages: orders.filter(({ terms, timeMs: sent }) => sent > timeMs - RATE_WINDOW_MS && within(terms.account, terms.strategy.id)).length,
  };
};

const SCOPES = ['firm', 'account:acc', 'account:acc2', 'strategy:strat', 'strategy:strat2'];
const limitsOf = (policy: PolicyActivation, scope: string): Partial<Limits> => {
  const [kind, name = ''] = scope.split(':');
  if (kind === 'firm') return policy.document.firm;
  return (kind === 'account' ? policy.document.accounts[name]?.limits : policy.document.strategies[name]?.limits) ?? {};
};

interface World {
  readonly state: RiskGroupState;
  readonly events: RiskGroupEvent[];
  readonly book: Book;
  timeMs: number;
}

/** Runs the steps against the domain and the naive book side by side. */
const run = (policy: PolicyActivation, steps: readonly Step[], each?: (world: World, decision: Decision | undefined, terms: OrderTerms | undefined) => void): World => {
  const world: World = { state: emptyRiskGroup(), events: [], book: { orders: [], trades: [] }, timeMs: TIME_MS };
  const happen = (event: RiskGroupEvent): void => {
    world.events.push(event);
    evolveRiskGroup(world.state, event);
  };
  happen(opened());
  happen(reconciled('acc', '10000'));
  steps.forEach((step, index) => {
    const { orders, trades } = world.book;
    let decision: Decision | undefined;
    let terms: OrderTerms | undefined;
    if (step.do === 'wait') world.timeMs += step.ms;
    if (step.do === 'order') {
      terms = { ...step.terms, order_id: `o${index}` };
      decision = decideOn(world.state, terms, inputsAt(policy, world.timeMs));
      happen(decided(terms, decision));
      if (decision.worst_price !== undefined) orders.push({ terms, worst: decimal(decision.worst_price), timeMs: world.timeMs, leaves: decimal(terms.qty), open: true });
    }
    if (step.do === 'fill' && orders.length > 0) {
      const order = orders[step.pick % orders.length]!;
      const { terms: of } = order;
      const trade = tradeOf({ order_id: of.order_id, exec_id: `x${index}`, account: of.account, strategy: of.strategy.id, symbol: of.symbol, side: of.side, qty: step.qty, price: step.price });
      happen({ type: 'TradeApplied', data: trade });
      trades.push({ trade, busted: false });
      order.leaves = maxOf(order.leaves.minus(decimal(step.qty)), ZERO);
      if (order.leaves.eq(ZERO)) order.open = false;
    }
    if (step.do === 'release' && orders.length > 0) {
      const order = orders[step.pick % orders.length]!;
      happen(released(order.terms.order_id));
      order.open = false;
    }
    const standing = trades.filter(({ busted }) => !busted);
    if (step.do === 'bust' && standing.length > 0) {
      const bust = standing[step.pick % standing.length]!;
      happen({ type: 'TradeReversed', data: bust.trade });
      bust.busted = true;
      const order = orders.find(({ terms: of }) => of.order_id === bust.trade.order_id)!;
      if (order.open) order.leaves = order.leaves.plus(decimal(bust.trade.qty));
    }
    each?.(world, decision, terms);
  });
  return world;
};

describe('any run of orders, fills, busts and releases', () => {
  it('approves nothing that exceeds any limit of any scope at its recorded inputs', () => {
    fc.assert(fc.property(policyArb, stepsArb, (policy, steps) => {
      run(policy, steps, ({ book, timeMs }, decision, terms) => {
        if (decision?.outcome !== 'approved' || !terms) return;
        for (const scope of scopesOf(terms.account, terms.strategy.id)) {
          const limits = limitsOf(policy, scope);
          const now = naive(book, scope, timeMs);
          if (limits.max_order_qty !== undefined) expect(decimal(terms.qty).lte(decimal(limits.max_order_qty))).toBe(true);
          if (limits.max_order_notional !== undefined) expect(decimal(decision.reserved_notional!).lte(decimal(limits.max_order_notional))).toBe(true);
          if (limits.max_daily_notional !== undefined) expect(now.filled.plus(now.open).lte(decimal(limits.max_daily_notional))).toBe(true);
          if (limits.max_exposure !== undefined) expect(now.exposure.lte(decimal(limits.max_exposure))).toBe(true);
          if (limits.max_messages_per_minute !== undefined) expect(now.messages).toBeLessThanOrEqual(limits.max_messages_per_minute);
        }
      });
    }), RUNS);
  });

  it('keeps counters, reservations and positions equal to the naive sums, none below zero', () => {
    fc.assert(fc.property(policyArb, stepsArb, (policy, steps) => {
      run(policy, steps, ({ book, state, timeMs }) => {
        for (const scope of SCOPES) {
          const expected = naive(book, scope, timeMs);
          const counters = countersOf(state, scope);
          expect([counters.filledNotional.toFixed(), counters.openNotional.toFixed()]).toEqual([expected.filled.toFixed(), expected.open.toFixed()]);
          expect(counters.openNotional.gte(ZERO) && counters.filledNotional.gte(ZERO)).toBe(true);
        }
        const open = book.orders.filter((order) => order.open).map(({ terms, leaves }) => `${terms.order_id} ${leaves.toFixed()}`);
        expect([...state.reservations.values()].map(({ order_id, leaves }) => `${order_id} ${leaves.toFixed()}`).sort()).toEqual(open.sort());
      });
    }), RUNS);
  });

  it('leaves nothing reserved once every order is released, twice', () => {
    fc.assert(fc.property(policyArb, stepsArb, (policy, steps) => {
      const { state, book } = run(policy, steps);
      for (const { terms } of [...book.orders, ...book.orders]) evolveRiskGroup(state, released(terms.order_id));
      expect(state.reservations.size).toBe(0);
      for (const held of state.books.values()) expect([held.openBuys.toFixed(), held.openSells.toFixed()]).toEqual(['0', '0']);
      for (const scope of SCOPES) expect(countersOf(state, scope).openNotional.toFixed()).toBe('0');
    }), RUNS);
  });

  it('folds to the same state and decides the same from its events, through JSON too', () => {
    fc.assert(fc.property(policyArb, stepsArb, termsArb, (policy, steps, next) => {
      const { state, events, timeMs } = run(policy, steps);
      const terms = { ...next, order_id: 'next' };
      const again = groupFrom(...(JSON.parse(JSON.stringify(events)) as RiskGroupEvent[]));
      expect(groupView(again)).toEqual(groupView(state));
      const decision = JSON.stringify(decideOn(state, terms, inputsAt(policy, timeMs)));
      expect(JSON.stringify(decideOn(again, terms, inputsAt(policy, timeMs)))).toBe(decision);
    }), RUNS);
  });

  it('decides without touching the state, and the same when asked again', () => {
    fc.assert(fc.property(policyArb, stepsArb, termsArb, (policy, steps, next) => {
      const { state, timeMs } = run(policy, steps);
      const before = groupView(state);
      const terms = { ...next, order_id: 'next' };
      const first = JSON.stringify(decideOn(state, terms, inputsAt(policy, timeMs)));
      expect(JSON.stringify(decideOn(state, terms, inputsAt(policy, timeMs)))).toBe(first);
      expect(groupView(state)).toEqual(before);
    }), RUNS);
  });

  it('carries over the day what is held and open, and decides alike where no daily limit is in the way', () => {
    fc.assert(fc.property(policyArb, stepsArb, termsArb, (policy, steps, next) => {
      const { state, timeMs } = run(policy, steps);
      const tomorrow = groupFrom(opened({ trading_day: '2013-10-09', ...carriedForward(state) }));
      expect(carriedForward(tomorrow)).toEqual(carriedForward(state));
      const exposures = (of: RiskGroupState) => decideOn(of, { ...next, order_id: 'next' }, inputsAt(policy, timeMs)).checks.filter(({ code }) => code === 'EXPOSURE_LIMIT');
      expect(exposures(tomorrow)).toEqual(exposures(state));
      for (const scope of SCOPES) expect(countersOf(tomorrow, scope).filledNotional.toFixed()).toBe('0');
    }), RUNS);
  });
});

describe('tightening', () => {
  /** A narrower collar also lowers the worst case of a market order, so for those only the other limits are compared. */
  const tighter = (limits: Limits, other: Limits, priced: boolean): Limits => ({
    max_order_qty: least(limits.max_order_qty, other.max_order_qty), max_order_notional: least(limits.max_order_notional, other.max_order_notional),
    max_daily_notional: least(limits.max_daily_notional, other.max_daily_notional), max_exposure: least(limits.max_exposure, other.max_exposure),
    price_collar_bps: priced ? least(limits.price_collar_bps, other.price_collar_bps) : limits.price_collar_bps,
    max_messages_per_minute: Math.min(limits.max_messages_per_minute, other.max_messages_per_minute),
  });
  const least = (a: string, b: string): string => (decimal(a).lte(decimal(b)) ? a : b);

  it('any limit never turns a denial into an approval', () => {
    fc.assert(fc.property(policyArb, limitsArb, someLimits, stepsArb, termsArb, (policy, other, added, steps, next) => {
      const { state, timeMs } = run(policy, steps);
      const terms = { ...next, order_id: 'next' };
      const { document } = policy;
      const account = document.accounts[terms.account]!;
      const narrower = activationOf({
        ...document, firm: tighter(document.firm, other, terms.limit_price !== undefined),
        accounts: { ...document.accounts, [terms.account]: { ...account, limits: { ...added, ...account.limits } } },
      });
      const before = decideOn(state, terms, inputsAt(policy, timeMs));
      const after = decideOn(state, terms, inputsAt(narrower, timeMs));
      if (before.outcome === 'denied') expect(after.outcome).toBe('denied');
    }), { numRuns: 300 });
  });

  it('does turn approvals into denials: the property is not empty', () => {
    const state = groupFrom(opened(), applied(), reversed());
    expect(decideOn(state, termsOf(), inputsAt(activationOf(), TIME_MS)).outcome).toBe('approved');
    expect(decideOn(state, termsOf(), inputsAt(activationOf(documentOf({ firm: { ...WIDE, max_order_qty: '9' } })), TIME_MS)).outcome).toBe('denied');
  });
});
