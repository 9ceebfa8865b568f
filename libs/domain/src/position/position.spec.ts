import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decimal, ZERO, type Decimal } from '../decimal.ts';
import { applyTrade, FLAT, positionOf, positionView, unrealised, type Trade } from './position.ts';

const trade = (side: 'buy' | 'sell', qty: string, price: string, fee = '0'): Trade => ({ side, qty: decimal(qty), price: decimal(price), fee: decimal(fee) });
const buy = (qty: string, price: string, fee?: string): Trade => trade('buy', qty, price, fee);
const sell = (qty: string, price: string, fee?: string): Trade => trade('sell', qty, price, fee);
const view = (...trades: readonly Trade[]): unknown => positionView(positionOf(trades));
const expected = (qty: string, avg_price: string, realised_pnl: string, fees = '0'): unknown => expect.objectContaining({ qty, avg_price, realised_pnl, fees });

describe('a position', () => {
  it.each<readonly [string, readonly Trade[], unknown]>([
    ['is flat without trades', [], expected('0', '0', '0')],
    ['opens long', [buy('10', '100')], expected('10', '100', '0')],
    ['opens short', [sell('10', '100')], expected('-10', '100', '0')],
    ['adds to a long at the average', [buy('10', '100'), buy('30', '104')], expected('40', '103', '0')],
    ['adds to a short at the average', [sell('10', '100'), sell('30', '104')], expected('-40', '103', '0')],
    ['reduces a long and keeps its average', [buy('10', '100'), sell('4', '103')], expected('6', '100', '12')],
    ['reduces a short and keeps its average', [sell('10', '100'), buy('4', '97')], expected('-6', '100', '12')],
    ['realises a loss as one', [buy('10', '100'), sell('4', '97.5')], expected('6', '100', '-10')],
    ['closes a long', [buy('10', '100'), sell('10', '101')], expected('0', '0', '10')],
    ['closes a short', [sell('10', '100'), buy('10', '101')], expected('0', '0', '-10')],
    ['crosses zero from long to short', [buy('10', '100'), sell('15', '102')], expected('-5', '102', '20')],
    ['crosses zero from short to long', [sell('10', '100'), buy('15', '98')], expected('5', '98', '20')],
    ['keeps what was realised when it opens again', [buy('1', '10'), sell('1', '12'), sell('1', '20')], expected('-1', '20', '2')],
    ['adds up fees and rebates beside the result', [buy('10', '100', '1'), sell('10', '101', '-0.25')], expected('0', '0', '10', '0.75')],
    ['is not moved by a trade corrected to nothing', [buy('10', '100'), buy('0', '50'), sell('0', '50')], expected('10', '100', '0')],
    ['takes prices below zero', [buy('10', '-5'), sell('10', '-3')], expected('0', '0', '20')],
    ['rounds an average to 12 places', [buy('1', '1'), buy('2', '2')], expected('3', '1.666666666667', '0')],
  ])('%s', (_what, trades, result) => {
    expect(view(...trades)).toEqual(result);
  });

  it('is worth its distance from the mark, long or short', () => {
    expect(unrealised(positionOf([buy('10', '100')]), decimal('101.5')).toFixed()).toBe('15');
    expect(unrealised(positionOf([sell('10', '100')]), decimal('101.5')).toFixed()).toBe('-15');
    expect(unrealised(FLAT, decimal('101.5')).toFixed()).toBe('0');
  });

  it('is folded again without a busted trade, and with a corrected one', () => {
    const trades = [buy('10', '100', '1'), sell('4', '103', '1'), buy('2', '90', '1')];
    expect(view(...trades.filter((_, index) => index !== 1))).toEqual(expected('12', '98.333333333333', '0', '2'));
    expect(view(...trades.map((one, index) => (index === 1 ? sell('5', '102', '1') : one)))).toEqual(expected('7', '97.142857142857', '10', '3'));
    expect(view(...trades.filter((_, index) => index !== 0))).toEqual(expected('-2', '103', '26', '2'));
  });
});

const tradeArb = fc.record({
  side: fc.constantFrom('buy' as const, 'sell' as const), qty: fc.integer({ min: 1, max: 40 }).map((halves) => decimal(String(halves)).div(decimal('2'))),
  price: fc.integer({ min: 9000, max: 11_000 }).map((cents) => decimal(String(cents)).div(decimal('100'))), fee: fc.constantFrom(ZERO, decimal('0.35'), decimal('-0.1')),
});
const tradesArb = fc.array(tradeArb, { maxLength: 30 });

const sum = (values: readonly Decimal[]): Decimal => values.reduce((total, value) => total.plus(value), ZERO);
const signed = ({ side, qty }: Trade): Decimal => (side === 'buy' ? qty : ZERO.minus(qty));
/** Each average is off by at most half of its 12th place, times what is held: at most 600 units here, 30 times. */

describe('any trades', () => {
  it('give the quantity and the fees of a naive sum, exactly, in any order', () => {
    fc.assert(fc.property(tradesArb.chain((trades) => fc.tuple(fc.constant(trades), fc.shuffledSubarray(trades, { minLength: trades.length }))), ([trades, shuffled]) => {
      for (const order of [trades, shuffled]) {
        const position = positionOf(order);
        expect(position.qty.toFixed()).toBe(sum(trades.map(signed)).toFixed());
        expect(position.fees.toFixed()).toBe(sum(trades.map(({ fee }) => fee)).toFixed());
      }
    }));
  });

  it('give a result, realised and open, that is the money they moved', () => {
    fc.assert(fc.property(tradesArb, tradeArb, (trades, { price: mark }) => {
      const position = positionOf(trades);
      const money = ZERO.minus(sum(trades.map((one) => signed(one).times(one.price))));
      const result = position.realised.plus(unrealised(position, mark));
      expect(result.toFixed()).toBe(money.plus(position.qty.times(mark)).toFixed());
    }));
  });

  it('are the same folded at once or one by one through what is stored of the position', () => {
    fc.assert(fc.property(tradesArb, (trades) => {
      let stored = positionView(FLAT);
      for (const one of trades) {
        stored = positionView(applyTrade({ qty: decimal(stored.qty), cost: decimal(stored.cost), realised: decimal(stored.realised_pnl), fees: decimal(stored.fees) }, one));
      }
      expect(stored).toEqual(positionView(positionOf(trades)));
    }));
  });
});
