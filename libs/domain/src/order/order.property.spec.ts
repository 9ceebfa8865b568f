import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decimal, ZERO } from '../decimal.ts';
import { claim, happened, refOf, TIME_MS, venueSays } from '../testing/order-fixtures.ts';
import { orderFrom } from '../testing/order-scenario.ts';
import { decideCancel, decideClaim, decideNotReceived, putInDoubt } from './decide.ts';
import type { AnomalyKind, OrderEvent, ReportRef } from './events.ts';
import { interpretReport, type OrderReport } from './reports.ts';
import { evolveOrder, leavesQty, NO_ORDER, orderView, type OrderState } from './state.ts';
import { TRANSITIONS, type OrderStatus } from './transitions.ts';

const RUNS = { numRuns: 400 };

const execId = fc.constantFrom('e1', 'e2', 'e3', 'e4');
const qty = fc.constantFrom('0.5', '1', '2.25', '3', '4', '10', '11');
const price = fc.constantFrom('99.5', '100', '100.01');

const report: fc.Arbitrary<OrderReport> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(execId, qty, price).map(([id, q, p]) => venueSays.filled(id, q, p)) },
  { weight: 2, arbitrary: execId.map(venueSays.busted) },
  { weight: 2, arbitrary: fc.tuple(execId, qty, price).map(([id, q, p]) => venueSays.corrected(id, q, p)) },
  fc.constantFrom('v-1', 'v-2').map(venueSays.acknowledged),
  fc.constantFrom(venueSays.rejected(), venueSays.canceled(), venueSays.expired(), venueSays.cancelRejected()),
);

interface Told {
  readonly report: OrderReport;
  readonly ref: ReportRef;
}

/** Reports as they arrive: any order, each with its own id, some told again later under the same id. */
const arrivals: fc.Arbitrary<readonly Told[]> = fc
  .tuple(fc.array(report, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 6 }))
  .map(([reports, again]) => {
    const told: Told[] = reports.map((said, index) => ({ report: said, ref: refOf(`r${index}`) }));
    for (const pick of again) {
      const repeated = told[pick % Math.max(told.length, 1)];
      if (repeated) told.push(repeated);
    }
    return told;
  });

const sent = [happened.approved(), happened.claimed()];
const before = fc.constantFrom<readonly OrderEvent[]>(
  [happened.approved()], [happened.denied()], sent, [...sent, happened.inDoubt()], [...sent, happened.acknowledged()],
  [...sent, happened.acknowledged(), happened.cancelRequested(), happened.cancelClaimed()],
  [...sent, happened.withheld('X', true)], [...sent, happened.notReceived()],
);

interface Run {
  readonly state: OrderState;
  readonly events: readonly OrderEvent[];
}

const tell = (events: readonly OrderEvent[], told: readonly Told[], each?: (before: OrderState, said: Told, produced: readonly OrderEvent[], after: OrderState) => void): Run => {
  let state = orderFrom(events);
  const all = [...events];
  for (const said of told) {
    const produced = interpretReport(state, said.report, said.ref);
    const after = orderFrom(produced, state);
    each?.(state, said, produced, after);
    all.push(...produced);
    state = after;
  }
  return { state, events: all };
};

/** The venue's book, kept naively: what each fill is worth after everything that was told, in that order. */
const standingFills = (told: readonly Told[]): { readonly cum: string; readonly notional: string } => {
  const book = new Map<string, { qty: string; price: string; busted: boolean; seen: Set<string> }>();
  for (const { report: said, ref } of told) {
    if (said.kind === 'filled' && !book.has(said.exec_id)) book.set(said.exec_id, { qty: said.qty, price: said.price, busted: false, seen: new Set() });
    if (said.kind !== 'busted' && said.kind !== 'corrected') continue;
    const fill = book.get(said.exec_id);
    if (!fill || fill.busted) continue;
    if (said.kind === 'busted') fill.busted = true;
    else if (!fill.seen.has(ref.report_id) && (fill.qty !== said.qty || fill.price !== said.price)) {
      fill.seen.add(ref.report_id);
      Object.assign(fill, { qty: said.qty, price: said.price });
    }
  }
  const standing = [...book.values()].filter((fill) => !fill.busted);
  return {
    cum: standing.reduce((sum, fill) => sum.plus(decimal(fill.qty)), ZERO).toFixed(),
    notional: standing.reduce((sum, fill) => sum.plus(decimal(fill.qty).times(decimal(fill.price))), ZERO).toFixed(),
  };
};

