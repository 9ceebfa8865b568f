import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { termsOf, TIME_MS } from '../testing/order-fixtures.ts';
import { activationOf, decided, decideOn, documentOf, groupFrom, inputsOf, limitedTo, opened, quoteOf, quotesOf, reconciled } from '../testing/risk-fixtures.ts';
import { HOURS_US, readingOf } from '../testing/sessions.ts';
import type { DecisionInputs } from './checks.ts';
import { decideOrder, recordedInputs } from './decide.ts';
import type { Decision } from './decision.ts';
import type { RiskGroupEvent } from './events.ts';

const asRecorded = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Decides the last order of a stream again, from what the stream alone says. */
const again = (events: readonly RiskGroupEvent[], decision: Decision, policy: DecisionInputs['policy']): Decision => {
  const { terms } = (events.at(-1) as Extract<RiskGroupEvent, { type: 'OrderDecided' }>).data;
  const before = groupFrom(...asRecorded(events.slice(0, -1)));
  return decideOrder(before, terms, recordedInputs(decision, policy), { decisionId: decision.decision_id, marketSequence: decision.market_sequence });
};

const cases: Readonly<Record<string, DecisionInputs>> = {
  'an approval': inputsOf(),
  'a denial by a limit': limitedTo('account', { max_order_qty: '1' }),
  'no policy': inputsOf({ policy: undefined }),
  'an unreadable clock': inputsOf({ businessTimeMs: undefined }),
  'no session': inputsOf({ session: undefined }),
  'an open session': inputsOf({ session: readingOf() }),
  'a session that is closed': inputsOf({ session: readingOf({ state: 'closed', code: 'SESSION_CLOSED', why: 'Columbus Day', next_open_ms: TIME_MS + 86_400_000 }) }),
  'a day beyond the horizon': inputsOf({ session: readingOf({ state: 'unknown', code: 'CALENDAR_HORIZON', why: 'not for that day' }) }),
  'hours of before there were calendars': inputsOf({ session: HOURS_US }),
  'hours that are closed': inputsOf({ session: { ...HOURS_US, holidays: ['2013-10-08', '2013-10-07'] } }),
  'hours with an early close': inputsOf({ session: { ...HOURS_US, early_closes: { '2013-10-08': '10:00' } } }),
  'no quote': inputsOf({ quotes: new Map() }),
  'a stale quote': inputsOf({ quotes: quotesOf(quoteOf('TALLY', '99.9', '100.1', { time_ms: TIME_MS - 5000 })) }),
  'no rates': inputsOf({ rates: new Map() }),
  'another policy': inputsOf({ policy: activationOf(documentOf({ quote_max_age_ms: 1 })) }),
};

describe('a recorded decision, decided again from the log alone', () => {
  it.each(Object.entries(cases))('is the same, byte for byte: %s', (_name, inputs) => {
    const first = termsOf({ order_id: 'order-0', side: 'sell', symbol: 'OTHER', qty: '7' });
    const history = [opened(), reconciled('acc', '100000'), decided(first, decideOn(groupFrom(opened()), first))];
    const terms = termsOf({ constraints: { max_slippage_bps: '50', max_exposure_pct: '90' } });
    const decision = decideOn(groupFrom(...history), terms, inputs);
    expect(JSON.stringify(again([...history, decided(terms, decision)], asRecorded(decision), inputs.policy))).toBe(JSON.stringify(decision));
  });

  it('is the same for any orders in any sequence', () => {
    const order = fc.record({ side: fc.constantFrom('buy' as const, 'sell' as const), symbol: fc.constantFrom('TALLY', 'OTHER'), qty: fc.integer({ min: 1, max: 500 }).map(String) });
    fc.assert(fc.property(fc.array(order, { minLength: 1, maxLength: 12 }), (orders) => {
      const inputs = limitedTo('firm', { max_exposure: '30000', max_daily_notional: '60000' });
      const events: RiskGroupEvent[] = [opened(), reconciled('acc', '50000')];
      for (const [i, changes] of orders.entries()) {
        const terms = termsOf({ order_id: `order-${i}`, ...changes });
        const decision = decideOn(groupFrom(...events), terms, inputs);
        events.push(decided(terms, decision));
        expect(again(events, asRecorded(decision), inputs.policy)).toEqual(decision);
      }
    }), { numRuns: 100 });
  });
});
