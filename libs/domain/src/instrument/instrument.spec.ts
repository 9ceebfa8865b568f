import { describe, expect, it } from '@jest/globals';
import type { OrderRequest } from '../intent/intent.ts';
import { evolveInstruments, refuseOffGrid, type Instrument, type Instruments } from './instrument.ts';

const TALLY: Instrument = { symbol: 'TALLY', venue: 'paper', currency: 'USD', tick_size: '0.05', lot_size: '10', session: 'us-equities' };
const listed = (instrument: Instrument, known: Instruments = new Map()): Instruments => evolveInstruments(known, { type: 'InstrumentListed', data: instrument });
const request = (changes: Partial<OrderRequest> = {}): OrderRequest => ({ symbol: 'TALLY', side: 'buy', qty: '20', order_type: 'stop_limit', time_in_force: 'DAY', limit_price: '10.05', stop_price: '10', ...changes });
const refuse = (changes: Partial<OrderRequest>, instruments = listed(TALLY)) => refuseOffGrid(request(changes), instruments, 'orders[0]');

describe('an order off the grid', () => {
  it('is not what an order on it is', () => {
    expect(refuse({})).toEqual([]);
    expect(refuse({ qty: '20.000', limit_price: '10.050' })).toEqual([]);
  });

  it.each<readonly [Partial<OrderRequest>, string, string, string]>([
    [{ qty: '25' }, 'OFF_LOT', 'orders[0].qty', '20 or 30'],
    [{ qty: '20.5' }, 'OFF_LOT', 'orders[0].qty', '20 or 30'],
    [{ limit_price: '10.03' }, 'OFF_TICK', 'orders[0].limit_price', '10 or 10.05'],
    [{ limit_price: '10.051' }, 'OFF_TICK', 'orders[0].limit_price', '10.05 or 10.1'],
    [{ stop_price: '9.999999999999' }, 'OFF_TICK', 'orders[0].stop_price', '9.95 or 10'],
  ])('%j is refused with the nearest valid values', (changes, code, field, nearest) => {
    const [refusal, ...others] = refuse(changes);
    expect(others).toEqual([]);
    expect(refusal).toMatchObject({ code, field, observed: Object.values(changes)[0], limit: code === 'OFF_LOT' ? '10' : '0.05' });
    expect(refusal?.detail).toMatch(new RegExp(`nearest valid: ${nearest.replaceAll('.', '\\.')}$`));
  });

  it('is not told that nothing would be valid', () => {
    expect(refuse({ qty: '3' })[0]?.detail).toMatch(/nearest valid: 10$/);
    expect(refuse({ limit_price: '0.01' })[0]?.detail).toMatch(/nearest valid: 0\.05$/);
  });

  it('is told everything that is off', () => {
    expect(refuse({ qty: '25', limit_price: '10.03', stop_price: '9.99' }).map(({ code, field }) => `${code} ${field}`))
      .toEqual(['OFF_LOT orders[0].qty', 'OFF_TICK orders[0].limit_price', 'OFF_TICK orders[0].stop_price']);
  });

  it.each(['1e2', 'NaN', '', '-0', '0x14'])('is refused where %j cannot be read', (text) => {
    expect(refuse({ qty: text }).map(({ code }) => code)).toEqual(['OFF_LOT']);
    expect(refuse({ limit_price: text }).map(({ code }) => code)).toEqual(['OFF_TICK']);
  });

  it('is refused where nobody lists the symbol', () => {
    expect(refuse({ symbol: 'OTHER', qty: '3' })).toMatchObject([{ code: 'INSTRUMENT_UNKNOWN', field: 'orders[0].symbol', observed: 'OTHER' }]);
    expect(refuse({}, evolveInstruments(listed(TALLY), { type: 'InstrumentDelisted', data: { symbol: 'TALLY', venue: 'paper', reason: 'merged' } }))).toMatchObject([{ code: 'INSTRUMENT_UNKNOWN' }]);
  });
});

describe('instruments', () => {
  it('listed again replace what was, for what comes after', () => {
    const before = listed(TALLY);
    const after = listed({ ...TALLY, lot_size: '1' }, before);
    expect(refuse({ qty: '3' }, after)).toEqual([]);
    expect(refuse({ qty: '3' }, before)).toHaveLength(1);
  });
});