const isFact = (event: OrderEvent): boolean => event.type !== 'AnomalyRecorded';

describe('reports in any order, repeated at will', () => {
  it('leave the cumulative quantity equal to the sum of the fills that stand', () => {
    fc.assert(fc.property(before, arrivals, (events, told) => {
      const { state } = tell(events, told);
      expect({ cum: state.cumQty.toFixed(), notional: state.cumNotional.toFixed() }).toEqual(standingFills(told));
    }), RUNS);
  });

  it('leave nothing below zero, and record every overfill', () => {
    fc.assert(fc.property(before, arrivals, (events, told) => {
      tell(events, told, (earlier, _said, produced, after) => {
        expect(leavesQty(after).gte(ZERO)).toBe(true);
        const grewOver = after.cumQty.gt(decimal('10')) && after.cumQty.gt(earlier.cumQty);
        expect(produced.some((event) => event.type === 'AnomalyRecorded' && event.data.kind === 'OVERFILL')).toBe(grewOver);
      });
    }), RUNS);
  });

  it('state in each event the totals that follow from it', () => {
    fc.assert(fc.property(before, arrivals, (events, told) => {
      tell(events, told, (_earlier, _said, produced, after) => {
        for (const event of produced) {
          if (event.type === 'OrderFilled') expect(event.data).toMatchObject({ cum_qty: after.cumQty.toFixed(), leaves_qty: leavesQty(after).toFixed() });
          if (event.type === 'FillBusted' || event.type === 'FillCorrected') expect(event.data.cum_qty).toBe(after.cumQty.toFixed());
        }
      });
    }), RUNS);
  });

  it('lead only to events the table takes: what is recorded as a fact is applied as one', () => {
    fc.assert(fc.property(before, arrivals, (events, told) => {
      tell(events, told, (earlier, _said, produced, after) => {
        let status: OrderStatus = earlier.status;
        for (const event of produced) {
          expect(TRANSITIONS[status][event.type]).toBeDefined();
          status = evolveOrder({ ...earlier, status }, event).status;
        }
        expect(after.anomalies - earlier.anomalies).toBe(produced.filter((event) => !isFact(event)).length);
      });
    }), RUNS);
  });

  it('say nothing when told twice in a row', () => {
    fc.assert(fc.property(before, arrivals, (events, told) => {
      tell(events, told, (_earlier, said, produced, after) => {
        const again = interpretReport(after, said.report, said.ref);
        expect(again.filter(isFact)).toEqual([]);
        if (produced.some(isFact)) expect(again).toEqual([]);
      });
    }), RUNS);
  });

  it('move no quantity when a fill or correction that was applied is told again, however late', () => {
    fc.assert(fc.property(before, arrivals, (events, told) => {
      const applied: Told[] = [];
      const { state } = tell(events, told, (_earlier, said, produced) => {
        if (produced.some((event) => event.type === 'OrderFilled' || event.type === 'FillCorrected' || event.type === 'FillBusted')) applied.push(said);
      });
      const after = applied.reduce((folded, said) => orderFrom(interpretReport(folded, said.report, said.ref), folded), state);
      expect(orderView(after)).toEqual(orderView(state));
    }), RUNS);
  });

  it('give the same totals for fills in any order', () => {
    const fills = fc.uniqueArray(fc.tuple(fc.stringMatching(/^x[0-9]{1,3}$/), qty, price), { selector: ([id]) => id, maxLength: 12 });
    const shuffled = fills.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    fc.assert(fc.property(shuffled, ([first, second]) => {
      const totals = [first, second].map((list) => {
        const { state } = tell([...sent, happened.acknowledged()], list.map(([id, q, p]) => ({ report: venueSays.filled(id, q, p), ref: refOf(id) })));
        return [state.cumQty.toFixed(), state.cumNotional.toFixed(), orderView(state)['avg_price'], state.status];
      });
      expect(totals[0]).toEqual(totals[1]);
    }), RUNS);
  });
});

