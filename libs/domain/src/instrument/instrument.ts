import { decimal, decimalText, isMultipleOf, nearestMultiples, parseDecimal, ZERO } from '../decimal.ts';
import type { OrderRequest } from '../intent/intent.ts';
import type { Refusal } from '../refusal.ts';

export interface Instrument {
  readonly symbol: string;
  readonly venue: string;
  readonly currency: string;
  readonly tick_size: string;
  readonly lot_size: string;
  /** Name of its trading session. */
  readonly session: string;
}

export type InstrumentEvent =
  | { readonly type: 'InstrumentListed'; readonly data: Instrument }
  | { readonly type: 'InstrumentDelisted'; readonly data: { readonly symbol: string; readonly venue: string; readonly reason: string } };

/** How much of `currency` one unit of `base` buys; as of business time, UTC. */
export interface CurrencyRate {
  readonly base: string;
  readonly currency: string;
  readonly rate: string;
  readonly time_ms: number;
  readonly source: string;
}

export type RateEvent = { readonly type: 'CurrencyRateSet'; readonly data: CurrencyRate };

export type Instruments = ReadonlyMap<string, Instrument>;

/** Later listings of a symbol replace earlier ones: tick and lot are versioned by the stream's revision. */
export const evolveInstruments = (known: Instruments, event: InstrumentEvent): Instruments => {
  const next = new Map(known);
  if (event.type === 'InstrumentListed') next.set(event.data.symbol, event.data);
  else next.delete(event.data.symbol);
  return next;
};

const offGrid = (field: string, text: string, step: string, code: 'OFF_TICK' | 'OFF_LOT'): Refusal | undefined => {
  const value = parseDecimal(text);
  const grid = decimal(step);
  if (!value) return { code, field, observed: text, limit: step, detail: `${field} is not a plain decimal` };
  if (isMultipleOf(value, grid)) return undefined;
  const { below, above } = nearestMultiples(value, grid);
  const nearest = below.gt(ZERO) ? `${decimalText(below)} or ${decimalText(above)}` : decimalText(above);
  return {
    code, field, observed: text, limit: step,
    detail: `${field} ${text} is not a multiple of ${step}; nearest valid: ${nearest}`,
  };
};

/** Refuses, with the nearest valid value named; never adjusts. Codes INSTRUMENT_UNKNOWN, OFF_LOT, OFF_TICK. */
export const refuseOffGrid = (request: OrderRequest, instruments: Instruments, field: string): readonly Refusal[] => {
  const instrument = instruments.get(request.symbol);
  if (!instrument) {
    return [{ code: 'INSTRUMENT_UNKNOWN', field: `${field}.symbol`, observed: request.symbol,
      detail: `no instrument ${request.symbol} is listed; list it or correct the symbol` }];
  }
  const found = [
    offGrid(`${field}.qty`, request.qty, instrument.lot_size, 'OFF_LOT'),
    request.limit_price === undefined ? undefined : offGrid(`${field}.limit_price`, request.limit_price, instrument.tick_size, 'OFF_TICK'),
    request.stop_price === undefined ? undefined : offGrid(`${field}.stop_price`, request.stop_price, instrument.tick_size, 'OFF_TICK'),
  ];
  return found.filter((refusal) => refusal !== undefined);
};
