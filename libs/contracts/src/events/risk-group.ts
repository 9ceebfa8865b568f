import type { RiskGroupEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { count, decimalText, id, positionText, side, text, timeMs } from './fields.ts';
import { DecisionData, OrderTermsData } from './terms.ts';

const trade = z.strictObject({
  source_position: positionText,
  order_id: id,
  exec_id: id,
  account: id,
  strategy: id,
  symbol: id,
  side,
  qty: decimalText,
  price: decimalText,
  fee: decimalText,
  rate: decimalText,
});

export const RISK_GROUP_EVENTS = eventsOf<RiskGroupEvent>()({
  RiskGroupDayOpened: {
    schemaVersion: 1,
    description: 'A trading day opens with what the day before left: positions, cash, reservations, and its closing revision as the fence.',
    schema: z.strictObject({
      risk_group: id,
      trading_day: id,
      roll_time: id,
      time_zone: id,
      previous: z.strictObject({ trading_day: id, closing_revision: count }).optional(),
      positions: z.array(z.strictObject({ account: id, strategy: id, symbol: id, qty: decimalText })),
      cash: z.array(z.strictObject({ account: id, cash: decimalText })),
      reservations: z.array(z.strictObject({ order_id: id, account: id, strategy: id, symbol: id, side, leaves_qty: decimalText, worst_price: decimalText })),
      source_position: positionText,
      business_time_ms: timeMs,
    }),
  },
  OrderDecided: {
    schemaVersion: 1,
    description: 'The authoritative decision on one order; approved ones are reserved from here on.',
    schema: z.strictObject({ terms: OrderTermsData, decision: DecisionData }),
  },
  TradeApplied: { schemaVersion: 1, schema: trade, description: 'A fill moved position, cash and reservation.' },
  TradeReversed: { schemaVersion: 1, schema: trade, description: 'A bust, or the first half of a correction.' },
  ReservationReleased: {
    schemaVersion: 1,
    description: 'A closed order can no longer trade; what it still held is free.',
    schema: z.strictObject({ source_position: positionText, order_id: id, status: text }),
  },
  CashReconciled: {
    schemaVersion: 1,
    description: 'Cash of an account as the venue states it.',
    schema: z.strictObject({ source_position: positionText, account: id, currency: id, cash: decimalText }),
  },
  RiskGroupDayClosed: {
    schemaVersion: 1,
    description: 'Nothing more is decided on this day; the revision of this event is the fence of the next.',
    schema: z.strictObject({ risk_group: id, trading_day: id, business_time_ms: timeMs }),
  },
});
