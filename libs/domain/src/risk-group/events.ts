import type { OrderTerms } from '../order/events.ts';
import type { Decision } from './decision.ts';

export interface OpenPosition {
  readonly account: string;
  readonly strategy: string;
  readonly symbol: string;
  /** Signed: short is negative. */
  readonly qty: string;
}

export interface OpenReservation {
  readonly order_id: string;
  readonly account: string;
  readonly strategy: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly leaves_qty: string;
  /** Base currency per unit, worst case. */
  readonly worst_price: string;
}

/** Where in the log the fact was read, as a decimal string: one source event is applied once. */
interface FromLog {
  readonly source_position: string;
}

export interface AppliedTrade extends FromLog {
  readonly order_id: string;
  readonly exec_id: string;
  readonly account: string;
  readonly strategy: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly qty: string;
  readonly price: string;
  readonly fee: string;
  /** Base currency for one unit of the instrument's currency. */
  readonly rate: string;
}

export type RiskGroupEvent =
  | {
      readonly type: 'RiskGroupDayOpened';
      readonly data: {
        readonly risk_group: string;
        readonly trading_day: string;
        readonly roll_time: string;
        readonly time_zone: string;
        /** The fence: the closing revision of the day before. */
        readonly previous?: { readonly trading_day: string; readonly closing_revision: number };
        readonly positions: readonly OpenPosition[];
        readonly cash: readonly { readonly account: string; readonly cash: string }[];
        readonly reservations: readonly OpenReservation[];
        readonly source_position: string;
        readonly business_time_ms: number;
      };
    }
  | { readonly type: 'OrderDecided'; readonly data: { readonly terms: OrderTerms; readonly decision: Decision } }
  | { readonly type: 'TradeApplied'; readonly data: AppliedTrade }
  /** A bust, or the first half of a correction. */
  | { readonly type: 'TradeReversed'; readonly data: AppliedTrade }
  | { readonly type: 'ReservationReleased'; readonly data: FromLog & { readonly order_id: string; readonly status: string } }
  | { readonly type: 'CashReconciled'; readonly data: FromLog & { readonly account: string; readonly currency: string; readonly cash: string } }
  | { readonly type: 'RiskGroupDayClosed'; readonly data: { readonly risk_group: string; readonly trading_day: string; readonly business_time_ms: number } };