const kinds: readonly AnomalyKind[] = ['OVERFILL', 'FILL_AFTER_CLOSE', 'REPORT_UNEXPECTED', 'TERMS_DIFFER'];
const anyEvent: fc.Arbitrary<OrderEvent> = fc.oneof(
  fc.constantFrom(
    happened.approved(), happened.approved({ qty: '2.5', side: 'sell' }), happened.denied(), happened.claimed(), happened.withheld('X'), happened.inDoubt(),
    happened.acknowledged(), happened.acknowledged('v-2'), happened.rejected(), happened.cancelRejected(), happened.canceled(), happened.expired(), happened.notReceived(),
  ),
  fc.tuple(execId, qty, price).map(([id, q, p]) => happened.filled(id, q, { cum: '0', leaves: '0' }, p)),
  execId.map((id) => happened.busted(id, '0')),
  fc.tuple(execId, qty, price).map(([id, q, p]) => happened.corrected(id, q, '0', p)),
  fc.nat({ max: 3 }).map(happened.cancelRequested),
  fc.nat({ max: 3 }).map(happened.cancelClaimed),
  fc.constantFrom(...kinds).map(happened.anomaly),
);
const anyStream = fc.array(anyEvent, { maxLength: 30 });

describe('any stream of events', () => {
  it('folds: no event throws, none is applied outside the table, quantities stay exact', () => {
    fc.assert(fc.property(anyStream, (events) => {
      let state = NO_ORDER;
      for (const event of events) {
        const known = TRANSITIONS[state.status][event.type] !== undefined;
        const after = evolveOrder(state, event);
        if (!known) expect(after).toEqual({ ...state, anomalies: state.anomalies + 1 });
        const standing = [...after.fills.values()].filter((fill) => !fill.busted);
        expect(after.cumQty.toFixed()).toBe(standing.reduce((sum, fill) => sum.plus(fill.qty), ZERO).toFixed());
        expect(leavesQty(after).gte(ZERO)).toBe(true);
        state = after;
      }
    }), RUNS);
  });

  it('replays to the same bytes, through JSON too', () => {
    fc.assert(fc.property(anyStream, (events) => {
      const once = JSON.stringify(orderView(orderFrom(events)));
      expect(JSON.stringify(orderView(orderFrom(events)))).toBe(once);
      expect(JSON.stringify(orderView(orderFrom(JSON.parse(JSON.stringify(events)) as OrderEvent[])))).toBe(once);
    }), RUNS);
  });

  it('can be asked anything at any time: reports and commands never throw and change nothing', () => {
    fc.assert(fc.property(anyStream, report, (events, said) => {
      const state = orderFrom(events);
      const view = JSON.stringify(orderView(state));
      interpretReport(state, said, refOf());
      decideClaim(state, []);
      decideCancel(state, { reason: 'x', requested_by: 'y' });
      putInDoubt(state, { code: 'X', detail: '', owner: 'o', deadline_ms: TIME_MS });
      decideNotReceived(state, { report: refOf(), time_ms: TIME_MS, waited_ms: 1, admissibility_window_ms: 0 });
      expect(JSON.stringify(orderView(state))).toBe(view);
    }), RUNS);
  });

  it('allows a claim at most once, whatever else is in it', () => {
    fc.assert(fc.property(anyStream, (events) => {
      let state = NO_ORDER;
      let claims = 0;
      for (const event of events) {
        if (decideClaim(state, []).kind === 'claim') {
          claims += 1;
          state = evolveOrder(state, { type: 'SubmissionClaimed', data: claim });
        }
        if (event.type !== 'SubmissionClaimed') state = evolveOrder(state, event);
      }
      expect(claims).toBeLessThanOrEqual(1);
    }), RUNS);
  });
});
